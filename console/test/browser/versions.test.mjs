// The draft beside any version, older events as the sample, and undoing a hundred edits.

import assert from 'node:assert/strict';
import {like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

function workflow(name, event, ...texts) {
	let id = null;

	texts.forEach((text, i) => {
		id = sql(`SELECT id FROM wf_save(${id ? `'${id}'` : 'NULL'}, '${BEIRUT}', '{"name": "${name}", "trigger_type": "${event}", "title": "Order {{ trigger.order_id }}", "steps": [
			{"name": "say", "action": "webhook", "params": {"connection": "shop", "path": "/x", "body": {"text": "${text}", "price": 19.90}}}]}', 'shop_steps', ${id ? i : 'NULL'}, 'as v${i + 1}')`);
	});
	return id;
}

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('compares the draft with any version, in words and line by line', {language, width, theme}, async person => {
		const id = workflow(`Compare ${language}`, 'new_order', 'first words', 'second words', 'third words');
		const {page} = person;
		const dialog = person.dialog();

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		await page.locator('[id="f-steps[0].params.body.text"]').fill('my words');
		await person.press('editor.compare');
		await dialog.getByText('third words').first().waitFor();
		await dialog.locator('option', {hasText: 'as v1'}).waitFor({state: 'attached'});
		await dialog.locator('select').selectOption('1');
		await dialog.getByText('first words').first().waitFor();
		await dialog.getByText(person.say('lines')).click();
		await dialog.locator('.line.out', {hasText: '"text": "first words"'}).waitFor();
		await dialog.locator('.line.in', {hasText: '"text": "my words"'}).waitFor();
		// what is the same is there only near it
		assert.equal(await dialog.locator('.line', {hasText: '"price": 19.90'}).count(), 1);
		assert.equal(await dialog.locator('.line', {hasText: '"trigger_type"'}).count(), 0);
		await person.accessible('what differs, line by line');
		await person.fits('what differs, line by line');
		await page.keyboard.press('Escape');
		await dialog.waitFor({state: 'detached'});

		// so it is on the page of the workflow
		await person.open(`/workflows/${id}`);
		await page.getByRole('button', {name: like(person.say('version.compare.button'))}).last().click();
		await dialog.getByText(person.say('lines')).click();
		await dialog.locator('.line.out', {hasText: 'first words'}).waitFor();
		await dialog.locator('.line.in', {hasText: 'third words'}).waitFor();
	});

	story('takes an event of long ago as the sample', {language, width, theme}, async person => {
		const id = workflow(`Old ${language}`, `old_${language}`, '{{ trigger.order_id }} of {{ trigger.who }}');
		const {page} = person;

		// the last 20 are others
		sql(`SELECT wf_fire('${BEIRUT}', 'old_${language}', jsonb_build_object('order_id', 70000 + n, 'who', 'Rana ' || n)) FROM generate_series(1, 30) n`);
		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		if (width < 500)
			await person.press('editor.sample');
		assert.equal(await page.locator('.sample option', {hasText: '70003'}).count(), 0);

		const search = page.getByRole('search', {name: person.say('sample.find')});

		await search.getByRole('searchbox').fill('order 70003');
		await page.keyboard.press('Enter');
		await page.getByRole('list', {name: person.say('sample.find')}).getByRole('button', {name: like('Order 70003')}).click();
		await page.locator('.sample option', {hasText: 'Order 70003'}).waitFor({state: 'attached'});
		await page.locator('.would', {hasText: 'say'}).locator('summary').first().click();
		await page.locator('.would').getByText('70003 of Rana 3').first().waitFor();
		await person.accessible('an event of long ago');
		await person.fits('an event of long ago');
		await search.getByRole('searchbox').fill('order 1');
		await page.keyboard.press('Enter');
		await person.sees(person.say('runs.none_found', {q: 'order 1'}));
	});
}

story('undoes a hundred edits, of the form and of the JSON', {}, async person => {
	const id = workflow('Hundred', 'new_order', 'x');
	const {page} = person;
	const edits = 104;

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await person.sees(person.say('editor.valid'));
	// two places in turn, so that each is one to undo
	for (let n = 1; n <= edits - 2; n++)
		await page.locator(n % 2 ? '#f-description' : '#f-title').fill(`edit ${n}`);
	await person.press('editor.json');

	const code = page.locator('#code');
	const typed = async (from, to) => code.fill((await code.inputValue()).replace(from, to));

	await typed('"text": "x"', '"text": "y"');
	await person.press('editor.form');
	await page.locator('[id="f-steps[0].params.body.text"]').fill('z');

	let undone = 0;

	for (; !await person.button('editor.undo').isDisabled(); undone++)
		await person.press('editor.undo');
	assert.equal(undone, 100);
	assert.equal(await page.locator('#f-description').inputValue(), 'edit 3');
	assert.equal(await page.locator('#f-title').inputValue(), 'edit 4');
	assert.equal(await page.locator('[id="f-steps[0].params.body.text"]').inputValue(), 'x');
	for (; !await person.button('editor.redo').isDisabled(); undone--)
		await person.press('editor.redo');
	assert.equal(undone, 0);
	assert.equal(await page.locator('[id="f-steps[0].params.body.text"]').inputValue(), 'z');
});
