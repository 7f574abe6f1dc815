// The form knows the tables and columns that the steps' role may use, and which of several
// parameters is given.

import assert from 'node:assert/strict';
import {before} from 'node:test';
import {sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

before(() => sql(`CREATE TABLE IF NOT EXISTS formed (id int PRIMARY KEY, status text, total numeric); GRANT SELECT, UPDATE ON formed TO shop_steps;
	CREATE TABLE IF NOT EXISTS not_theirs (id int)`));

for (const [language, width, theme] of [['en', 1280, 'dark'], ['ar', 390, 'light']]) {
	story('offers the tables and columns, and one of several parameters', {language, width, theme}, async person => {
		const {page} = person;
		const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "Form ${language}", "trigger_type": "new_order", "steps": [
			{"name": "set", "action": "update_record", "params": {"table": "formed", "id": 1, "fields": {"status": "x"}}},
			{"name": "send", "action": "webhook", "params": {"connection": "shop", "path": "/x"}}]}', 'shop_steps', NULL, NULL)`);
		const options = async list => page.locator(`datalist#${list} option`).evaluateAll(all => all.map(one => one.value));
		const params = async () => {
			await person.press('editor.json');

			const {steps} = JSON.parse(await page.locator('#code').inputValue());

			await person.press('editor.form');
			return steps[1].params;
		};

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await page.locator('datalist#tables option[value=formed]').waitFor({state: 'attached'});
		assert.ok(!(await options('tables')).includes('not_theirs'));
		assert.equal(await page.locator('[id="f-steps[0].params.table"]').getAttribute('list'), 'tables');
		assert.deepEqual(await options('columns-0'), ['id', 'status', 'total']);
		assert.equal(await page.locator('[id="f-steps[0].params.fields.status-key"]').getAttribute('list'), 'columns-0');

		// exactly one of address and path: the other is taken away
		await page.locator('[id="f-steps[1]"]').click();

		const one = page.locator('.step').nth(1).getByRole('group', {name: person.say('editor.one_of')});

		await one.waitFor();
		assert.equal(await one.getByRole('radio').last().isChecked(), true);
		assert.equal(await page.locator('[id="f-steps[1].params.url"]').count(), 0);
		await person.accessible('one of these');
		await person.fits('one of these');
		await one.getByRole('radio').first().check();
		assert.equal(await page.locator('[id="f-steps[1].params.path"]').count(), 0);
		await page.locator('[id="f-steps[1].params.url"]').fill('https://example.com/');
		assert.deepEqual(await params(), {connection: 'shop', url: 'https://example.com/'});
		// a path needs a connection, which is shown with it
		await page.locator('[id="f-steps[1].params.connection"]').fill('');
		await one.getByRole('radio').last().check();
		await page.locator('[id="f-steps[1].params.path"]').fill('/y');
		await page.locator('.step').nth(1).locator('.param', {has: page.locator('[id="f-steps[1].params.connection"]')}).last().waitFor();
		assert.equal(await page.locator('[id="f-steps[1].params.connection"]').isVisible(), true);
		// what is given twice is shown twice, with the problem
		await person.press('editor.json');
		await page.locator('#code').fill((await page.locator('#code').inputValue()).replace('"path": "/y"', '"path": "/y", "url": "https://example.com/"'));
		await person.press('editor.form');
		await page.locator('[id="f-steps[1].params.url"]').waitFor();
		assert.equal(await page.locator('[id="f-steps[1].params.path"]').inputValue(), '/y');
		await page.locator('.step').nth(1).locator('.field-problem.error').first().waitFor();
		await one.getByRole('radio').first().check();
		assert.deepEqual(await params(), {url: 'https://example.com/'});
	});
}
