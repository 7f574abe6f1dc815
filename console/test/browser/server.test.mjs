// What the server and its configuration say of the page: a standby, the languages.

import assert from 'node:assert/strict';
import {story} from './browser.mjs';

// The answer of me, with some of it otherwise.
async function says(person, change) {
	await person.page.route('**/api/me', async route => {
		const response = await route.fetch();

		await route.fulfill({response, json: {...await response.json(), ...change}});
	});
}

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('sees that a standby changes nothing, and why', {language, width, theme}, async person => {
		await says(person, {standby: true});
		await person.signIn('admin');
		await person.sees(person.say('standby'));

		const stop = person.button('stop');

		assert.equal(await stop.getAttribute('aria-disabled'), 'true');
		assert.equal(await stop.getAttribute('title'), person.say('standby'));
		await stop.click({force: true});
		assert.equal(await person.dialog().count(), 0);
		await person.accessible('the overview of a standby');
		await person.open('/settings/connections');
		await person.page.locator('tbody tr').first().waitFor();
		assert.equal(await person.page.locator('tbody button:not([aria-disabled])', {hasText: person.say('edit')}).count(), 0);
		await person.page.unroute('**/api/me');
		await person.page.reload();
		await person.page.locator('nav').first().waitFor();
		assert.equal(await person.page.getByText(person.say('standby')).count(), 0);
	});
}

story('has the languages of the configuration', {language: 'en'}, async person => {
	await says(person, {languages: ['ar']});
	await person.open();
	await person.field('login.role').waitFor();
	assert.equal(await person.page.locator('.language option').count(), 2);
	await person.signIn();
	assert.equal(await person.page.locator('html').getAttribute('lang'), 'ar');
	assert.deepEqual(await person.page.locator('.language option').allInnerTexts(), ['العربية']);
});

story('has the language that was chosen, else that of the browser', {language: 'ar'}, async person => {
	await says(person, {languages: ['en', 'ar']});
	await person.signIn();
	assert.equal(await person.page.locator('html').getAttribute('lang'), 'ar');
	await person.page.locator('.language select').selectOption('en');
	await person.page.reload();
	await person.page.locator('nav').first().waitFor();
	assert.equal(await person.page.locator('html').getAttribute('lang'), 'en');
});
