// The list of workflows: what it says of each, and its filters, which are in the address.

import assert from 'node:assert/strict';
import {before} from 'node:test';
import {becomes, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

before(() => sql(`INSERT INTO workflow_definitions (tenant_id, run_as, definition) SELECT '${BEIRUT}', 'shop_steps', d::jsonb FROM unnest(ARRAY[
	'{"name": "List mail", "trigger_type": "list_mail", "steps": [{"name": "a", "action": "send_email", "params": {"to": "a@example.com", "subject": "s", "body": "b"}},
		{"name": "b", "action": "update_record", "params": {"table": "listed", "id": 1, "fields": {"x": 1}}}]}',
	'{"name": "List own", "trigger_type": "list_own", "steps": [{"name": "a", "action": "team_notify", "params": {"connection": "kitchen", "channel": "#x", "message": "m"}}]}']) d
	ON CONFLICT DO NOTHING`));

const names = page => page.locator('tbody th a').allTextContents();

for (const [language, width, theme] of [['en', 1280, 'dark'], ['ar', 390, 'light']]) {
	story('finds workflows by what they use, and comes back to what was chosen', {language, width, theme}, async person => {
		const {page} = person;
		const choose = (name, value) => page.locator(`select[name=${name}]`).selectOption(value);
		const only = async (...expected) => {
			await page.waitForFunction(n => document.querySelectorAll('tbody tr').length === n, expected.length);
			assert.deepEqual(await names(page), expected);
		};

		await person.signIn();
		await person.open('/workflows');
		await page.locator('tbody tr').first().waitFor();
		// how the last day was, by whom it was changed, and when it fires by itself
		const bill = page.locator('tbody tr', {has: page.getByRole('link', {name: 'Bill', exact: true})}).first();

		await bill.locator('a.bad').waitFor();
		assert.match(await bill.locator('a.bad').getAttribute('href'), /status=failed&since=day/);
		await page.locator('tbody tr', {hasText: 'Daily report'}).locator('time').first().waitFor();
		await person.accessible('the list of workflows');
		await person.fits('the list of workflows');

		await choose('connection', 'email');
		assert.match(page.url(), /connection=email/);
		await page.waitForFunction(() => ![...document.querySelectorAll('tbody th a')].some(one => one.textContent === 'Bill'));
		const mails = await names(page);

		assert.ok(mails.includes('List mail') && mails.includes('Welcome') && !mails.includes('Bill'), mails);
		await choose('table', 'listed');
		await only('List mail');
		await page.reload();
		await only('List mail');
		assert.equal(await page.locator('select[name=table]').inputValue(), 'listed');
		await choose('action', 'team_notify');
		await person.sees(person.say('workflows.none_such'));
		await person.accessible('none is like that');
		await page.goBack();
		await only('List mail');
		await choose('table', '');
		await choose('connection', 'kitchen');
		await only('List own');
		await choose('connection', '');
		await choose('event', 'list_own');
		await only('List own');
		await choose('event', '');
		await page.locator('input[name=scheduled]').check();
		await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 0 && ![...document.querySelectorAll('tbody th a')].some(one => one.textContent === 'Bill'));
		const scheduled = await names(page);

		assert.ok(scheduled.includes('Daily report') && !scheduled.includes('List mail'), scheduled);
		await page.locator(`td[data-label="${person.say('schedule.next')}"] time`).first().waitFor();
		await person.fits('what fires by itself');
	});
}

story('reads in Arabic: no state is broken inside a word, and who saved stands before when', {language: 'ar', width: 1280}, async person => {
	const {page} = person;

	await person.signIn();
	await person.open('/workflows');
	await page.locator('tbody tr').first().waitFor();
	const lines = await page.locator(`td[data-label="${person.say('workflow.state')}"]`).evaluateAll(cells => cells.map(cell => {
		const range = document.createRange();

		range.selectNodeContents(cell);
		return new Set(Array.from(range.getClientRects(), one => Math.round(one.top))).size;
	}));

	assert.ok(lines.length > 0);
	assert.deepEqual(lines.filter(n => n !== 1), []);

	await page.getByRole('link', {name: 'Confirm order', exact: true}).first().click();
	const saved = page.locator('main p.dim', {has: page.locator('time')}).first();

	await saved.locator('time').waitFor();
	assert.ok(await saved.evaluate(node => {
		const when = node.querySelector('time');
		const who = when.previousElementSibling;

		return who.getBoundingClientRect().left >= when.getBoundingClientRect().right;
	}));
});

// PostgreSQL asks for no membership of run_as to switch one on (docs/security.md).
for (const at of ['list', 'page']) {
	story(`switches a workflow on whose role it is no member of: ${at}`, {}, async person => {
		const {page} = person;
		const id = sql(`DO $$ BEGIN CREATE ROLE switched; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
			INSERT INTO workflow_definitions (tenant_id, run_as, is_active, definition) VALUES ('${BEIRUT}', 'switched', false,
			'{"name": "Switched ${at}", "trigger_type": "switched", "steps": [{"name": "a", "action": "webhook", "params": {"url": "https://example.com"}}]}') RETURNING id`);
		const row = page.locator('tbody tr', {hasText: `Switched ${at}`});

		await person.signIn();
		await person.open(at === 'list' ? '/workflows' : `/workflows/${id}`);

		const on = (at === 'list' ? row : page.locator('main')).getByRole('button', {name: person.say('workflow.switch_on'), exact: true});

		await on.click();
		await on.waitFor({state: 'detached'});
		await becomes(`SELECT is_active FROM workflow_definitions WHERE id = '${id}'`, 't');
	});
}

story('marks of direction in a name are seen in the choices of a filter', {}, async person => {
	const event = 'paid\u202eton';

	sql(`INSERT INTO workflow_definitions (tenant_id, run_as, definition) VALUES ('${BEIRUT}', 'shop_steps',
		'{"name": "Turned", "trigger_type": "${event}", "steps": [{"name": "a", "action": "webhook", "params": {"url": "https://example.com"}}]}')`);
	await person.signIn();
	await person.open('/workflows');
	await person.page.locator('tbody tr').first().waitFor();
	assert.equal(await person.page.locator('select[name=event] option').evaluateAll((all, value) => all.find(one => one.value === value).textContent, event),
		'\u2068paidU+202Eton\u2069');
	await person.page.locator('select[name=event]').selectOption(event);
	await person.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
	sql(`DELETE FROM workflow_definitions WHERE name = 'Turned'`);
});
