// Several tabs of one browser, which have one session: what one of them does to it holds
// in all, and nobody acts under the name of somebody else.

import assert from 'node:assert/strict';
import {sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
// of a session that has ended, noted by the browser; and a mail's own HTML, which can do nothing
const ALLOWED = [/status of 401/, /Refused to load|violates the following Content Security Policy|Blocked script execution/];

const workflow = name => sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "${name}", "trigger_type": "of ${name}",
	"steps": [{"name": "tell", "action": "webhook", "params": {"url": "https://example.com/"}}]}', 'shop_steps')`);

const versions = id => sql(`SELECT string_agg(version || ' ' || created_by, ', ' ORDER BY version)
	FROM workflow_definition_versions WHERE definition_id = '${id}'`);

const endSessions = role => sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);

// Waits until the page is that of this role.
const isOf = (person, role) => person.page.locator('header button.role', {hasText: role}).waitFor({state: 'attached'});

// What the tab has of a draft.
const drafts = person => person.page.evaluate(() => Object.values(sessionStorage).join());

// The editor of a workflow, with a change that is not saved.
async function writes(person, id, text) {
	const {page} = person;

	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-description"]').fill(text);
	await page.waitForFunction(part => Object.values(sessionStorage).some(one => one.includes(part)), text);
	await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
}

// A tab that hears nothing of what others do, as one that the browser lets stand still.
async function deaf(person) {
	const other = await person.tab();

	await other.page.addInitScript(() => addEventListener('storage', event => event.stopImmediatePropagation(), true));
	return other;
}

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('another role in one tab is another role in all, and gets no draft', {language, width, allow: ALLOWED}, async person => {
		const id = workflow(`Tabs_${language}`);
		const other = await person.tab();

		await person.signIn();
		await other.open();
		await isOf(other, 'ops');
		await writes(other, id, 'for ops alone');
		await person.signOut();
		// nothing of it is on the screen of the other tab
		await other.field('login.role').waitFor();
		assert.equal(await other.page.locator('nav').count(), 0);
		assert.equal(await drafts(other), '');
		await person.signIn('admin');
		await isOf(other, 'admin');
		await other.page.locator('[id="f-description"]').waitFor();
		assert.equal(await other.page.locator('[id="f-description"]').inputValue(), '');
		assert.equal(await other.button('draft.take').count(), 0);
		assert.equal(await drafts(other), '');
		assert.equal(versions(id), '1 ' + sql('SELECT current_user'));
	});
}

story('another role over a page whose session has ended: the tabs are loaded anew, and it stays signed in', {allow: ALLOWED}, async person => {
	const id = workflow('Tabs over');
	const other = await person.tab();

	await person.signIn();
	await other.open('/settings/templates');
	await other.page.locator('tr a', {hasText: 'welcome'}).click();
	await other.page.locator('textarea[name=body]').fill('for ops alone');
	await writes(person, id, 'for ops alone');
	await person.page.evaluate(() => { window.sameDocument = true; });
	endSessions('ops');
	await person.signInAgain('admin');
	await isOf(person, 'admin');
	assert.equal(await person.page.evaluate(() => window.sameDocument), undefined);
	// no question whether to leave what was typed holds it back
	await isOf(other, 'admin');
	await other.page.waitForFunction(() => document.querySelector('textarea[name=body]')?.value);
	assert.doesNotMatch(await other.page.locator('textarea[name=body]').inputValue(), /for ops/);
	for (const one of [person, other]) {
		assert.equal(await drafts(one), '');
		await one.page.reload();
		await isOf(one, 'admin');
	}
});

story('signing in again in one tab is enough for all, and what was typed stays', {allow: ALLOWED}, async person => {
	const id = workflow('Tabs again');
	const other = await person.tab();

	await person.signIn();
	await other.open();
	await isOf(other, 'ops');
	await writes(other, id, 'of both tabs');
	endSessions('ops');
	// the one is asked by its timer, the other by what is typed
	await other.page.locator('[id="f-description"]').fill('of both tabs, and more');
	await other.sees(other.say('login.again'));
	await person.signInAgain();
	await other.dialog().waitFor({state: 'detached'});
	assert.equal(await other.page.locator('[id="f-description"]').inputValue(), 'of both tabs, and more');
	await other.page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
	await other.press('editor.save', {version: 'v2'});
	await other.dialog().locator('button.main').click();
	await other.page.locator('h1', {hasText: 'Tabs again'}).waitFor();
	await other.page.waitForFunction(() => !location.hash.endsWith('/edit'));
	assert.match(versions(id), /2 ops$/);
});

story('a tab that has heard nothing of the other role writes nothing under its name', {allow: ALLOWED}, async person => {
	const id = workflow('Tabs deaf');
	const other = await deaf(person);

	await person.signIn();
	await other.open();
	await isOf(other, 'ops');
	await writes(other, id, 'for ops alone');
	await other.press('editor.save', {version: 'v2'});
	await other.dialog().locator('button.main').waitFor();
	await person.signOut();
	await person.signIn('admin');
	await isOf(other, 'ops');
	await other.dialog().locator('button.main').click();
	await isOf(other, 'admin');
	assert.equal(versions(id), '1 ' + sql('SELECT current_user'));
	assert.equal(await drafts(other), '');
});

story('a tab that has heard nothing looks when it is shown', {allow: ALLOWED}, async person => {
	const other = await deaf(person);

	await person.signIn();
	await other.open('/settings/about');
	await isOf(other, 'ops');
	await person.signOut();
	await person.signIn('admin');
	await isOf(other, 'ops');
	await other.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	await isOf(other, 'admin');
});

story('an answer to the session before does not end the one of now', {allow: ALLOWED}, async person => {
	const other = await person.tab();
	let answer;
	const held = new Promise(resolve => { answer = resolve; });

	await person.signIn();
	await other.page.route('**/api/me', async route => {
		await held;
		await route.fulfill({status: 401, json: {error: {code: 'lost', message: ''}}});
	}, {times: 1});
	await Promise.all([other.page.waitForRequest('**/api/me'), other.open()]);
	endSessions('ops');
	await person.signInAgain();
	// the other tab has asked again, in the new session
	await isOf(other, 'ops');
	await Promise.all([other.page.waitForResponse(one => one.url().endsWith('/api/me') && one.status() === 401), answer()]);
	await Promise.all([other.page.waitForResponse(one => one.url().endsWith('/api/about') && one.status() === 200), other.open('/settings/about')]);
	await other.page.locator('main dl, main table').first().waitFor();
	assert.equal(await other.dialog().count(), 0);
});
