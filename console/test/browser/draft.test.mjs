// What was changed and not saved: whose it is, and that nothing of it is lost.

import assert from 'node:assert/strict';
import {like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
// what the browser says of a mail's own HTML, which can do nothing
const FRAME = /Refused to load|violates the following Content Security Policy|Blocked script execution/;
const EXPIRED = /status of 401/;

const definition = name => `{"name": "${name}", "trigger_type": "draft_of_${name.toLowerCase()}",
	"steps": [{"name": "tell", "action": "webhook", "params": {"url": "https://example.com/"}}]}`;

const workflow = name => sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', $d$${definition(name)}$d$, 'shop_steps')`);

const kept = (page, text) => page.waitForFunction(part =>
	Object.values(sessionStorage).some(one => one.includes(part)), text);

const drafts = page => page.evaluate(() => Object.values(sessionStorage).map(one => JSON.parse(one).text));

async function openTemplate(person, name) {
	await person.open('/settings/templates');
	await person.page.locator('tr a', {hasText: name}).click();
	await person.page.locator('textarea[name=body]').waitFor();
}

// The session of the role ends, and somebody else signs in in the same tab.
async function anotherSignsIn(person, role) {
	sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'`);
	await person.page.reload();
	await person.field('login.role').waitFor();
	await person.signIn(role);
}

story('is offered no draft of somebody else', {allow: [EXPIRED, FRAME]}, async person => {
	const id = workflow('Whose');
	const {page} = person;

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-description"]').fill('for ops alone');
	await kept(page, 'for ops alone');
	await person.open('/workflows/new?empty=1');
	await page.locator('[id="f-description"]').fill('new, for ops alone');
	await kept(page, 'new, for ops alone');
	await anotherSignsIn(person, 'admin');
	assert.deepEqual(await drafts(page), []);
	for (const path of [`/workflows/${id}/edit`, '/workflows/new?empty=1']) {
		await person.open(path);
		await page.locator('[id="f-description"]').waitFor();
		assert.equal(await person.button('draft.take').count(), 0);
		assert.equal(await page.locator('[id="f-description"]').inputValue(), '');
	}
});

story('says so, once, if the browser has no room for a draft', {allow: [FRAME]}, async person => {
	const id = workflow('Room');
	const {page} = person;
	const said = page.locator('.toast.error', {hasText: person.say('draft.no_room')});

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-description"]').waitFor();
	await page.evaluate(() => {
		Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
	});
	await page.locator('[id="f-description"]').fill('one');
	await said.waitFor();
	await said.getByRole('button').click();
	await page.locator('[id="f-description"]').fill('two');
	await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
	assert.equal(await said.count(), 0);
});

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('what is typed beside a draft that is offered does not replace it', {language, width}, async person => {
		const id = workflow(`Kept_${language}`);
		const {page} = person;
		const description = page.locator('[id="f-description"]');
		const offer = text => page.locator('.draft', {hasText: text});
		const takes = () => page.getByRole('button', {name: person.say('draft.take'), exact: true});

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await description.fill('a long text');
		await kept(page, 'a long text');
		await page.reload();
		await takes().waitFor();
		// the offer is overlooked, and one letter typed
		await page.locator('[id="f-name"]').fill('X');
		await kept(page, '"X\\"');
		assert.equal((await drafts(page)).length, 2);
		await page.reload();
		await page.waitForFunction(() => document.querySelectorAll('.draft').length === 2);
		await person.accessible('two drafts');
		await person.fits('two drafts');
		// the newest is first; whichever is taken, the other one stays
		await takes().first().click();
		await page.waitForFunction(() => document.getElementById('f-name').value === 'X');
		assert.equal(await takes().count(), 1);
		await takes().click();
		await page.waitForFunction(() => document.getElementById('f-description').value === 'a long text');
		assert.equal(await takes().count(), 1);
		await person.press('draft.drop');
		await offer('').waitFor({state: 'detached'});
		await page.waitForFunction(() => sessionStorage.length === 1);
		assert.match((await drafts(page))[0], /a long text/);
		// undone to the last letter, nothing is left to be kept
		while (await person.button('editor.undo').isEnabled())
			await person.press('editor.undo');
		await page.waitForFunction(() => sessionStorage.length === 0);
	});
}

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('what was written into a mail template is there when one comes back', {language, width, allow: [FRAME]}, async person => {
		const {page} = person;
		const body = page.locator('textarea[name=body]');

		await person.signIn();
		await openTemplate(person, 'welcome');

		const before = await body.inputValue();

		await body.fill('half a letter');
		await page.getByRole('link', {name: person.say('settings.schedules'), exact: true}).click();
		await body.waitFor({state: 'detached'});
		await page.goBack();
		await person.button('draft.take').waitFor();
		assert.equal(await body.inputValue(), before);
		await person.accessible('a draft of a mail template');
		await person.fits('a draft of a mail template');
		await person.press('draft.take');
		await page.waitForFunction(() => document.querySelector('textarea[name=body]').value === 'half a letter');
		await page.goBack();
		await body.waitFor({state: 'detached'});
		await page.goForward();
		await person.press('draft.drop');
		await page.waitForFunction(() => sessionStorage.length === 0);
		assert.equal(await body.inputValue(), before);
	});
}

