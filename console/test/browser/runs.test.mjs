// Lists of runs and one run: what is shown, kept in its place, chosen and repaired.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {PASSWORD, becomes, like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const NEVER = '1 == 2';

// A workflow of Beirut; its id.
function define(name, steps, more = {}) {
	const definition = JSON.stringify({name, trigger_type: name, title: `${name} {{ trigger.n }}`, steps, ...more});

	return sql(`INSERT INTO workflow_definitions (tenant_id, run_as, definition)
		VALUES ('${BEIRUT}', 'shop_steps', $d$${definition}$d$) RETURNING id`);
}

function fire(event, payload, more = '') {
	return sql(`SELECT wf_fire('${BEIRUT}', '${event}', $p$${JSON.stringify(payload)}$p$${more})`);
}

function skip(name, condition = NEVER) {
	return {name, action: 'webhook', condition, params: {connection: 'shop', path: '/x'}};
}

// A run that has ended, as the table has it: no worker need do it.
function put(definition, status, n, message = null, more = {}) {
	const [, name, error] = message?.match(/^step "(.*)": (.*)$/) ?? [];
	const results = JSON.stringify(name ? [{step: more.current_step ?? 0, step_name: name, action: 'webhook', status: 'failed',
		attempts: 1, started_at: new Date().toISOString(), duration_ms: 12.5, error, input: {}, output: null}] : []);
	const times = {completed: 'now(), now()', failed: 'now(), now()'}[status] ?? 'NULL, NULL';
	const columns = Object.keys(more).map(name => `, ${name}`).join('');
	const values = Object.values(more).map(value => `, ${value}`).join('');

	return sql(`INSERT INTO workflow_runs (definition_id, trigger_payload, status, error_message, step_results, started_at, completed_at${columns})
		VALUES ('${definition}', '{"n": ${n}}', '${status}', ${message === null ? 'NULL' : `$e$${message}$e$`}, $r$${results}$r$, ${times}${values}) RETURNING id`);
}

