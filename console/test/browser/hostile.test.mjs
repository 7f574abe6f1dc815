// Payloads that want to be more than text are shown as text.

import assert from 'node:assert/strict';
import {becomes, like, PASSWORD, sql, story} from './browser.mjs';

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

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('marks of direction are seen where event data is confirmed, and stay what they are', {language, width}, async person => {
		const {page} = person;
		const id = fire(`confirmed_${language}`, JSON.stringify({title: 'x', note: 'paid\u202eton'}));
		const data = person.dialog().getByLabel(person.say('sample.pasted'));
		const shown = async () => {
			await page.waitForFunction(() => document.querySelector('dialog textarea')?.value.includes('paid\\u202eton'));
			assert.doesNotMatch(await data.inputValue(), /\u202e/);
		};

		await person.signIn('admin');
		await person.open(`/workflows/${sql(`SELECT definition_id FROM workflow_runs WHERE id = '${id}'`)}`);
		await person.press('fire.open_dialog');
		await shown();
		await page.keyboard.press('Escape');
		await person.dialog().waitFor({state: 'detached'});

		await becomes(`SELECT status FROM workflow_runs WHERE id = '${id}'`, 'completed');
		await person.open(`/runs/${id}`);
		await person.press('rerun');
		await person.dialog().getByRole('radio').nth(1).check();
		await shown();
		// what is pasted is seen too, and the caret stays behind it
		await data.evaluate(field => { field.focus(); field.setSelectionRange(field.value.indexOf('ton'), field.value.indexOf('ton')); });
		await page.keyboard.insertText('\u2066');
		await page.keyboard.type('!');
		assert.match(await data.inputValue(), /paid\\u202e\\u2066!ton/);
		await person.dialog().getByRole('checkbox').check();
		await person.press('rerun.real');
		await becomes(`SELECT trigger_payload->>'note' FROM workflow_runs WHERE rerun_of = '${id}'`, 'paid\u202e\u2066!ton');
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

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('what is too large for the page: the line for the shell stays, and is copied as it is', {language, width, allow: [/status of 507/]}, async person => {
		const {page} = person;
		const id = fire(`too_large_${language}`, '{}');

		sql(`UPDATE workflow_runs SET trigger_payload = jsonb_build_object('x', repeat('x', 8400000)) WHERE id = '${id}'`);
		await person.signIn();
		await person.open(`/runs/${id}`);
		await page.getByText(person.say('run.payload')).click();
		await person.press('value.download');

		const problem = page.locator('.value .problem');
		const line = problem.locator('.statement code');

		await problem.getByText(person.say('error.too_much.psql')).waitFor();
		await person.accessible('a value that is too large');
		await person.fits('a value that is too large');
		await problem.getByRole('button', {name: person.say('value.copy'), exact: true}).first().click();
		await person.sees(person.say('value.copied'));
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await line.textContent());
		assert.equal(await line.textContent(),
			`psql -XAtq -d 'shop' -U 'ops' -c 'SELECT trigger_payload FROM public.workflow_runs WHERE id = $$${id}$$' > payload.json`);
	});
}

// Whatever may hold a text of somebody's: a tenant, a workflow, its event, an error, a
// reason, a role.  (The name of a step is a word.)  Each has a number of its own, so that a test says which.
const HOSTILE = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0f';
const evil = n => `<img src=x onerror="window.hit = ${n}"></script>`;
const NAMES = {tenant: evil(1), workflow: evil(2), event: evil(3), error: evil(5),
	reason: evil(6), role: '<img src=x onerror="window.hit = 7">', note: evil(8), key: evil(9)};

