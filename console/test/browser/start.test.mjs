// A new workflow: from an empty form, a copy or one of the examples, each of which is
// valid on this server.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {EXAMPLES} from '../../web/js/editor/examples.js';
import {like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const example = name => readFileSync(new URL(`../../../examples/${name}.json`, import.meta.url), 'utf8');

test('the examples are valid', () => {
	assert.equal(EXAMPLES.length, 6);
	for (const name of EXAMPLES) {
		assert.equal(sql(`SELECT count(*) FROM wf_validate($d$${example(name)}$d$, '${BEIRUT}') WHERE severity = 'error'`), '0', name);
		assert.ok(JSON.parse(example(name)).steps.length > 0);
	}
	// the check finds what is not
	assert.notEqual(sql(`SELECT count(*) FROM wf_validate('{"name": "x", "steps": []}', '${BEIRUT}') WHERE severity = 'error'`), '0');
});

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('begins with a copy, or with an example, which is as it is in the repository', {language, width, theme}, async person => {
		const {page} = person;
		const name = `Model ${language}`;

		sql(`SELECT wf_save(NULL, '${BEIRUT}', '{"name": "${name}", "trigger_type": "model_${language}", "steps": [{"name": "a", "action": "webhook", "params": {"url": "https://example.com", "body": {"n": 19.90}}}]}', 'shop_steps', NULL, NULL)`);
		await person.signIn();
		await person.open('/workflows');
		await page.getByRole('link', {name: person.say('workflows.new')}).click();
		await page.locator('.examples li').nth(5).waitFor();
		await page.locator('select[name=copy] option', {hasText: name}).waitFor({state: 'attached'});
		await person.accessible('how a workflow begins');
		await person.fits('how a workflow begins');
		await page.locator('select[name=copy]').selectOption({label: `\u2068${name}\u2069 · \u2068Beirut\u2069`});
		await person.press('start.copy.button');
		await page.waitForFunction(text => document.getElementById('f-name')?.value === text, `${name} (2)`);
		await page.goBack();

		for (const one of EXAMPLES) {
			await page.getByRole('link', {name: person.say('example.' + one), exact: true}).click();
			await page.waitForFunction(text => document.getElementById('f-name')?.value === text, JSON.parse(example(one)).name);
			await person.press('editor.json');
			assert.deepEqual(JSON.parse(await page.locator('#code').inputValue()), JSON.parse(example(one)));
			await page.goBack();
		}
		await page.getByRole('link', {name: person.say('example.low_stock'), exact: true}).click();
		await page.locator('main select[name=tenant]').selectOption(BEIRUT);
		await page.locator('#f-name').fill(`Stock ${language}`);
		await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
		await person.accessible('an example in the editor');
		await person.press('editor.save_new');
		await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v1'}))}).click();
		await person.sees(person.say('editor.saved', {version: 'v1'}));
		assert.equal(sql(`SELECT definition->'steps' = $d$${example('low_stock')}$d$::jsonb->'steps' FROM workflow_definitions WHERE name = 'Stock ${language}'`), 't');
	});
}

story('says so if there is no such example', {}, async person => {
	await person.signIn();
	await person.open('/workflows/new?example=none');
	await person.sees(person.say('error.not_found'));
});