function ended(id) {
	return becomes(`SELECT status IN ('completed', 'failed') FROM workflow_runs WHERE id = '${id}'`, 't');
}

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	const name = `why_${language}`;

	story('a skipped step says why, and a value is searched and copied', {language, width}, async person => {
		define(name, [skip('thank', {all: [{field: 'trigger.total', op: 'gt', value: 1000}, {field: 'trigger.gone', op: 'exists'}]}),
			skip('path', '$.trigger.total > 500')]);

		const id = fire(name, {n: 1, total: 80, customer: {name: 'Rana', lines: [{sku: 'S-17'}, {sku: 'T-18'}]},
			note: 'x'.repeat(300)});

		await ended(id);
		await person.signIn();
		await person.open(`/runs/${id}`);
		for (const i of [0, 1]) {
			const note = person.page.locator('.step').nth(i).locator('.note');

			await note.getByText('trigger.total').first().waitFor();
			await note.locator('strong', {hasText: '80'}).waitFor();
		}
		await person.sees(person.say('value.missing'));
		await person.page.getByText(person.say('run.payload')).click();

		const value = person.page.locator('.value').first();

		await value.getByLabel(person.say('value.search')).fill('s-17');
		await value.getByText('S-17').waitFor();
		assert.equal(await value.getByText('T-18').count(), 0);
		await value.getByRole('button', {name: 'sku'}).click();
		await person.sees(person.say('value.copied'));
		assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), '{{ trigger.customer.lines[0].sku }}');
		// so is what holds others
		await value.getByLabel(person.say('value.search')).fill('');
		await value.getByRole('button', {name: like(person.say('value.copy_path', {path: '{{ trigger.customer.lines }}'}))}).click();
		await person.page.waitForFunction(async () => (await navigator.clipboard.readText()).endsWith('lines }}'));
		assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), '{{ trigger.customer.lines }}');
		await value.getByLabel(person.say('value.search')).fill('nothing like it');
		await person.sees(person.say('value.not_found'));
		await value.getByRole('button', {name: person.say('value.raw')}).click();
		await value.locator('pre', {hasText: '"sku": "T-18"'}).waitFor();
		await person.accessible('a value');
		await person.fits('the run');
	});

	story('a known error is said in words, and one whose answer is lost has a mark of its own', {language}, async person => {
		const definition = define(`meaning_${language}`, [skip('say', '1 == 1')]);
		const {meaning} = await import('../../web/i18n/meanings.js');
		const id = put(definition, 'failed', 1, 'step "say": delivery unknown: HTTP 500: broken', {attempt: 1});

		await person.signIn();
		await person.open(`/runs/${id}`);
		await person.page.locator('.step .s-unknown').getByText(person.say('step.status.unknown')).waitFor();
		await person.sees(meaning('delivery unknown: HTTP 500', language));
		await person.press('retry');
		await person.sees(person.say('retry.unknown'));
		await person.accessible('the dialog that retries');
		await person.dialog().getByRole('button').first().click();

		const other = put(definition, 'failed', 2, 'step "say": WhatsApp error 131048: rate limit (HTTP 429)', {attempt: 3});

		await person.open(`/runs/${other}`);
		await person.sees(meaning('WhatsApp error 131048', language));
		assert.notEqual(meaning('WhatsApp error 131048: x', language), meaning('WhatsApp error 131026: x', language));
	});

	story('all that match a filter are cancelled, and the chosen ones retried, after they were counted', {language, width}, async person => {
		const definition = define(`many_${language}`, [skip('one')]);
		const held = [1, 2, 3].map(n => fire(`many_${language}`, {n}, ", run_at => 'infinity'"));
		const failed = [4, 5].map(n => put(definition, 'failed', n, 'step "one": no'));

		await person.signIn();
		await person.open(`/runs?workflow=${definition}&status=queued`);
		await person.seesRows(3);
		await person.press('runs.cancel.all');
		await person.sees(person.say('retry_all.count', {n: 3, count: 3}));
		await person.accessible('the dialog of many');
		await person.press('bulk.cancel.button', {n: 3, count: 3});
		await person.sees(person.say('bulk.cancel.ended', {done: 3, changed: 0, failed: 0}));
		await person.dialog().getByRole('button', {name: person.say('close')}).last().click();
		await becomes(`SELECT count(*) FROM workflow_runs WHERE status = 'cancelled' AND id IN ('${held.join("', '")}')`, '3');

		await person.open(`/runs?workflow=${definition}&status=failed`);
		await person.seesRows(2);
		await person.page.locator('.row').nth(1).getByRole('checkbox').check();
		await person.sees(person.say('runs.chosen', {n: 1}));
		await person.press('runs.retry.chosen', {n: 1});
		// somebody else was faster
		sql(`SELECT wf_retry('${failed[0]}')`);
		await becomes(`SELECT status FROM workflow_runs WHERE id = '${failed[0]}'`, 'completed');
		await person.press('bulk.retry.button', {n: 1, count: 1});
		await person.sees(person.say('bulk.retry.ended', {done: 0, changed: 1, failed: 0}));
		await person.dialog().getByRole('button', {name: person.say('close')}).last().click();
		await person.seesRows(1);
		await person.page.locator('.tools').getByRole('checkbox').check();
		await person.press('runs.retry.chosen', {n: 1});
		await person.press('bulk.retry.button', {n: 1, count: 1});
		await person.sees(person.say('bulk.retry.ended', {done: 1, changed: 0, failed: 0}));
		await person.dialog().getByRole('button', {name: person.say('close')}).last().click();
		await becomes(`SELECT status FROM workflow_runs WHERE id = '${failed[1]}'`, 'completed');
	});

	story('rows stay in their place: new ones wait to be shown', {language}, async person => {
		const definition = define(`place_${language}`, [skip('one')]);
		const first = fire(`place_${language}`, {n: 1}, ", run_at => 'infinity'");

		await person.signIn();
		await person.open(`/runs?workflow=${definition}`);
		await person.seesRows(1);
		await person.page.locator('.row').getByText(person.say('run.held')).waitFor();
		fire(`place_${language}`, {n: 2}, ", run_at => 'infinity'");
		await person.button('runs.newer', {n: 1}).waitFor();
		await person.seesRows(1);
		sql(`SELECT wf_cancel('${first}')`);
		await person.page.locator('.row .s-cancelled').waitFor();
		await person.press('runs.newer', {n: 1});
		await person.seesRows(2);

		// a row that the filter no longer finds stays too
		await person.open(`/runs?workflow=${definition}&status=queued`);
		await person.seesRows(1);
		sql(`SELECT count(*) FROM wf_cancel_runs(NULL, definition_id => '${definition}')`);
		await person.page.locator('.row.left').getByText(person.say('runs.left')).waitFor();
		await person.accessible('a row that has changed');
	});
}