function makeHostile() {
	const definition = JSON.stringify({name: NAMES.workflow, trigger_type: NAMES.event, description: NAMES.note,
		title: '{{ trigger.title }}', steps: [{name: 'say', action: 'webhook',
			params: {connection: 'shop', path: '/x', body: {[NAMES.key]: NAMES.key}}}]});

	return sql(`
		CREATE ROLE "${NAMES.role.replaceAll('"', '""')}" LOGIN IN ROLE wf_console, shop_steps PASSWORD '${PASSWORD}';
		SELECT count(wf_grant($r$${NAMES.role}$r$, 'operate')) \\g /dev/null
		INSERT INTO workflow_tenants VALUES ('${HOSTILE}', $t$${NAMES.tenant}$t$);
		INSERT INTO workflow_definitions (tenant_id, run_as, definition)
		VALUES ('${HOSTILE}', 'shop_steps', $d$${definition}$d$);
		INSERT INTO workflow_runs (definition_id, trigger_payload, status, error_message, started_at, completed_at)
		SELECT id, jsonb_build_object('title', $k$${NAMES.key}$k$, $k$${NAMES.key}$k$, $k$${NAMES.key}$k$,
			'link', 'javascript:window.hit = 10', 'data', 'data:text/html,<script>window.hit = 11</script>',
			'spaced', ' https://example.com', 'other', 'http://example.com', 'quoted', 'https://a"onclick="x'),
			'failed', $e$${NAMES.error}$e$, now(), now()
		FROM workflow_definitions WHERE tenant_id = '${HOSTILE}';
		SET SESSION AUTHORIZATION "${NAMES.role.replaceAll('"', '""')}";
		SELECT wf_pause('${HOSTILE}', reason => $r$${NAMES.reason}$r$) \\g /dev/null
		RESET SESSION AUTHORIZATION;
		SELECT r.id FROM workflow_runs r WHERE tenant_id = '${HOSTILE}'`);
}

story('a name is text wherever it is shown', {allow: [/TrustedHTML/]}, async person => {
	const id = makeHostile();
	// not the choices of the frame, which nobody sees before they are opened
	const sees = text => person.page.locator('main').getByText(like(text)).filter({visible: true}).first().waitFor();
	const harmless = async where => {
		assert.equal(await person.page.evaluate(() => window.hit), undefined, where);
		assert.equal(await person.page.locator('img, script:not([src]), iframe').count(), 0, where);
	};
	const filter = `tenant=${HOSTILE}`;

	await person.signIn(NAMES.role);
	await person.sees(NAMES.role);
	await person.open(`/?${filter}`);
	for (const name of ['workflow', 'reason', 'tenant'])
		await sees(NAMES[name]);
	await harmless('the overview');
	await person.open(`/runs?${filter}`);
	await sees(NAMES.key);
	await harmless('the list');
	await person.open(`/runs?${filter}&q=${encodeURIComponent(evil(12))}`);
	await person.page.locator('.empty').waitFor();
	await harmless('a search');
	await person.open(`/failures?${filter}`);
	await sees(NAMES.workflow);
	await person.page.locator('.group').getByRole('button').last().click();
	await person.dialog().waitFor();
	await harmless('a dialog of the failures');
	await person.open(`/workflows?${filter}`);
	for (const name of ['workflow', 'event', 'note', 'tenant'])
		await sees(NAMES[name]);
	await person.page.locator('tr', {hasText: 'window.hit = 2'}).getByRole('button').first().click();
	await person.dialog().waitFor();
	await harmless('the dialog that stops');
	await person.open(`/runs/${id}`);
	for (const name of ['workflow', 'event', 'error', 'tenant', 'key'])
		await sees(NAMES[name]);
	await person.page.evaluate(() => {
		for (const one of document.querySelectorAll('main details'))
			one.open = true;
	});
	await harmless('a run');
	assert.equal(await person.page.locator('main a[href^="javascript"], main a[href^="data"], .tree a').count(), 0);
	// there is no way to make HTML of a text, if a page tried
	assert.equal(await person.page.evaluate(() => {
		try {
			document.body.insertAdjacentHTML('beforeend', '<b id="made">x</b>');
		} catch (error) {
			return error.name;
		}
	}).catch(error => error.name), 'TypeError');
	assert.equal(await person.page.locator('#made').count(), 0);
	// other stories count what is held
	sql(`SELECT wf_resume('${HOSTILE}')`);
});

story('a value stays within its own direction', {language: 'ar'}, async person => {
	await person.open();
	await person.page.locator('input[name=role]').waitFor();

	const text = await person.page.evaluate(async () => {
		const base = document.querySelector('script[src]').src.replace(/main\.js$/, '');
		const {t: say} = await import(`${base}i18n.js`);

		return say('run.fired_by', {event: 'a\u2069\u202eb'});
	});

	assert.match(text, /\u2068a\ufffd\ufffdb\u2069/);
});
