// Schedules and search keys as fields of the form.

import assert from 'node:assert/strict';
import {like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

for (const [language, width, theme] of [['en', 1280, 'dark'], ['ar', 390, 'light']]) {
	story('says when a workflow fires by itself, and by what its runs are found', {language, width, theme}, async person => {
		const {page} = person;
		const {keyboard} = page;
		const name = `Times ${language}`;
		const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "${name}", "trigger_type": "new_order", "steps": [
			{"name": "say", "action": "webhook", "params": {"connection": "shop", "path": "/x"}}]}', 'shop_steps', NULL, NULL)`);
		const field = path => page.locator(`[id="f-${path}"]`);
		const definition = async () => {
			await person.press('editor.json');

			const text = await page.locator('#code').inputValue();

			await person.press('editor.form');
			return JSON.parse(text);
		};

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		await person.press('schedule.add');
		await page.waitForFunction(() => document.activeElement.id === 'f-schedule.cron');
		await field('schedule.cron').fill('30 7 * * *');
		await field('schedule.time_zone').fill('Asia/Beirut');

		const times = page.locator('.schedule-times');

		await times.getByText(like(person.say('schedule.times.in', {zone: 'Asia/Beirut'}))).waitFor();
		assert.equal(await times.locator('li').count(), 5);
		for (const text of await times.locator('li').allTextContents())
			assert.match(text, /07:30/);
		assert.match(await times.locator('time').first().getAttribute('datetime'), /^2\d{3}-\d\d-\d\dT0[45]:30:00/);
		await person.accessible('a schedule');
		await person.fits('a schedule');

		// what is wrong is said there, and no time is shown
		await field('schedule.cron').fill('30 25 * * *');
		await page.locator('.field', {has: field('schedule.cron')}).locator('.field-problem.error').waitFor();
		await times.waitFor({state: 'detached'});
		await field('schedule.cron').fill('30 7 * * *');
		await times.waitFor();
		await field('schedule.catch_up').selectOption('none');

		// another one makes a list of them; what the form has no field for stays
		await person.press('schedule.add');
		await page.waitForFunction(() => document.activeElement.id === 'f-schedule[1].cron');
		await field('schedule[1].cron').fill('@monthly');
		await field('schedule[1].time_zone').fill('UTC');
		await page.locator('.one-schedule').nth(1).locator('summary').click();
		await field('schedule[1].name').fill('month');
		await field('schedule[1].payload').fill('{"total": 19.90}');
		await page.waitForFunction(() => document.querySelectorAll('.schedule-times li').length === 10);
		assert.deepEqual((await definition()).schedule, [{cron: '30 7 * * *', time_zone: 'Asia/Beirut', catch_up: 'none'},
			{name: 'month', cron: '@monthly', time_zone: 'UTC', payload: {total: 19.90}}]);

		// search keys: the path is completed of the event, and has a name in each language
		await person.press('search.add');
		await page.waitForFunction(() => document.activeElement.id === 'f-search[0].path');
		await keyboard.press('Control+a');
		await keyboard.type('order_id');
		await page.getByRole('listbox').getByRole('option').first().waitFor();
		await keyboard.press('Enter');
		assert.equal(await field('search[0].path').inputValue(), 'trigger.order_id');
		await field('search[0].label.en').fill('Order');
		await field('search[0].label.ar').fill('طلب');
		await person.press('search.add');
		await field('search[1].path').fill('trigger.customer.phone');
		await keyboard.press('Escape');
		await person.sees(person.say('editor.valid'));
		await person.accessible('search keys');
		await person.fits('search keys');
		assert.deepEqual((await definition()).search, [{path: 'trigger.order_id', label: {en: 'Order', ar: 'طلب'}}, {path: 'trigger.customer.phone'}]);
		await field('search[0].label.en').fill('');
		await field('search[0].label.ar').fill('');
		assert.equal((await definition()).search[0].label, undefined);
		await page.getByRole('button', {name: like(person.say('editor.remove', {what: `${person.say('search.key')} 1`}))}).click();
		assert.deepEqual((await definition()).search, [{path: 'trigger.customer.phone'}]);
		await page.getByRole('button', {name: like(person.say('editor.remove', {what: `${person.say('schedule')} 1`}))}).click();
		await page.waitForFunction(() => document.querySelectorAll('.schedule-times li').length === 5 && !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
		await person.press('editor.save', {version: 'v2'});
		await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v2'}))}).click();
		await person.sees(person.say('editor.saved', {version: 'v2'}));
		assert.equal(sql(`SELECT schedule || ' ' || (next_at > now()) FROM wf_schedules('${BEIRUT}') WHERE definition_id = '${id}'`), 'month true');
		assert.equal(sql(`SELECT definition->'schedule'->0->'payload' FROM workflow_definitions WHERE id = '${id}'`), '{"total": 19.90}');
	});
}

story('shows a schedule and a label of another form, and drops nothing', {}, async person => {
	const {page} = person;
	const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', '{"name": "Odd times", "search": [{"path": "trigger.n", "label": "Nr"}], "schedule": {"cron": "0 8 * * *", "time_zone": "UTC"}, "steps": [
		{"name": "say", "action": "webhook", "params": {"connection": "shop", "path": "/x"}}]}', 'shop_steps', NULL, NULL)`);

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await person.sees(person.say('editor.valid'));
	// the event may be left out
	assert.equal(await page.locator('.field', {has: page.locator('#f-trigger_type')}).locator('.required').count(), 0);
	assert.equal(await page.locator('[id="f-search[0].label"]').inputValue(), 'Nr');
	await person.press('search.in_each');
	await page.locator('[id="f-search[0].label.en"]').or(page.locator('[id="f-search[0].label.ar"]')).first().waitFor();
	await person.press('editor.json');

	const code = page.locator('#code');
	const tree = JSON.parse(await code.inputValue());

	assert.equal(Object.values(tree.search[0].label).join(), 'Nr');
	await code.fill(JSON.stringify({...tree, schedule: {...tree.schedule, odd: 1}, search: [{...tree.search[0], more: 2}, 7]}));
	await person.press('editor.form');
	assert.equal(await page.locator('[id="f-schedule.odd"]').inputValue(), '1');
	assert.equal(await page.locator('[id="f-search[0].more"]').inputValue(), '2');
	assert.equal(await page.locator('[id="f-search[1]"]').inputValue(), '7');
	await person.press('editor.json');
	await code.fill(JSON.stringify({...tree, schedule: 'daily', search: {}}));
	await person.press('editor.form');
	assert.equal(await page.locator('[id="f-schedule"]').inputValue(), '"daily"');
	assert.equal(await page.locator('[id="f-search"]').inputValue(), '{}');
	await person.press('editor.undo');
	await person.press('editor.undo');
	await page.locator('[id="f-schedule.cron"]').waitFor();
});