for (const [language, width, length] of [['en', 1280, 10], ['ar', 390, 100000]]) {
	story('an event runs again with changed data, for real', {language, width}, async person => {
		const definition = define(`changed_${language}`, [skip('one')]);
		const id = fire(`changed_${language}`, {n: 1, filler: 'x'.repeat(length)});

		sql(`UPDATE workflow_runs SET trigger_payload = trigger_payload || '{"price": 19.90}' WHERE id = '${id}'`);
		await ended(id);
		await person.signIn();
		await person.open(`/runs/${id}`);
		await person.press('rerun');
		await person.dialog().getByRole('radio').nth(1).check();

		const data = person.dialog().locator('textarea');
		const again = person.dialog().getByRole('button', {name: person.say('rerun.real')});

		await person.page.waitForFunction(() => document.querySelector('textarea').value.includes('19.90'));
		await data.fill('{"n": 1,\n"price": }');
		await person.sees(person.say('editor.json_broken', {line: 2}));
		await person.dialog().getByRole('checkbox').check();
		assert.ok(await again.isDisabled());
		await data.fill('[1, 2]');
		await person.dialog().getByText(person.say('event.no_object')).waitFor();
		assert.equal(await data.getAttribute('aria-invalid'), 'true');
		await data.fill('{"n": 2, "price": 20.50}');
		assert.ok(await again.isDisabled());
		await person.dialog().getByRole('checkbox').check();
		await person.accessible('the dialog that runs again');
		await person.fits('the dialog');
		await again.click();
		await person.sees(person.say('outcome.rerun'));
		await becomes(`SELECT trigger_payload FROM workflow_runs WHERE rerun_of = '${id}' AND definition_id = '${definition}'`, '{"n": 2, "price": 20.50}');
	});
}

story('goes to a time, and a filter that finds nothing is taken away', {}, async person => {
	const definition = define('at_a_time', [skip('one')]);
	const old = '01900000-0000-7000-8000-00000000a001';

	put(definition, 'completed', 1, null, {id: `'${old}'`});
	put(definition, 'completed', 2);
	await person.signIn();
	await person.open(`/runs?workflow=${definition}`);
	await person.seesRows(2);
	await person.field('filter.until').fill('2025-01-01T10:30');
	await person.seesRows(1);
	await person.page.locator(`.row a[data-id="${old}"]`).waitFor();
	assert.match(person.page.url(), /until=202/);
	await person.page.reload();
	await person.seesRows(1);
	assert.equal(await person.field('filter.until').inputValue(), '2025-01-01T10:30');
	await person.page.goBack();
	await person.seesRows(2);
	await person.open(`/runs?workflow=${definition}&status=failed`);
	await person.sees(person.say('runs.none_match'));
	await person.page.getByRole('link', {name: person.say('filter.clear')}).click();
	await person.page.locator('.row').first().waitFor();
});

story('a search that finds nothing says where it has looked', {language: 'ar'}, async person => {
	await person.signIn();
	await person.search('لا شيء مثل هذا 987654321');
	await person.sees(person.say('runs.searched'));
	await person.sees('order_id');
	await person.sees(person.say('runs.searched_newest'));
	await person.accessible('nothing found');
});

story('the queue is shown in the order in which it starts', {}, async person => {
	const definition = define('in_order', [skip('one')]);

	fire('in_order', {n: 1}, ", run_at => now() + interval '3 days 1 minute'");
	fire('in_order', {n: 2}, ", run_at => now() + interval '9 days 1 minute'");
	fire('in_order', {n: 3}, ", run_at => 'infinity'");
	await person.signIn();
	await person.open(`/runs?workflow=${definition}&status=queued`);
	await person.seesRows(3);
	assert.deepEqual(await person.page.locator('.row-title').allInnerTexts(), ['in_order 1', 'in_order 2', 'in_order 3']);
	await person.sees('in 3 days');
	await person.sees(person.say('runs.queue_order'));
	// what is due goes by priority
	sql(`SELECT wf_pause((SELECT tenant_id FROM workflow_definitions WHERE id = '${definition}'), 'in_order')`);
	fire('in_order', {n: 4});
	fire('in_order', {n: 5}, ', priority => 100');
	fire('in_order', {n: 6}, ", priority => 200, run_at => now() + interval '4 days'");
	await person.page.reload();
	await person.seesRows(6);
	assert.deepEqual(await person.page.locator('.row-title').allInnerTexts(), [5, 4, 1, 6, 2, 3].map(n => `in_order ${n}`));
	sql(`SELECT count(*) FROM wf_cancel_runs(NULL, definition_id => '${definition}')`);
	sql(`SELECT wf_resume((SELECT tenant_id FROM workflow_definitions WHERE id = '${definition}'), 'in_order')`);
});

