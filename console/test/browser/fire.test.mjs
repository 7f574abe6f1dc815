// "Run it now, for real": who may, what is said before, and what it does.

import assert from 'node:assert/strict';
import {before} from 'node:test';
import {becomes, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

before(() => sql(`CREATE TABLE IF NOT EXISTS fired (id text PRIMARY KEY, total numeric); GRANT SELECT, INSERT ON fired TO shop_steps; DELETE FROM fired`));

const workflow = (name, event) => sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "${name}", "trigger_type": "${event}", "steps": [{"name": "keep",
	"action": "insert_record", "params": {"table": "fired", "fields": {"id": "{{ trigger.id }}", "total": "{{ trigger.total }}"}}}]}', 'shop_steps', NULL, NULL)`);

for (const [language, width, theme] of [['en', 1280, 'dark'], ['ar', 390, 'light']]) {
	story('runs a workflow for real, after the event data was read', {language, width, theme, allow: [/status of 409/]}, async person => {
		const id = workflow(`Fire ${language}`, `fire_${language}`);
		const {page} = person;
		const dialog = person.dialog();

		workflow(`Other ${language}`, `fire_${language}`);
		await person.signIn('admin');
		await person.open(`/workflows/${id}`);
		await person.press('fire.open_dialog');
		await dialog.getByText(person.say('fire.real')).waitFor();
		await dialog.getByText('keep').waitFor();
		await person.accessible('before it is run');
		await person.fits('before it is run');

		const go = dialog.getByRole('button', {name: person.say('fire'), exact: true});
		const data = dialog.getByLabel(person.say('sample.pasted'));

		// not without having read it, not with JSON that is broken, and not after a change unread
		assert.equal(await go.isDisabled(), true);
		await data.fill('{"id": "1", ');
		await dialog.getByText(person.say('editor.json_broken', {line: 1})).waitFor();
		await data.fill('[1, 2]');
		await dialog.getByText(person.say('event.no_object')).waitFor();
		await dialog.getByRole('checkbox').check();
		assert.equal(await go.isDisabled(), true);
		await data.fill(`{"id": "${language}", "total": 19.90}`);
		assert.equal(await dialog.getByRole('checkbox').isChecked(), false);
		await dialog.getByRole('checkbox').check();
		await go.click();
		await person.sees(person.say('fire.done'));
		await person.accessible('after it was run');

		const link = dialog.getByRole('link', {name: person.say('fire.open')});

		assert.equal(await link.evaluate(element => element === document.activeElement), true);
		await page.keyboard.press('Enter');
		await person.sees(person.say('run.status.completed'));
		await becomes(`SELECT total FROM fired WHERE id = '${language}'`, '19.90');
		// it alone
		assert.equal(sql(`SELECT count(*) FROM workflow_runs WHERE trigger_payload->>'id' = '${language}'`), '1');

		// in the editor only what is saved, with the event of the sample
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		await page.locator('#f-description').fill('x');
		if (width < 500)
			await person.press('editor.sample');
		await page.waitForFunction(() => document.querySelector('.sample button.danger').getAttribute('aria-disabled') === 'true');
		assert.match(await page.locator('.sample button.danger').getAttribute('title'), /v1/);
		if (width < 500)
			await person.press('editor.form');
		await page.locator('#f-description').fill('');
		if (width < 500)
			await person.press('editor.sample');
		await page.waitForFunction(() => !document.querySelector('.sample button.danger').hasAttribute('aria-disabled'));
		sql(`SELECT wf_save('${id}', NULL, definition || '{"description": "newer"}', NULL, 1, NULL) FROM workflow_definitions WHERE id = '${id}'`);
		await page.locator('.sample button.danger').click();
		assert.match(await data.inputValue(), new RegExp(`"${language}"[^]*19\\.90`));
		await dialog.getByRole('checkbox').check();
		await go.click();
		// what somebody has saved meanwhile is not run unread
		await dialog.getByText(person.say('error.changed')).waitFor();
		assert.equal(sql(`SELECT count(*) FROM workflow_runs WHERE definition_id = '${id}'`), '1');
	});

	story('says why a role may not run it, and which GRANT helps', {language, width, theme}, async person => {
		const id = workflow(`No fire ${language}`, 'never');

		await person.signIn('ops');
		await person.open(`/workflows/${id}`);

		const button = person.button('fire.open_dialog');

		assert.equal(await button.getAttribute('aria-disabled'), 'true');
		await button.click({force: true});
		assert.equal(await person.dialog().getByLabel(person.say('sample.pasted')).count(), 0);
		await person.dialog().getByText("SELECT wf_grant('ops', 'fire');", {exact: true}).waitFor();
		await person.page.keyboard.press('Escape');
		await person.dialog().waitFor({state: 'detached'});
		await person.page.getByText(person.say('why_not')).click();
		await person.page.locator('.why code', {hasText: /^SELECT wf_grant\('ops', 'fire'\);$/}).waitFor();
		await person.accessible('why not');
		await person.fits('why not');

		// so is the role of the steps, of which it must be a member
		sql('DROP ROLE IF EXISTS "Odd role"; CREATE ROLE "Odd role"');

		const odd = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "Odd ${language}", "trigger_type": "odd", "steps": [{"name": "a", "action": "webhook", "params": {"url": "https://example.com"}}]}', '"Odd role"', NULL, NULL)`);

		await person.open(`/workflows/${odd}`);
		await person.button('editor.edit').waitFor();
		assert.match(await person.button('editor.edit').getAttribute('title'), / GRANT "Odd role" TO ops;$/);
		await person.open(`/workflows/${odd}/edit`);
		await person.button('editor.save', {version: 'v2'}).waitFor();
		assert.match(await person.button('editor.save', {version: 'v2'}).getAttribute('title'), / GRANT "Odd role" TO ops;$/);
		sql(`DELETE FROM workflow_definitions WHERE id = '${odd}'`);
	});
}
