// What the server and its configuration say of the page: a standby, the languages; and a
// console that does not answer, which a proxy says in its own way.

import assert from 'node:assert/strict';
import {LIMIT, PASSWORD, story} from './browser.mjs';

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

// What a proxy says if the console does not answer.
const byProxy = status => ({status, contentType: 'text/html', body: `<html><body><h1>${status}</h1></body></html>`});
const refused = {status: 429, headers: {'Retry-After': '1'}, json: {error: {code: 'throttled', message: 'Too many tries to sign in.'}}};
const PROXY = /status of (413|429|502|503|504)/;

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('signs in as soon as the console is back, though others do too', {language, width, allow: [PROXY]}, async person => {
		const {page} = person;
		const answers = [502, 504, 503].map(byProxy).concat(refused);
		const end = Date.now() + LIMIT;

		await page.clock.install();
		await page.route('**/api/login', route => answers.length > 0 ? route.fulfill(answers.shift()) : route.continue());
		await person.open();
		await person.field('login.role').fill('ops');
		await person.field('login.password').fill(PASSWORD);
		await page.keyboard.press('Enter');
		await person.sees(person.say('error.unreachable'));
		await page.getByRole('status').first().waitFor();
		await person.accessible('the wait for the console');
		// from now on it needs nobody
		while (await page.locator('nav').count() === 0) {
			assert.ok(Date.now() < end, 'it tries no more');
			if (answers.length > 0)
				assert.equal(await page.locator('input[name=password]').inputValue(), PASSWORD);
			await page.clock.runFor(1000);
		}
		assert.equal(answers.length, 0);
	});
}

story('sees on the overview that the console is away, and that it is back', {allow: [PROXY]}, async person => {
	const {page} = person;

	await person.signIn();
	await page.locator('.health').waitFor();
	await page.route('**/api/health', route => route.fulfill(byProxy(502)));
	await page.locator('.health.bad').waitFor();
	await page.unroute('**/api/health');
	await page.locator('.counts').waitFor();
	await page.route('**/api/runs', route => route.fulfill(byProxy(413)));
	await person.open('/runs');
	await person.sees(person.say('error.too_large'));
});

story('goes on at the page if what has opened a window is gone when it closes', {}, async person => {
	const {page} = person;

	await person.signIn();
	await page.locator('.health').waitFor();
	await person.press('stop');
	await person.dialog().waitFor();
	await page.evaluate(() => document.querySelector('.health button').remove());
	await page.keyboard.press('Escape');
	await person.dialog().waitFor({state: 'detached'});
	await page.waitForFunction(() => document.activeElement === document.querySelector('main'));
});