story('keeps a new mail template, and whose it is', {allow: [FRAME]}, async person => {
	const {page} = person;

	await person.signIn();
	await person.open('/settings/templates/new');
	await page.locator('form select[name=tenant]').selectOption({label: '\u2068Beirut\u2069'});
	await page.locator('input[name=name]').fill('thanks');
	await page.locator('textarea[name=body]').fill('Thank you');
	await kept(page, 'Thank you');
	await openTemplate(person, 'welcome');
	assert.equal(await person.button('draft.take').count(), 0);
	await person.open('/settings/templates/new');
	await person.press('draft.take');
	await page.waitForFunction(() => document.querySelector('input[name=name]').value === 'thanks');
	await person.press('save');
	await page.locator('h1', {hasText: 'thanks'}).waitFor();
	assert.equal(sql(`SELECT tenant_id || ' ' || body FROM workflow_templates WHERE name = 'thanks'`), `${BEIRUT} Thank you`);
	assert.deepEqual(await drafts(page), []);
});

story('a draft of a mail template of the version before overwrites nothing', {allow: [FRAME, /status of 409/]}, async person => {
	const {page} = person;
	const body = page.locator('textarea[name=body]');

	sql(`INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES ('${BEIRUT}', 'later', 'Hello', 'the first')`);
	await person.signIn();
	await openTemplate(person, 'later');
	await body.fill('mine');
	await kept(page, 'mine');
	sql(`UPDATE workflow_templates SET body = 'of the other' WHERE name = 'later'`);
	await page.reload();
	await person.press('draft.take');
	await page.waitForFunction(() => document.querySelector('textarea[name=body]').value === 'mine');
	await person.press('save');
	await person.dialog().getByText('of the other').waitFor();
	assert.equal(sql(`SELECT body FROM workflow_templates WHERE name = 'later'`), 'of the other');
	await person.press('template.overwrite', {version: 'v3'});
	await page.locator('h1', {hasText: 'v3'}).waitFor();
	assert.equal(sql(`SELECT version || body FROM workflow_templates WHERE name = 'later'`), '3mine');
	assert.deepEqual(await drafts(page), []);
});

story('who signs in again saves a mail template on the version that he has read', {allow: [EXPIRED, FRAME, /status of 409/]}, async person => {
	const {page} = person;
	const body = page.locator('textarea[name=body]');

	sql(`INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES ('${BEIRUT}', 'again', 'Hello', 'the first')`);
	await person.signIn();
	await openTemplate(person, 'again');
	sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'`);
	await body.fill('mine');
	await person.sees(person.say('login.again'));
	sql(`UPDATE workflow_templates SET body = 'of the other' WHERE name = 'again'`);
	await person.signInAgain();
	assert.equal(await body.inputValue(), 'mine');
	await page.getByText(person.say('template.history')).click();
	await page.getByRole('button', {name: 'v2'}).waitFor();
	await person.press('save');
	await person.dialog().getByText('of the other').waitFor();
	assert.equal(sql(`SELECT version || body FROM workflow_templates WHERE name = 'again'`), '2of the other');
});

