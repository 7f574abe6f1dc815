// What was changed and not saved: whose it is, and that nothing of it is lost.

import assert from 'node:assert/strict';
import {sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const EXPIRED = /status of 401/;

const definition = name => `{"name": "${name}", "trigger_type": "draft_of_${name.toLowerCase()}",
	"steps": [{"name": "tell", "action": "webhook", "params": {"url": "https://example.com/"}}]}`;

const workflow = name => sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', $d$${definition(name)}$d$, 'shop_steps')`);

const kept = (page, text) => page.waitForFunction(part =>
	Object.values(sessionStorage).some(one => one.includes(part)), text);

const drafts = page => page.evaluate(() => Object.values(sessionStorage).map(one => JSON.parse(one).text));

// The session of the role ends, and somebody else signs in in the same tab.
async function anotherSignsIn(person, role) {
	sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'`);
	await person.page.reload();
	await person.field('login.role').waitFor();
	await person.signIn(role);
}

story('is offered no draft of somebody else', {allow: [EXPIRED]}, async person => {
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
