// What fails: since when, how much of it is shown, and what is not known of an attempt.

import assert from 'node:assert/strict';
import {like, sql, story} from './browser.mjs';

const LANGUAGES = [['en', 1280, 'light'], ['ar', 390, 'dark']];

// A tenant of its own for each test: its id and that of its workflow.
function tenantOf(name) {
	const tenant = sql(`INSERT INTO workflow_tenants VALUES (gen_random_uuid(), '${name}') RETURNING tenant_id`);
	const definition = sql(`INSERT INTO workflow_definitions (tenant_id, run_as, definition) VALUES ('${tenant}', 'shop_steps',
		'{"name": "Fails", "trigger_type": "fails", "steps": [{"name": "send", "action": "webhook", "params": {"connection": "shop", "path": "/x"}}]}') RETURNING id`);

	return {tenant, definition};
}

// Runs that have failed, one for each row of a query of (ago, error).
function failed(definition, rows) {
	sql(`INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, error_message, step_results, started_at, completed_at)
		SELECT overlay(wf_run_id_floor(now() - ago)::text placing right(gen_random_uuid()::text, 12) from 25)::uuid, '${definition}', '{}', 'failed', 'step "send": ' || error,
			jsonb_build_array(jsonb_build_object('step', 0, 'step_name', 'send', 'action', 'webhook', 'status', 'failed', 'attempts', 1,
				'started_at', now() - ago, 'duration_ms', 1, 'error', error, 'input', '{}'::jsonb, 'output', NULL)), now() - ago, now() - ago
		FROM (${rows}) r (ago, error)`);
}

for (const [language, width, theme] of LANGUAGES) {
	story('says since when something fails, and when it last did', {language, width, theme}, async person => {
		const {page} = person;
		const {tenant, definition} = tenantOf(`Since ${language}`);

		failed(definition, `VALUES (interval '7 hours', 'refused for good'), (interval '10 minutes', 'refused for good'), (interval '3 hours', 'just once')`);

		const moments = sql(`SELECT string_agg(to_char(first, 'YYYY-MM-DD') || ' ' || extract(epoch FROM now() - last)::int / 60, ',' ORDER BY count DESC) FROM wf_failures('${tenant}')`);

		assert.match(moments, /^[-0-9]+ 1\d,[-0-9]+ 18\d$/);
		await person.signIn();
		for (const path of ['/', '/failures']) {
			await person.open(`${path}?tenant=${tenant}`);

			const often = page.locator('.group', {hasText: 'refused for good'}).filter({hasText: `Since ${language}`});
			const once = page.locator('.group', {hasText: 'just once'}).filter({hasText: `Since ${language}`});

			await page.getByRole('heading', {level: 1, name: person.say(path === '/' ? 'nav.overview' : 'nav.failures')}).waitFor();
			await often.waitFor();

			const times = await often.locator('time').evaluateAll(all => all.map(one => one.dateTime));

			assert.match(await often.innerText(), new RegExp(`${person.say('failures.first')}.*${person.say('failures.last')}`, 's'));
			assert.equal(times.length, 2);
			assert.ok(new Date(times[1]) - new Date(times[0]) > 6 * 3600000, times.join());
			// of a single one its only time
			assert.equal(await once.locator('time').count(), 1);
			await person.accessible(`since when on ${path}`);
			await person.fits(`since when on ${path}`);
		}
	});

	story('says if there are more groups than it shows', {language, width, theme}, async person => {
		const {page} = person;
		const {tenant, definition} = tenantOf(`Groups ${language}`);
		// not those of all, which the page has shown before
		const groups = n => page.waitForFunction(([wanted, name]) => {
			const shown = [...document.querySelectorAll('.group')];

			return shown.length === wanted && shown.every(one => one.textContent.includes(name));
		}, [n, `Groups ${language}`]);
		const add = (from, to) => failed(definition, `SELECT interval '1 minute', 'broken by ' || chr(97 + n / 26) || chr(97 + n % 26) FROM generate_series(${from}, ${to}) n`);
		const all = page.getByRole('link', {name: like(person.say('failures.all'))});

		add(1, 5);
		await person.signIn();
		await person.open(`/?tenant=${tenant}`);
		await groups(5);
		assert.equal(await all.count(), 0);
		add(6, 50);
		await all.click();
		await groups(50);
		assert.match(page.url(), new RegExp(`failures\\?.*tenant=${tenant}`));
		assert.equal(await page.getByText(like(person.say('failures.more', {n: 50}))).count(), 0);
		add(51, 51);
		await person.sees(person.say('failures.more', {n: 50}));
		await groups(50);
		await person.accessible('more groups');
		await person.fits('more groups');
	});

	story('marks attempts whose worker ended, each with a sentence', {language, width, theme}, async person => {
		const {page} = person;
		const {definition} = tenantOf(`Lost ${language}`);
		const {meaning} = await import('../../web/i18n/meanings.js');
		const before = 'its worker ended before the attempt did';
		const crashed = 'its worker ended abnormally while it executed this step, 3 times';

		failed(definition, `VALUES (interval '1 minute', '${crashed}')`);

		const id = sql(`UPDATE workflow_runs SET step_results = jsonb_set(step_results, '{0,failed_attempts}',
			jsonb_build_array(jsonb_build_object('started_at', now(), 'error', '${before}'), jsonb_build_object('started_at', now(), 'error', 'HTTP 503: later')))
			WHERE definition_id = '${definition}' RETURNING id`);

		await person.signIn();
		await person.open(`/runs/${id}`);
		await person.sees(person.say('run.failed_at_step', {n: 1, all: 1}));
		await page.locator('.step-head .s-lost').getByText(person.say('step.status.lost')).waitFor();
		await person.sees(meaning(crashed, language));
		await page.locator('.step').getByText(person.say('step.attempts', {n: 2})).click();
		await page.locator('.attempts li').first().locator('.s-lost').waitFor();
		await page.locator('.attempts li').first().getByText(meaning(before, language)).waitFor();
		assert.equal(await page.locator('.attempts li').last().locator('.note').count(), 0);
		assert.notEqual(meaning(before, language), meaning(crashed, language));
		await person.press('retry');
		await person.sees(person.say('retry.unknown'));
		await page.keyboard.press('Escape');
		await person.accessible('attempts that were lost');
		await person.fits('attempts that were lost');
	});
}

story('a row says how long its run took, and one that waits how often it was tried', {}, async person => {
	const time = person.page.locator('.row-time').first();

	await person.signIn();
	await person.open('/runs?status=waiting');
	await time.getByText(person.say('step.tries', {n: 1})).waitFor();
	await person.open('/runs?status=completed');
	await time.getByText(/· [\d.,]+ ?(ms|sec|min)/).waitFor();
});

story('names who holds everything, and not who holds one tenant', {}, async person => {
	const {tenant} = tenantOf('Held first');
	const sentence = person.page.locator('.health p');

	sql(`SET SESSION AUTHORIZATION admin; SELECT wf_pause('${tenant}') \\g /dev/null
		RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION ops; SELECT wf_pause() \\g /dev/null`);
	try {
		await person.signIn('viewer');
		for (const [path, who] of [['/', 'ops'], [`/?tenant=${tenant}`, 'admin']]) {
			await person.open(path);
			await sentence.getByText(who).waitFor();
			assert.match(await sentence.innerText(), like(person.say('health.paused', {who, since: ''}).split(',')[0]));
		}
	} finally {
		sql(`SELECT wf_resume(), wf_resume('${tenant}')`);
	}
});
