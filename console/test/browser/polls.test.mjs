// What is asked for by itself, again and again, while the tab is visible.

import assert from 'node:assert/strict';
import {LIMIT, story} from './browser.mjs';

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