story('two clicks on Save of a mail template save once, and nothing is said in red', {allow: [FRAME]}, async person => {
	const {page} = person;
	const save = () => page.locator('form .actions button.main');
	let go;
	const held = new Promise(resolve => { go = resolve; });

	sql(`INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES ('${BEIRUT}', 'twice', 'Hello', 'the first')`);
	await person.signIn();
	await openTemplate(person, 'twice');
	await page.locator('textarea[name=body]').fill('the second');
	await page.route('**/api/templates/*/save', async route => {
		await held;
		await route.continue();
	});
	await save().click();
	await save().getByText(person.say('busy')).waitFor();
	await save().click({force: true});
	await page.locator('input[name=subject]').press('Enter');
	go();
	await page.locator('.toast.info', {hasText: like(person.say('saved'))}).waitFor();
	await page.locator('h1', {hasText: 'v2'}).waitFor();
	await save().click({force: true});
	assert.equal(await page.locator('.toast.error').count(), 0);
	assert.equal(sql(`SELECT version FROM workflow_templates WHERE name = 'twice'`), '2');
	// what is the same as what is saved still says why there is nothing to save
	await page.locator('textarea[name=body]').fill('the third');
	await page.locator('textarea[name=body]').fill('the second');
	await save().click({force: true});
	await page.locator('.toast.error', {hasText: like(person.say('template.unchanged'))}).waitFor();
});

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('what is no JSON yet is lost by no view, by no fold, no move and no reload', {language, width}, async person => {
		const {page} = person;
		const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', $d${'$'}{"name": "Half_${language}", "trigger_type": "half", "steps": [
			{"name": "first", "action": "webhook", "params": {"url": "https://example.com/", "body": {"a": 1}}},
			{"name": "second", "action": "webhook", "params": {"url": "https://example.com/"}}]}$d${'$'}, 'shop_steps')`);
		const half = '{"a": 1,\n "customer": {{ trigger.name }}';
		const body = i => page.locator(`[id="f-steps[${i}].params.body"]`);
		const fold = i => page.locator(`[id="f-steps[${i}]"]`).click();
		const save = person.button('editor.save', {version: 'v2'});

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		await page.locator('.param', {has: body(0)}).getByRole('button', {name: like(person.say('editor.as_json'))}).click();
		await body(0).fill(half);
		await person.sees(person.say('editor.held'));
		await person.accessible('half a JSON');
		assert.equal(await save.getAttribute('aria-disabled'), 'true');

		// the other view has it where it belongs, and says the line of all
		await person.press('editor.json');

		const code = await page.locator('#code').inputValue();
		const line = code.slice(0, code.indexOf('{{ trigger')).split('\n').length;

		assert.ok(code.includes(half), code);
		await person.sees(person.say('editor.json_broken', {line}));
		await page.locator('.lines span.error', {hasText: new RegExp(`^${line}$`)}).waitFor();
		await person.press('editor.form');
		assert.equal(await body(0).inputValue(), half);
		await person.sees(person.say('editor.json_broken', {line: 2}));

		await fold(0);
		await body(0).waitFor({state: 'detached'});
		// the list of what is wrong opens the step again
		await page.locator('.checked li button').click();
		await page.waitForFunction(() => document.activeElement.id === 'f-steps[0].params.body');
		await page.locator('[id="down-0"]').click();
		assert.equal(await body(1).inputValue(), half);

		// it is kept as it is now
		await page.waitForFunction(() => Object.values(sessionStorage).some(one => one.includes('customer') && one.indexOf('second') < one.indexOf('customer')));
		await page.reload();
		await person.press('draft.take');
		await person.press('editor.json');
		await page.waitForFunction(text => document.getElementById('code').value.includes(text), half);
		await page.locator('#code').fill((await page.locator('#code').inputValue()).replace('{{ trigger.name }}', '"{{ trigger.name }}"}'));
		await person.sees(person.say('editor.valid'));
		await person.press('editor.form');

		// undone, it is as it was typed
		await page.locator('[id="f-steps[1]"]').click();
		const json = page.locator('.param', {has: body(1)}).getByRole('button', {name: like(person.say('editor.as_json'))});

		await json.click();
		await body(1).fill('[');
		await body(1).fill('{"b": 2}');
		await person.sees(person.say('editor.valid'));
		await page.keyboard.press('Control+z');
		await page.waitForFunction(text => document.getElementById('f-steps[1].params.body').value !== text, '{"b": 2}');
	});
}
