// The form knows the tables and columns that the steps' role may use, and which of several
// parameters is given; a condition is made in it, whatever it consists of.

import assert from 'node:assert/strict';
import {before} from 'node:test';
import {like, sql, story} from './browser.mjs';

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

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('makes a condition of groups, opposites, other values and a jsonpath by keyboard', {language, width, theme}, async person => {
		const {page} = person;
		const {keyboard} = page;
		const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "Condition ${language}", "trigger_type": "new_order", "steps": [
			{"name": "send", "action": "webhook", "params": {"url": "https://example.com/"}}]}', 'shop_steps', NULL, NULL)`);
		const at = path => page.locator(`[id="f-steps[0].condition${path}"]`);
		const step = page.locator('.step').first();
		const focused = path => page.waitForFunction(wanted => document.activeElement.id === wanted, `f-steps[0].condition${path}`);
		// the last of such a button, as a person reaches it, without the mouse
		const push = async key => {
			await step.getByRole('button', {name: like(`+ ${person.say(key)}`)}).last().focus();
			await keyboard.press('Enter');
		};
		const write = async (path, text) => {
			await focused(path);
			await keyboard.press('Control+a');
			await keyboard.type(text);
			await keyboard.press('Escape');
		};
		const tick = async (box, on = true) => {
			await box.focus();
			await keyboard.press('Space');
			assert.equal(await box.isChecked(), on);
		};
		const box = (where, key) => where.getByRole('checkbox', {name: person.say(key)});
		const condition = async () => {
			await person.press('editor.json');

			const {steps: [only]} = JSON.parse(await page.locator('#code').inputValue());

			await person.press('editor.form');
			return only.condition;
		};

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		await push('editor.condition.add');
		await write('.field', 'trigger.customer.name');
		await at('.op').selectOption('starts_with');
		await at('.value').fill('r');
		await tick(box(step, 'condition.ignore_case'));
		assert.deepEqual(await condition(), {field: 'trigger.customer.name', op: 'starts_with', value: 'r', ignore_case: true});
		// an op that knows no case takes it away
		await at('.op').selectOption('gt');
		await tick(box(step, 'condition.with_field'));
		await at('.value_field').fill('trigger.order_id');
		// a field that is emptied is still a field
		await at('.field').fill('');
		await at('.field').fill('trigger.total');
		await tick(box(step, 'condition.opposite'));
		assert.deepEqual(await condition(), {not: {field: 'trigger.total', op: 'gt', value_field: 'trigger.order_id'}});

		await push('condition.add_group');
		await write('.all[1].all[0].field', 'trigger.total');
		await push('condition.add_path');
		await write('.all[2]', '$.trigger.total > 5');
		await at('.all[1]').getByRole('combobox', {name: person.say('condition.how')}).selectOption('any');
		await at('.all[1].any[0].op').selectOption('exists');
		await at('.all[1]').getByRole('button', {name: like(`+ ${person.say('condition.add_group')}`)}).focus();
		await keyboard.press('Enter');
		await write('.all[1].any[1].all[0].field', 'trigger.lines');
		await at('.all[1].any[1].all[0].op').selectOption('not_empty');
		// three levels are all that the form has
		assert.equal(await at('.all[1].any[1]').getByRole('button', {name: like(`+ ${person.say('condition.add_group')}`)}).count(), 0);
		await person.sees(person.say('editor.valid'));
		await person.accessible('a condition');
		await person.fits('a condition');
		// nothing sticks out of its group
		assert.deepEqual(await page.locator('.condition-group').evaluateAll(groups => groups.flatMap(group => {
			const around = group.getBoundingClientRect();

			return [...group.querySelectorAll('input, select, textarea, button')].filter(one => {
				const {left, right} = one.getBoundingClientRect();

				return left < around.left || right > around.right;
			}).map(one => one.outerHTML);
		})), []);
		assert.deepEqual(await condition(), {all: [
			{not: {field: 'trigger.total', op: 'gt', value_field: 'trigger.order_id'}},
			{any: [{field: 'trigger.total', op: 'exists'}, {all: [{field: 'trigger.lines', op: 'not_empty'}]}]},
			'$.trigger.total > 5']});

		// without its last condition a group is gone
		await at('.all[1].any[1]').getByRole('button', {name: like(person.say('editor.remove', {what: person.say('editor.condition.nth', {n: 1})}))}).focus();
		await keyboard.press('Enter');
		await focused('.all[1]');
		assert.deepEqual((await condition()).all[1], {any: [{field: 'trigger.total', op: 'exists'}]});
	});
}