story('a search that takes long can be stopped, and done again with more time', {allow: [/status of 504/]}, async person => {
	const asked = [];
	let wait = () => {};

	await person.page.clock.install();
	await person.signIn();
	await person.page.route('**/api/runs*', async route => {
		asked.push(new URL(route.request().url()).search);
		if (asked.length === 1) {
			await new Promise(done => { wait = done; });
			await route.abort().catch(() => {});
		} else if (asked.length === 2) {
			await route.fulfill({status: 504, contentType: 'application/json', body: JSON.stringify({error: {code: 'timeout', sqlstate: '57014', message: 'canceling statement due to statement timeout'}})});
		} else {
			await route.continue();
		}
	});
	await person.search('order 12350');
	await person.press('loading.stop');
	await person.sees(person.say('error.stopped'));
	wait();
	await person.page.clock.runFor(60_000);
	assert.equal(asked.length, 1, 'it is not asked for again by itself');
	await person.press('again');
	await person.sees(person.say('error.timeout'));
	await person.page.clock.runFor(60_000);
	assert.equal(asked.length, 2, 'nor is one that took too long');
	await person.press('runs.longer');
	await person.seesRows(2);
	assert.equal(asked[2], '?longer=1');
});

story('a run of many steps shows their heads, and opens those that need somebody', {}, async person => {
	const steps = Array.from({length: 150}, (one, i) => skip(`step_${i}`));
	const definition = define('long', steps);
	const id = put(definition, 'failed', 1, 'step "step_120": HTTP 404: no such thing', {current_step: 120, attempt: 1});

	await person.signIn();
	await person.open(`/runs/${id}`);
	await person.page.locator('.step').nth(149).waitFor();
	assert.equal(await person.page.locator('.step > details > summary .step-head').count(), 149);
	await person.page.locator('.step').nth(120).getByText('HTTP 404').waitFor();
	await person.accessible('a long run');
});

story('what has changed since the version of a run is one click away', {}, async person => {
	const definition = define('changed', [skip('one')]);
	const id = put(definition, 'failed', 1, 'step "one": no');

	sql(`UPDATE workflow_definitions SET definition = jsonb_set(definition, '{steps,0,params,path}', '"/y"') WHERE id = '${definition}'`);
	await person.signIn();
	await person.open(`/runs/${id}`);
	await person.page.getByRole('link', {name: person.say('run.what_changed')}).click();
	await person.dialog().getByText(like('/y')).first().waitFor();
	await person.accessible('what has changed');
});

story('a failure that goes on is stopped with what waits', {language: 'ar', width: 390}, async person => {
	const definition = define('stops', [skip('one')]);

	put(definition, 'failed', 1, 'step "one": no such luck');
	for (const n of [1, 2])
		fire('stops', {n}, ", run_at => 'infinity'");
	await person.signIn();
	await person.open('/failures');

	const group = person.page.locator('.group', {hasText: 'no such luck'});

	await group.getByRole('button', {name: person.say('stop.of_workflow')}).click();
	await person.dialog().getByRole('radio').nth(2).check();
	await person.accessible('the dialog that stops');
	await person.dialog().getByRole('button', {name: person.say('stop.cancel.button')}).click();
	await person.sees(person.say('stop.done.cancel'));
	await becomes(`SELECT is_active FROM workflow_definitions WHERE id = '${definition}'`, 'f');
	await becomes(`SELECT count(*) FROM workflow_runs WHERE definition_id = '${definition}' AND status = 'cancelled'`, '2');
});

