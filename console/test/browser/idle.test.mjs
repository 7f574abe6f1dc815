// A session that is about to end because nothing is done: the server says when, the page
// says so in time, and one press lets it go on.

import assert from 'node:assert/strict';
import {like, story} from './browser.mjs';

// How long the session lasts, as the answers say: by what is asked by a timer, and by
// what a person does.
async function lasts(person) {
	const seconds = {poll: null, else: null};

	await person.page.route('**/api/**', async route => {
		const response = await route.fetch();
		const said = seconds[route.request().headers()['x-wf-poll'] ? 'poll' : 'else'];

		await route.fulfill({response, headers: {...response.headers(), ...said !== null && {'x-wf-idle': String(said)}}});
	});
	return seconds;
}

const warning = person => person.page.locator('.idle .banner').last();

const isActivity = request => request.url().endsWith('/api/me') && !request.headers()['x-wf-poll'];

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('is warned before the session ends, and stays signed in', {language, width, theme}, async person => {
		const {page} = person;
		const seconds = await lasts(person);

		await person.signIn();
		await page.locator('.health').waitFor();
		assert.equal(await warning(person).count(), 0);
		seconds.poll = 110;
		await person.sees(person.say('idle', {n: 2}));
		await person.accessible('the warning');
		await person.fits('the warning');
		// a click anywhere is not heard by the server, and does not hide it
		await page.locator('main').click({position: {x: 2, y: 2}});
		seconds.poll = 50;
		await person.sees(person.say('idle', {n: 1}));
		// it can be reached beside an open window too
		await person.press('stop');
		await person.dialog().locator('.idle .banner').waitFor();
		await person.accessible('the warning in a window');
		seconds.poll = 1790;
		await Promise.all([page.waitForRequest(isActivity), person.dialog().getByRole('button', {name: person.say('idle.stay')}).click()]);
		await warning(person).waitFor({state: 'detached'});
		assert.equal(await person.dialog().count(), 1);
		assert.equal(await page.evaluate(() => document.activeElement !== document.body), true);
	});
}

story('is told that a session ends whatever is done, and what another tab has done', {}, async person => {
	const {page} = person;
	const seconds = await lasts(person);

	await person.signIn();
	await page.locator('.health').waitFor();
	seconds.poll = seconds.else = 115;
	await person.press('idle.stay');
	await person.sees(person.say('idle.last', {n: 2}));
	assert.equal(await person.button('idle.stay').count(), 0);
	seconds.poll = seconds.else = 1800;
	await warning(person).waitFor({state: 'detached'});
	// a page that asks for nothing by itself asks before it says what may not be so
	seconds.else = 100;
	await Promise.all([page.waitForResponse(answer => answer.url().endsWith('/api/me')), person.open('/settings/actions')]);
	await page.getByRole('heading', {level: 1, name: like(person.say('settings.actions'))}).waitFor();
	assert.equal(await warning(person).count(), 0);
});
