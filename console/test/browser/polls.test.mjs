// What is asked for by itself, again and again, while the tab is visible.

import assert from 'node:assert/strict';
import {LIMIT, like, story} from './browser.mjs';

// How often something was asked for, and what is under way.
function watch(page, ...paths) {
	const asked = Object.fromEntries(paths.map(path => [path, 0]));
	const open = new Set();

	page.on('request', request => {
		const path = new URL(request.url()).pathname.replace('/api/', '');

		open.add(request);
		if (path in asked)
			asked[path] += 1;
	});
	for (const end of ['requestfinished', 'requestfailed'])
		page.on(end, request => open.delete(request));
	return {asked, open};
}

// Lets one second after the other go by, each when all is answered and drawn.
async function goBy(page, {asked, open}, enough) {
	const end = Date.now() + LIMIT;

	while (!enough(asked)) {
		assert.ok(Date.now() < end, JSON.stringify(asked));
		await page.clock.runFor(1000);
		while (open.size > 0 && Date.now() < end)
			await page.evaluate(() => 0);
		await page.clock.runFor(50);
	}
}

story('what is asked for seldom is asked for, however often the page around it is read', {}, async person => {
	const {page} = person;
	const seen = watch(page, 'workflows', 'workflows/counts', 'health', 'activity');
	const {asked} = seen;

	await page.clock.install();
	await person.signIn();
	await page.locator('.halves ul').waitFor();
	await goBy(page, seen, () => asked.activity >= 2 && asked['workflows/counts'] >= 2);
	assert.ok(asked.health > asked.activity, JSON.stringify(asked));

	await person.open('/workflows');
	await page.locator('tbody tr').first().waitFor();
	asked.workflows = asked['workflows/counts'] = 0;
	await goBy(page, seen, () => asked['workflows/counts'] >= 2);
	assert.ok(asked.workflows > asked['workflows/counts'], JSON.stringify(asked));
});

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('those who hear the page are told of new failures', {language, width}, async person => {
		const {page} = person;
		const told = page.locator('main p.hidden[role=status] span');
		const said = n => told.filter({hasText: like(person.say('news.failures', {n}))});
		let more = 0;

		await page.route('**/api/health', async route => {
			const answer = await route.fetch();
			const data = await answer.json();

			data.health.failed_1h += more;
			await route.fulfill({response: answer, json: data});
		});
		await page.route('**/api/failures', async route => {
			const answer = await route.fetch();
			const data = await answer.json();

			data.groups[0].count += more;
			await route.fulfill({response: answer, json: data});
		});
		await person.signIn();
		await page.locator('.counts').waitFor();
		assert.equal(await told.count(), 0);
		more += 3;
		await said(3).waitFor({state: 'attached'});
		// the same once more is another element, which is read out again
		await told.evaluate(element => element.setAttribute('data-heard', ''));
		more += 3;
		await page.locator('main p.hidden[role=status] span:not([data-heard])').waitFor({state: 'attached'});
		await said(3).waitFor({state: 'attached'});

		await person.open('/failures');
		await page.locator('.group').first().waitFor();
		assert.equal(await told.count(), 0);
		more += 2;
		await said(2).waitFor({state: 'attached'});
		// another time that is looked at brings no new ones
		more += 40;
		await page.locator('select[name=since]').selectOption('week');
		await told.waitFor({state: 'detached'});
		await person.accessible('the failures, of which some are new');
	});
}

story('a tab that is not seen asks for nothing, and a copy for reading neither', {}, async person => {
	const {page} = person;
	const {asked, open} = watch(page, 'me', 'health');

	await page.route('**/api/me', async route => {
		const response = await route.fetch();

		await route.fulfill({response, json: {...await response.json(), standby: true}});
	});
	await page.clock.install();
	await person.signIn();
	await page.locator('.health').waitFor();
	asked.me = 0;
	await goBy(page, {asked, open}, () => asked.me >= 1);
	await page.evaluate(() => Object.defineProperty(document, 'visibilityState', {get: () => 'hidden', configurable: true}));
	while (open.size > 0)
		await page.evaluate(() => 0);
	asked.me = asked.health = 0;
	for (let i = 0; i < 40; i++)
		await page.clock.runFor(1000);
	await page.evaluate(() => delete document.visibilityState);
	assert.deepEqual([asked.me, asked.health], [0, 0]);
	await goBy(page, {asked, open}, () => asked.me >= 1 && asked.health >= 1);
});