for (const language of ['en', 'ar']) {
	story('of two clicks on retrying one the first alone retries it', {language}, async person => {
		const definition = define(`twice_${language}`, [skip('one')]);
		const id = put(definition, 'failed', 1, 'step "one": pressed twice');
		const late = put(define(`late_${language}`, [skip('one')]), 'failed', 1, 'step "one": too late');
		const button = text => person.page.locator('.group', {hasText: text}).filter({hasText: `_${language}`}).locator('.group-actions button').first();
		let count = 0;
		let answer;
		const clicked = new Promise(done => { answer = done; });

		await person.page.route('**/api/runs/retry', async route => {
			count += 1;
			if (route.request().postData().includes(late))
				sql(`UPDATE workflow_runs SET status = 'completed' WHERE id = '${late}'`);
			else
				await clicked;
			await route.continue();
		});
		await person.signIn();
		await person.open('/failures');
		await button('pressed twice').click();
		await button('pressed twice').getByText(person.say('busy')).waitFor();
		await button('pressed twice').click({force: true});
		answer();
		await person.page.waitForFunction(run => location.hash.includes(run), id);
		await person.sees(person.say('outcome.retried'));
		assert.equal(count, 1);
		assert.equal(await person.page.locator('.toast.error').count(), 0);
		// what it has become meanwhile is said in words
		await person.open('/failures');
		await button('too late').click();
		await person.page.locator('.toast.error').getByText(person.say('error.changed_run')).waitFor();
		assert.doesNotMatch(await person.page.locator('.toast.error').innerText(), /completed/);
	});
}

story('single keys move in a list, retry, and can be switched off', {}, async person => {
	const {keyboard} = person.page;
	const definition = define('by_keys', [skip('one')]);
	const focused = () => person.page.evaluate(() => document.activeElement.textContent);

	for (const n of [1, 2])
		put(definition, 'failed', n, 'step "one": no');
	await person.signIn();
	await person.open(`/runs?workflow=${definition}`);
	await person.seesRows(2);
	// nothing of the list has the focus
	await keyboard.press('j');
	assert.doesNotMatch(await focused(), /^by_keys 1$/);
	await person.page.locator('.row-title').first().focus();
	await keyboard.press('j');
	assert.equal(await focused(), 'by_keys 1');
	await keyboard.press('k');
	assert.equal(await focused(), 'by_keys 2');
	await keyboard.press('r');
	await person.sees(person.say('retry_all.count', {n: 1, count: 1}));
	// as from the failures: on the definition as it is now
	assert.equal(await person.dialog().getByLabel(person.say('retry_all.version.current')).isChecked(), true);
	await keyboard.press('Escape');
	await person.dialog().waitFor({state: 'detached'});
	await person.page.locator('.row-title').first().focus();
	await keyboard.press('?');
	await person.accessible('the help');
	await person.dialog().getByLabel(person.say('help.keys')).uncheck();
	await keyboard.press('Escape');
	await person.dialog().waitFor({state: 'detached'});
	await person.page.locator('.row-title').first().focus();
	await keyboard.press('j');
	assert.equal(await focused(), 'by_keys 2');
	await keyboard.press('/');
	assert.equal(await focused(), 'by_keys 2');
});

// What has the focus: by its name, else by its words.
const focus = page => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim());

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('after a dialog the focus is where it was before', {language, width}, async person => {
		const {keyboard} = person.page;
		const definition = define(`focus_${language}`, [skip('one')]);
		const closes = async () => {
			await keyboard.press('Escape');
			await person.dialog().waitFor({state: 'detached'});
		};

		for (const n of [1, 2])
			put(definition, 'failed', n, 'step "one": no');
		await person.signIn();
		await person.open(`/runs?workflow=${definition}`);
		await person.seesRows(2);
		await person.page.locator('.row-title').first().focus();
		await keyboard.press('r');
		await person.sees(person.say('retry_all.count', {n: 1, count: 1}));
		await closes();
		assert.equal(await focus(person.page), `focus_${language} 2`);
		// and the keys of the list go on from there
		await keyboard.press('j');
		assert.equal(await focus(person.page), `focus_${language} 1`);
		await person.open('/');
		await person.button('stop').waitFor();
		for (const close of [closes, () => person.dialog().getByRole('button', {name: person.say('close')}).last().click()]) {
			await person.button('stop').focus();
			await keyboard.press('Enter');
			await person.dialog().waitFor();
			await close();
			await person.dialog().waitFor({state: 'detached'});
			assert.equal(await focus(person.page), person.say('stop'));
		}
	});
}

