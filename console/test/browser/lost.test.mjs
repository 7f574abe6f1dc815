// Answers that are lost: nothing is sent again by itself, and it is said whether it was
// done, or that nobody knows.

import assert from 'node:assert/strict';
import {like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const ALLOWED = [/status of (401|409|502)/, /ERR_FAILED/, /Refused to load|violates the following Content Security Policy|Blocked script execution/];
const away = {status: 502, contentType: 'text/html', body: '<html><body>502 Bad Gateway</body></html>'};

const definition = (name, description) => `{"name": "${name}", "trigger_type": "of ${name}", "description": "${description}",
	"steps": [{"name": "tell", "action": "webhook", "params": {"url": "https://example.com/", "body": {"n": 19.90}}}]}`;

const workflow = name => sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', $d$${definition(name, 'first')}$d$, 'shop_steps')`);

const versions = id => sql(`SELECT string_agg(v.version || ' ' || (v.definition->>'description'), ', ' ORDER BY v.version)
	FROM workflow_definition_versions v WHERE definition_id = '${id}'`);

// The window that saves a change of a workflow.
async function saves(person, id, text) {
	await person.open(`/workflows/${id}/edit`);
	await person.page.locator('[id="f-description"]').fill(text);
	await person.page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
	await person.press('editor.save', {version: 'v2'});
	await person.dialog().locator('input').first().fill('why');
}

const submit = person => person.dialog().locator('button[type=submit]');

// The page of the workflow, which is now saved.
async function isSaved(person, version) {
	await person.page.locator('.toast.info', {hasText: like(person.say('editor.saved', {version}))}).waitFor();
	await person.page.waitForFunction(() => /^#\/workflows\/[0-9a-f-]{36}(\?|$)/.test(location.hash));
	await person.dialog().waitFor({state: 'detached'});
}

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('a save whose answer is lost: the page waits for the console, and finds it saved', {language, width, allow: ALLOWED}, async person => {
		const {page} = person;
		const id = workflow(`Lost_${language}`);
		let sent = 0;

		await person.signIn();
		await saves(person, id, 'second');
		await page.route(`**/api/workflows/${id}/save`, async route => {
			sent += 1;
			await route.fetch();
			await route.fulfill(away);
		});
		await page.route(`**/api/workflows/${id}`, route => route.fulfill(away));
		await submit(person).click();
		await person.sees(person.say('save.looking'));
		await person.accessible('a save whose answer is lost');
		await person.fits('a save whose answer is lost');
		// what is not known is not sent again
		assert.equal(await submit(person).getAttribute('aria-disabled'), 'true');
		await submit(person).click({force: true});
		await page.unroute(`**/api/workflows/${id}`);
		await isSaved(person, 'v2');
		assert.equal(sent, 1);
		assert.equal(versions(id), '1 first, 2 second');
		assert.equal(await page.evaluate(() => sessionStorage.length), 0);
	});
}

story('a save that did not arrive: the page says so, and it is saved again', {allow: ALLOWED}, async person => {
	const {page} = person;
	const id = workflow('Lost before');

	await person.signIn();
	await saves(person, id, 'second');
	await page.route(`**/api/workflows/${id}/save`, route => route.abort(), {times: 1});
	await submit(person).click();
	await person.sees(person.say('save.not_saved'));
	assert.equal(versions(id), '1 first');
	await submit(person).click();
	await isSaved(person, 'v2');
	assert.equal(versions(id), '1 first, 2 second');
});

story('a save that was lost with the session: after signing in the page says what became of it', {allow: ALLOWED}, async person => {
	const id = workflow('Lost session');

	await person.signIn();
	await saves(person, id, 'second');
	await person.page.route(`**/api/workflows/${id}/save`, async route => {
		sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'`);
		await route.continue();
	}, {times: 1});
	await submit(person).click();
	await person.signInAgain();
	await person.sees(person.say('save.not_saved'));
	await submit(person).click();
	await isSaved(person, 'v2');
	assert.equal(versions(id), '1 first, 2 second');
});

story('somebody else has saved while the answer was lost: both are seen', {allow: ALLOWED}, async person => {
	const id = workflow('Lost both');

	await person.signIn();
	await saves(person, id, 'second');
	await person.page.route(`**/api/workflows/${id}/save`, async route => {
		sql(`SELECT wf_save('${id}', NULL, $d$${definition('Lost both', 'of another')}$d$, 'shop_steps', 1, 'mine')`);
		await route.abort();
	}, {times: 1});
	await submit(person).click();
	await person.page.getByRole('heading', {name: person.say('merge'), exact: true}).waitFor();
	assert.equal(versions(id), '1 first, 2 of another');
});

story('who saves again what was saved is not told of somebody else', {allow: ALLOWED}, async person => {
	const {page} = person;
	const id = workflow('Lost twice');

	await person.signIn();
	await saves(person, id, 'second');

	const before = await page.evaluate(async of => {
		const [token] = localStorage.getItem('wf-token').split(' ');

		return (await fetch(`/api/workflows/${of}`, {headers: {'X-WF-Token': token}})).json();
	}, id);

	await page.route(`**/api/workflows/${id}/save`, async route => {
		await route.fetch();
		await route.fulfill(away);
	}, {times: 1});
	// what is read first is of the moment before
	await page.route(`**/api/workflows/${id}`, route => route.fulfill({json: before}), {times: 1});
	await submit(person).click();
	await person.sees(person.say('save.not_saved'));
	await submit(person).click();
	await isSaved(person, 'v2');
	assert.equal(versions(id), '1 first, 2 second');
});

story('a new workflow whose answer is lost is found by its name', {allow: ALLOWED}, async person => {
	const {page} = person;

	await person.signIn();
	await person.open('/workflows/new?empty=1');
	await person.press('editor.json');
	await page.locator('#code').fill(definition('Lost new', 'first'));
	await page.locator('main select[name=tenant]').selectOption(BEIRUT);
	await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
	await page.route('**/api/workflows', async route => {
		if (route.request().method() !== 'POST')
			return route.continue();
		await route.fetch();
		return route.fulfill(away);
	});
	await person.press('editor.save_new');
	await submit(person).click();
	await isSaved(person, 'v1');
	assert.equal(sql(`SELECT version FROM workflow_definitions WHERE name = 'Lost new'`), '1');
});

story('what cannot be read again says that nobody knows', {allow: ALLOWED}, async person => {
	const {page} = person;
	const unknown = page.locator('.toast.error', {hasText: like(person.say('write.unknown'))});
	const id = workflow('Lost switch');

	sql(`UPDATE workflow_definitions SET is_active = false WHERE id = '${id}'`);
	await person.signIn();
	await page.route('**/api/runs/retry', route => route.fulfill(away));
	await person.open('/failures');
	await person.press('retry_one');
	await unknown.waitFor();
	await unknown.getByRole('button').click();
	await page.route('**/api/workflows/*/active', route => route.abort());
	await person.open(`/workflows/${id}`);
	await person.press('workflow.switch_on');
	await unknown.waitFor();
	await page.route('**/api/templates/*/save', route => route.abort());
	await person.open('/settings/templates');
	await page.locator('tr a', {hasText: 'welcome'}).click();
	await page.locator('textarea[name=body]').fill('lost');
	await person.press('save');
	await page.locator('form .note', {hasText: person.say('write.unknown')}).waitFor();
});
