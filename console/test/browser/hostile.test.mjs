// Payloads that want to be more than text are shown as text.

import assert from 'node:assert/strict';
import {sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

function fire(name, payload) {
	const definition = JSON.stringify({name, trigger_type: name, title: '{{ trigger.title }}',
		steps: [{name: 'none', action: 'webhook', condition: '1 == 2', params: {connection: 'shop', path: '/x'}}]});

	sql(`SELECT wf_define('${BEIRUT}', $d$${definition}$d$)`);
	return sql(`SELECT wf_fire('${BEIRUT}', '${name}', $p$${payload}$p$)`);
}

for (const language of ['en', 'ar']) {
	story('HTML, templates and marks of direction are text', {language}, async person => {
		const payload = JSON.stringify({title: `<img src=x onerror="window.hit = 1">{{ x }}${language}`,
			'<b>key</b>': '\u202eevil\u2066', link: 'javascript:alert(1)', good: 'https://example.com/a?b=1',
			price: 19.9}).replace('19.9', '19.90');
		const id = fire(`hostile_${language}`, payload);

		await person.signIn();
		await person.open(`/runs/${id}`);
		await person.sees('<img src=x onerror=');
		await person.page.getByText(person.say('run.payload')).click();
		await person.sees('<b>key</b>');
		await person.sees('19.90');
		assert.equal(await person.page.locator('.mark').first().textContent(), 'U+202E');
		assert.equal(await person.page.locator('main img').count(), 0);
		assert.equal(await person.page.evaluate(() => window.hit), undefined);
		assert.deepEqual(await person.page.locator('.tree a').evaluateAll(links => links.map(link =>
			[link.href, link.rel])), [['https://example.com/a?b=1', 'noopener noreferrer']]);
	});
}

story('a megabyte is shown by its beginning, and downloaded whole', {}, async person => {
	const id = fire('large', JSON.stringify({title: 'large', text: 'x'.repeat(900000)}));

	await person.signIn();
	await person.open(`/runs/${id}`);
	await person.page.getByText(person.say('run.payload')).click();
	await person.page.getByText(/900,0\d\d/).waitFor();

	const [download] = await Promise.all([person.page.waitForEvent('download'), person.press('value.download')]);
	const stream = await download.createReadStream();
	let length = 0;

	for await (const part of stream)
		length += part.length;
	assert.ok(length > 900000);
});