test('every error of the tables of docs/actions.md is said in both languages', async () => {
	const {meaning, meanings} = await import('../../web/i18n/meanings.js');
	const docs = readFileSync(new URL('../../../docs/actions.md', import.meta.url), 'utf8');
	const rows = docs.split('\n').filter(line => line.startsWith('| '));
	const codes = rows.filter(line => /^\| \d/.test(line)).flatMap(line => line.split('|')[1].split(/, | to /).map(code => code.trim()));
	const spans = rows.flatMap(line => line.match(/^\| (`[^|]*) \|/)?.[1].match(/`[^`]+`/g) ?? [])
		.map(span => span.slice(1, -1).replace(/ …$/, '').replace('xx', '99')).filter(span => /^(Slack|Teams|HTTP|token request|delivery|Could|Failed|SSL|could|the |more|connections? |[45]\d\d )/.test(span));

	assert.ok(codes.length > 25 && spans.length > 30, `${codes.length} ${spans.length}`);
	for (const language of ['en', 'ar']) {
		assert.deepEqual(codes.filter(code => !meaning(`WhatsApp error ${code}: x (HTTP 400)`, language)), []);
		assert.deepEqual(spans.filter(span => !meaning(span, language)), []);
		assert.deepEqual(meanings.filter(([, text]) => !text[language]), []);
	}
	assert.equal(meaning('something that nobody has seen', 'en'), null);
});

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('the overview shows the last hour, also as a table, and what runs most', {language, width, theme}, async person => {
		const tenant = sql(`INSERT INTO workflow_tenants VALUES (gen_random_uuid(), 'Busy ${language}') RETURNING tenant_id`);
		const [often, seldom] = ['often', 'seldom'].map(name => sql(`INSERT INTO workflow_definitions (tenant_id, run_as, definition)
			VALUES ('${tenant}', 'shop_steps', $d$${JSON.stringify({name: `${name} <i>`, trigger_type: name, steps: [skip('one')]})}$d$) RETURNING id`));

		for (let n = 0; n < 5; n++)
			put(often, n === 0 ? 'failed' : 'completed', n, n === 0 ? 'step "one": no' : null);
		put(seldom, 'completed', 1);
		await person.signIn();
		await person.open(`/?tenant=${tenant}`);
		await person.page.getByRole('img', {name: like(person.say('bars.sum', {completed: 5, failed: 1, other: 0}))}).waitFor();
		await person.page.getByText(person.say('bars.table')).click();

		const cells = await person.page.locator('.halves tbody td').allInnerTexts();
		const sums = [0, 1, 2].map(column => cells.filter((one, i) => i % 3 === column).reduce((sum, one) => sum + Number(one), 0));

		assert.deepEqual(sums, [5, 1, 0]);
		await person.page.locator('.halves li').nth(1).waitFor();
		assert.deepEqual(await person.page.locator('.halves li a').allInnerTexts(), ['often <i>', 'seldom <i>']);
		await person.page.locator('.count', {hasText: person.say('count.in_hour', {n: 1})}).waitFor();
		await person.accessible('the overview');
		await person.fits('the overview');
		await person.page.locator('.halves li a').first().click();
		await person.seesRows(5);
	});
}

story('an empty database says what to do first', {}, async person => {
	const tenant = sql(`INSERT INTO workflow_tenants VALUES (gen_random_uuid(), 'Empty') RETURNING tenant_id`);

	await person.signIn();
	await person.open(`/?tenant=${tenant}`);
	await person.sees(person.say('begin'));
	await person.accessible('the first steps');
	await person.page.locator('.empty').getByRole('link', {name: person.say('editor.new')}).click();
	await person.page.waitForFunction(() => location.hash.startsWith('#/workflows/new'));
});

story('nothing is called well while the server does not answer', {language: 'ar', allow: [/status of 503/]}, async person => {
	let down = true;

	await person.signIn();
	await person.page.locator('.health').waitFor();
	await person.page.route('**/api/health*', route => down ? route.fulfill({status: 503, contentType: 'application/json',
		body: JSON.stringify({error: {code: 'unavailable', sqlstate: '57P03', message: 'the database system is starting up'}})}) : route.continue());
	await person.page.locator('.health.bad[role=alert]').waitFor();
	assert.equal(await person.page.locator('.health').count(), 1);
	down = false;
	await person.page.locator('.counts').waitFor();
	assert.equal(await person.page.locator('.health[role=alert]').count(), 0);
});

story('the last hour is that of the server, whatever the clock of the browser says', {}, async person => {
	const definition = define('clocks', [skip('one')]);

	put(definition, 'failed', 1, 'step "one": out of time');
	await person.page.clock.setSystemTime(Date.now() + 5 * 3600000);
	await person.signIn();
	await person.open(`/runs?workflow=${definition}&since=hour`);
	await person.seesRows(1);
	await person.open('/failures?since=hour');
	await person.page.locator('.group', {hasText: 'out of time'}).waitFor();
	await person.page.locator('select[name=since]').selectOption('ever');
	await person.page.locator('.group', {hasText: 'out of time'}).getByRole('link').click();
	await person.seesRows(1);
	assert.doesNotMatch(person.page.url(), /since=/);
});

story('on a standby nothing can be changed, and each button says why', {language: 'ar'}, async person => {
	const definition = define('standby', [skip('one')]);
	const id = put(definition, 'failed', 1, 'step "one": no');

	await person.page.route('**/api/me', async route => {
		const response = await route.fetch();

		await route.fulfill({response, json: {...await response.json(), standby: true}});
	});
	await person.signIn();
	await person.open(`/runs/${id}`);
	await person.page.locator('.banner').waitFor();
	for (const key of ['retry', 'rerun']) {
		assert.equal(await person.button(key).getAttribute('aria-disabled'), 'true');
		assert.equal(await person.button(key).getAttribute('title'), person.say('standby'));
	}
	await person.button('rerun').click({force: true});
	assert.equal(await person.dialog().count(), 0);
});

story('who may not do what he asks for is told the statement that would let him', {language: 'en', allow: [/status of 403/]}, async person => {
	await person.signIn('viewer');
	await person.page.route('**/api/runs', route => route.fulfill({status: 403, contentType: 'application/json',
		body: JSON.stringify({error: {code: 'forbidden', sqlstate: '42501', message: 'permission denied for function wf_runs'}})}));
	await person.open('/runs');
	await person.page.locator('.problem code', {hasText: "SELECT wf_grant('viewer', 'operate');"}).waitFor();
	await person.press('value.copy');
	await person.sees(person.say('value.copied'));
	assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), "SELECT wf_grant('viewer', 'operate');");
	await person.page.locator('.problem summary').click();
	await person.page.locator('.problem details').getByRole('button', {name: person.say('value.copy')}).click();
	await person.page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith('42501'));
	assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), '42501 · permission denied for function wf_runs');
	await person.accessible('a problem');
});

