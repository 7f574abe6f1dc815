// Every page and dialog, by axe-core, in both languages and themes, on a desk and on a
// phone.

import assert from 'node:assert/strict';
import {story} from './browser.mjs';

const PAGES = ['/', '/runs', '/runs?q=nothing-like-it', '/failures', '/workflows'];

for (const language of ['en', 'ar']) {
	for (const [theme, width] of [['light', 1280], ['dark', 390]]) {
		story('every page is accessible', {language, theme, width}, async person => {
			await person.open();
			await person.page.locator('input[name=role]').waitFor();
			await person.accessible('signing in');
			await person.signIn();
			await person.menu();
			for (const path of PAGES) {
				await person.open(path);
				await person.page.locator('main h1').waitFor();
				await person.page.waitForFunction(() => !document.querySelector('main .loading'));
				await person.accessible(path);
				await person.fits(path);
			}
			await person.open('/runs?status=completed');
			await person.page.locator('.row a').first().click();
			await person.page.locator('.step').first().waitFor();
			await person.page.evaluate(() => {
				for (const one of document.querySelectorAll('main details'))
					one.open = true;
			});
			await person.accessible('a run');
			await person.press('rerun');
			await person.dialog().waitFor();
			await person.accessible('a dialog');
			await person.dialog().getByRole('button').first().click();
			await person.open('/');
			await person.press('stop');
			await person.dialog().waitFor();
			await person.accessible('the dialog that stops');
		});

		story('a workflow and its editor are accessible', {language, theme, width}, async person => {
			await person.signIn();
			await person.open('/workflows');
			await person.page.getByRole('link', {name: 'Confirm order'}).first().click();
			await person.page.locator('.step').first().waitFor();
			await person.accessible('a workflow');
			await person.press('editor.edit');
			await person.page.locator('.field-sample').first().waitFor();
			await person.page.locator('.toggle[aria-expanded=false]').click();
			await person.page.evaluate(() => {
				for (const one of document.querySelectorAll('main details'))
					one.open = true;
			});
			await person.accessible('the form');
			await person.fits('the form');
			await person.press('editor.insert');
			await person.page.locator('.paths').waitFor();
			await person.accessible('values to insert');
			if (width < 500)
				await person.press('editor.sample');
			await person.page.locator('.would').first().waitFor();
			await person.accessible('a sample');
			await person.press('editor.json');
			await person.page.locator('#code').fill('{');
			await person.accessible('the JSON');
			await person.fits('the JSON');
			await person.press('editor.undo');
			await person.open('/workflows/new');
			await person.page.getByRole('link', {name: person.say('start.empty.button')}).waitFor();
			await person.accessible('the beginning of a workflow');
			await person.page.getByRole('link', {name: person.say('start.empty.button')}).click();
			await person.page.locator('[id="f-name"]').waitFor();
			await person.accessible('a new workflow');
		});
	}
}

// What is pressed is high enough for a finger; links within text are not meant.
const PRESSED = 'button, summary, select, textarea, label.choice, input:not([type=checkbox]):not([type=radio]), nav a, a.button';

for (const language of ['en', 'ar']) {
	story('what is pressed is high enough for a finger', {language, width: 390}, async person => {
		const {page} = person;
		const touch = await person.context.newCDPSession(page);
		const high = async what => {
			await page.evaluate(() => {
				for (const one of document.querySelectorAll('main details'))
					one.open = true;
			});
			assert.deepEqual(await page.evaluate(pressed => [...document.querySelectorAll(pressed)].filter(one => !one.closest('.hidden') && one.checkVisibility())
				.map(one => [Math.round(one.getBoundingClientRect().height), one.outerHTML.slice(0, 120)]).filter(([height]) => height < 44), PRESSED), [], what);
		};

		await touch.send('Emulation.setTouchEmulationEnabled', {enabled: true});
		await person.signIn();
		assert.ok(await page.evaluate(() => matchMedia('(pointer: coarse)').matches));
		await person.menu();
		for (const path of PAGES) {
			await person.open(path);
			await page.locator('main h1').waitFor();
			await page.waitForFunction(() => !document.querySelector('main .loading'));
			await high(path);
		}
		await person.open('/runs?status=completed');
		await page.locator('.row a').first().click();
		await page.locator('.step').first().waitFor();
		await high('a run');
		// what is within is made when it is opened
		await page.locator('.v-key').first().waitFor();
		await high('its values');
		await person.fits('its values');
		await person.press('rerun');
		await person.dialog().waitFor();
		await high('a dialog');
		await page.keyboard.press('Escape');
		await person.open('/workflows');
		await page.getByRole('link', {name: 'Confirm order'}).first().click();
		await person.press('editor.edit');
		await page.locator('#f-title').fill('{{ trigger.');
		await page.locator('.checked.bad li button').first().waitFor();
		await high('the editor');
	});
}
