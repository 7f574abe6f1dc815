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

			const often = page.locator('.group', {hasText: 'refused for good'});
			const once = page.locator('.group', {hasText: 'just once'});

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
		const groups = n => page.waitForFunction(wanted => document.querySelectorAll('.group').length === wanted, n);
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