// 620 failed runs of a workflow, two hours old; the statement that counts them.
function putMany(name) {
	const definition = define(name, [skip('one')]);

	sql(`INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, error_message, started_at, completed_at)
		SELECT (left(wf_run_id_floor(now() - interval '2 hours')::text, 24) || lpad(to_hex((SELECT count(*) FROM workflow_runs) + n), 12, '0'))::uuid,
			'${definition}', '{}', 'failed', 'step "one": one of a great many', now(), now() FROM generate_series(1, 620) n`);
	return `SELECT count(*) FROM workflow_runs WHERE definition_id = '${definition}' AND status = 'failed'`;
}

// The answer to a batch waits until end() is called; begun: one has come, count: how many.
async function holdRetry(person) {
	const hold = {count: 0};
	const told = new Promise(done => { hold.end = done; });

	hold.begun = new Promise(done => { hold.begin = done; });
	await person.page.route('**/api/runs/retry-next', async route => {
		const response = await route.fetch();

		hold.count += 1;
		hold.begin();
		await told;
		await route.fulfill({response});
	});
	return hold;
}

story('more than a hundred need a tick, go in batches, and stop when told to', {}, async person => {
	const failed = putMany('batches');
	const hold = await holdRetry(person);

	await person.signIn();
	await person.open('/failures');

	const group = person.page.locator('.group', {hasText: 'one of a great many'});

	assert.match(await group.getByRole('button', {name: person.say('retry_one')}).getAttribute('class'), /main/);
	await group.getByRole('button', {name: person.say('retry_all.open', {n: 620})}).click();
	await person.sees(person.say('failures.one_first'));
	await person.sees(person.say('retry_all.older', {n: 620}));

	const button = person.button('bulk.retry.button', {n: 620, count: 620});

	assert.ok(await button.isDisabled());
	await person.dialog().getByRole('checkbox').check();
	await person.accessible('the dialog of many');
	await button.click();
	await hold.begun;
	await person.dialog().getByRole('button', {name: person.say('retry_all.stop')}).click();
	hold.end();
	await person.sees(person.say('bulk.retry.ended', {done: 500, changed: 0, failed: 0}));
	await person.sees(person.say('bulk.stopped'));
	await becomes(failed, '120');
	await person.page.getByRole('link', {name: person.say('bulk.look')}).click();
	await person.seesRows(50);
});

story('who leaves the page has stopped the batches', {}, async person => {
	const failed = putMany('leaving');
	const hold = await holdRetry(person);

	await person.signIn();
	await person.open('/failures');
	await person.page.locator('.group', {hasText: 'leaving'}).getByRole('button', {name: person.say('retry_all.open', {n: 620})}).click();
	await person.dialog().getByRole('checkbox').check();
	await person.press('bulk.retry.button', {n: 620, count: 620});
	await hold.begun;
	await person.page.evaluate(() => { location.hash = '#/workflows'; });
	await person.page.locator('tbody tr').first().waitFor();

	const answered = person.page.waitForResponse(response => response.url().endsWith('/retry-next'));

	hold.end();
	await answered;
	// what came after it would have been asked for at once
	await person.page.evaluate(() => { location.hash = '#/runs'; });
	await person.page.locator('.row').first().waitFor();
	assert.equal(hold.count, 1);
	await becomes(failed, '120');
});

story('all that a search finds are retried', {language: 'ar'}, async person => {
	const definition = define('found', [skip('one')]);

	for (const status of ['failed', 'failed', 'completed'])
		put(definition, status, 987654, status === 'failed' ? 'step "one": no' : null);
	await person.signIn();
	await person.search('n=987654');
	await person.seesRows(3);
	await person.press('runs.retry.all');
	await person.sees(person.say('retry_all.count', {n: 2, count: 2}));
	await person.press('bulk.retry.button', {n: 2, count: 2});
	await person.sees(person.say('bulk.retry.ended', {done: 2, changed: 0, failed: 0}));
	await becomes(`SELECT count(*) FROM workflow_runs WHERE definition_id = '${definition}' AND status = 'completed'`, '3');
});

story('signing in is tried again by itself while the server is down', {language: 'ar', allow: [/status of (401|503)/]}, async person => {
	let down = 2;

	await person.signIn();
	await person.open('/runs');
	await person.page.locator('.row').first().waitFor();
	await person.page.route('**/api/login', route => down-- > 0 ? route.fulfill({status: 503, contentType: 'application/json',
		body: JSON.stringify({error: {code: 'unavailable', sqlstate: '57P03', message: 'the database system is starting up'}})}) : route.continue());
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'");
	await person.dialog().locator('input[name=password]').fill(PASSWORD);
	await person.dialog().getByRole('button', {name: person.say('login')}).click();
	await person.dialog().getByText(like(person.say('error.unavailable'))).waitFor();
	await person.accessible('waiting for the server');
	await person.dialog().waitFor({state: 'detached'});
	assert.ok(down < 0);
	await person.page.locator('.row').first().waitFor();
});

for (const [language, width] of [['en', 390], ['ar', 1280]]) {
	story('a request under way shows for how long, and how long it may take', {language, width}, async person => {
		sql(`INSERT INTO workflow_connections (tenant_id, name, kind, config)
			SELECT '${BEIRUT}', 'slow_${language}', 'http', jsonb_build_object('base_url', replace(config->>'base_url', '/echo', '/hang'))
			FROM workflow_connections WHERE name = 'shop'`);
		define(`hangs_${language}`, [{name: 'wait', action: 'webhook', timeout: '45 seconds', params: {connection: `slow_${language}`, path: '/'}}]);

		const id = fire(`hangs_${language}`, {n: 1});

		await becomes(`SELECT status FROM workflow_runs WHERE id = '${id}'`, 'running');
		await person.signIn();
		await person.open(`/runs/${id}`);

		const shown = person.page.locator('.under-way');
		const before = await shown.innerText();

		assert.match(before, /45/);
		// it is asked again each second
		await person.page.waitForFunction(text => document.querySelector('.under-way').innerText !== text, before);
		await person.accessible('a request under way');
		await person.press('cancel_run');
		await person.dialog().locator('dd', {hasText: 'wait'}).waitFor();
		await person.dialog().getByRole('button', {name: person.say('cancel_run'), exact: true}).click();
		await person.page.locator('.run-head .s-cancelled').waitFor();
	});
}
