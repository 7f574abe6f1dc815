// What operations people do, from signing in to the end, in both languages, on a
// desk and on a phone.

import assert from 'node:assert/strict';
import {PASSWORD, becomes, like, sql, story} from './browser.mjs';

// of a wrong password or an ended session, and of one try too many within a second
const UNAUTHORIZED = /status of (401|429)/;
const LANGUAGES = [['en', 'order 12350', 1280], ['ar', 'طلب 12350', 390]];

for (const [language, words, width] of LANGUAGES) {
	story('a wrong password, then the right one', {language, width, allow: [UNAUTHORIZED]}, async person => {
		await person.open();
		await person.field('login.role').fill('ops');
		await person.field('login.password').fill('wrong');
		await person.page.keyboard.press('Enter');
		await person.sees(person.say('error.login_failed'));
		await person.page.waitForFunction(() => !document.querySelector('button[type=submit]').disabled);
		await retrySignIn(person);
		assert.equal(await person.page.evaluate(() => document.documentElement.dir), language === 'ar' ? 'rtl' : 'ltr');
		await person.signOut();
		assert.equal(await person.page.evaluate(() => localStorage.getItem('wf-token')), null);
	});

	story('finds an order, reads what happened, and retries it', {language, width}, async person => {
		const order = language === 'en' ? 12350 : 12349;

		await person.signIn();
		await person.search(words.replace('12350', order));
		await person.seesRows(2);
		await person.page.locator('.row', {hasText: 'Bill'}).getByRole('link').click();
		await person.page.locator('.step').nth(1).waitFor();
		await person.sees('HTTP 422');
		await person.fits('the run');
		await person.page.getByText(person.say('step.answer')).first().click();
		await person.press('retry');
		await person.sees(person.say('retry.goes_on', {step: 'bill'}));
		await person.dialog().getByRole('button', {name: person.say('retry'), exact: true}).click();
		await person.sees(person.say('run.status.completed'));
		await person.sees(person.say('run.operations'));
		await becomes(`SELECT status FROM workflow_runs r JOIN workflow_definitions d ON d.id = definition_id
			WHERE d.name = 'Bill' AND trigger_payload->>'order_id' = '${order}'`, 'completed');
		await becomes(`SELECT count(*) FROM workflow_operations WHERE who = 'ops' AND what = 'retry'
			AND run_id IN (SELECT id FROM workflow_runs WHERE trigger_payload->>'order_id' = '${order}')`, '1');
	});
}

async function retrySignIn(person) {
	// A second is between two tries of one address.
	for (;;) {
		await person.field('login.password').fill(PASSWORD);
		await person.page.keyboard.press('Enter');
		await person.page.waitForFunction(() => document.querySelector('nav') ||
			(document.querySelector('.problem') && !document.querySelector('button[type=submit]').disabled));
		if (await person.page.locator('nav').count())
			return;
	}
}

story('runs an event again on the current version', {}, async person => {
	await person.signIn();
	await person.search('order 12321');
	await person.page.locator('.row', {hasText: 'Confirm order'}).getByRole('link').click();
	await person.press('rerun');
	await person.sees(person.say('rerun.again'));
	await person.dialog().getByRole('button', {name: person.say('rerun'), exact: true}).click();
	await person.sees(person.say('outcome.rerun'));
	await person.sees(person.say('run.status.completed'));
	await becomes(`SELECT count(*) FROM workflow_runs WHERE rerun_of IS NOT NULL AND status = 'completed'`, '1');
});

story('cancels a run that waits', {language: 'ar'}, async person => {
	await person.signIn();
	await person.search('طلب ١٢٤٢٠');
	await person.seesRows(1);
	await person.page.locator('.row a').click();
	await person.sees(person.say('run.status.waiting'));
	await person.press('cancel_run');
	await person.dialog().getByRole('button', {name: person.say('cancel_run'), exact: true}).click();
	await person.sees(person.say('run.status.cancelled'));
	await becomes(`SELECT status FROM workflow_runs WHERE trigger_payload->>'order_id' = '12420'`, 'cancelled');
});

story('retries all failures of a kind, after the count was shown', {width: 390}, async person => {
	const failed = `SELECT count(*) FROM workflow_runs r WHERE status = 'failed'
		AND tenant_id = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01'`;
	const count = Number(sql(failed));

	assert.ok(count > 1);
	await person.signIn();
	await person.open('/failures');
	await person.fits('the failures');

	const group = person.page.locator('.group', {hasText: 'Beirut'});

	await group.getByRole('button', {name: /Retry \d+…/}).click();
	await person.sees(person.say('retry_all.count', {n: count, count}));
	await person.press('bulk.retry.button', {n: count, count});
	await person.sees(person.say('bulk.retry.ended', {done: count, changed: 0, failed: 0}));
	await person.dialog().getByRole('button', {name: person.say('close')}).last().click();
	await group.waitFor({state: 'detached'});
	await becomes(failed, '0');
});

story('switches a workflow off and on', {language: 'ar'}, async person => {
	const active = `SELECT is_active FROM workflow_definitions WHERE name = 'طلب تقييم'
		AND tenant_id = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c02'`;

	await person.signIn();
	await person.open('/workflows');

	const row = person.page.locator('tr', {hasText: 'طلب تقييم'}).filter({hasText: 'الرياض'});

	await row.getByRole('button').click();
	await person.page.getByRole('radio').nth(1).check();
	await person.dialog().getByRole('button', {name: person.say('stop.off.button')}).click();
	await row.getByRole('button', {name: person.say('workflow.switch_on')}).waitFor();
	await becomes(active, 'f');
	await row.getByRole('button', {name: person.say('workflow.switch_on')}).click();
	await row.getByText(person.say('workflow.on')).waitFor();
	await becomes(active, 't');
});

story('holds everything, says why, and lets it go on', {}, async person => {
	await person.signIn();
	await person.press('stop');
	await person.field('stop.reason').fill('wrong price in the message');
	await person.dialog().getByRole('button', {name: person.say('stop.hold.button'), exact: true}).click();
	await person.sees('wrong price in the message');
	await person.page.locator('.health').getByText(/ops/).waitFor();
	await becomes('SELECT count(*) FROM workflow_pauses', '1');
	await goOn(person, 'the price is right');
});

// Lets the one thing that is held go on, with a reason that is noted.
async function goOn(person, reason) {
	await person.page.locator('.pauses').getByRole('button', {name: person.say('stop.resume')}).click();
	await person.field('stop.reason').fill(reason);
	await person.dialog().getByRole('button', {name: person.say('stop.resume'), exact: true}).click();
	await person.page.locator('.pauses').waitFor({state: 'detached'});
	await becomes('SELECT count(*) FROM workflow_pauses', '0');
	await becomes(`SELECT detail->>'reason' FROM workflow_operations WHERE what = 'resume' ORDER BY id DESC LIMIT 1`, reason);
}

story('holds one workflow, whose page says who did it and why', {language: 'ar', width: 390}, async person => {
	await person.signIn();
	await person.open('/workflows/' + sql(`SELECT id FROM workflow_definitions WHERE name = 'طلب تقييم'
		AND tenant_id = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c02'`));
	await person.page.getByRole('button', {name: person.say('stop'), exact: true}).click();
	await person.dialog().getByText('الرياض').waitFor();
	await person.accessible('stopping');
	await person.fits('stopping');
	await person.field('stop.reason').fill('wrong price in the message');
	await person.dialog().getByRole('button', {name: person.say('stop.hold.button'), exact: true}).click();
	await person.page.locator('.pauses').getByText('wrong price in the message').waitFor();
	await person.page.locator('.pauses').getByText(/ops/).waitFor();
	await person.accessible('a workflow that is held');
	await person.fits('a workflow that is held');
	await goOn(person, 'the price is right');
});

story('works by keyboard alone', {}, async person => {
	const {keyboard} = person.page;

	let answer;

	await person.open();
	await person.page.waitForFunction(() => document.activeElement.name === 'role');
	await keyboard.type('ops');
	await keyboard.press('Tab');
	// a sign-in that came too soon leaves the focus in the field, which is empty again
	do {
		await person.page.waitForFunction(() => document.activeElement.name === 'password'
			&& !document.querySelector('button[type=submit]').disabled);
		await keyboard.type(PASSWORD);
		[answer] = await Promise.all([
			person.page.waitForResponse(one => one.url().endsWith('/api/login')),
			keyboard.press('Enter'),
		]);
	} while (answer.status() === 429);
	await person.page.locator('nav').waitFor();
	await toSearch(person.page);
	await keyboard.type('order 12350');
	await keyboard.press('Enter');
	await person.seesRows(2);
	await person.page.waitForFunction(() => document.activeElement.matches('.row a'));
	await keyboard.press('Enter');
	await person.page.locator('.step').first().waitFor();
	await toSearch(person.page);
});

// The key of the search.  A page that was just drawn hears no key yet.
async function toSearch(page) {
	for (let i = 0; await page.evaluate(() => document.activeElement.name) !== 'q'; i++) {
		assert.ok(i < 1000);
		await page.keyboard.press('/');
	}
}

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('sees what he may not do, why, and the statement that helps, to be copied', {language, width, theme}, async person => {
		const {page} = person;
		const grant = "SELECT wf_grant('viewer', 'operate');";
		const barred = async (button, what) => {
			await button.waitFor();
			assert.equal(await button.getAttribute('aria-disabled'), 'true', what);
			assert.ok((await button.getAttribute('title')).endsWith(grant), what);
		};

		await person.signIn('viewer');
		await person.open('/runs?status=failed');
		await barred(page.locator('.row').first().getByRole('button', {name: like(person.say('retry'))}), 'a row');
		await person.fits('rows that may not be retried');
		await person.open('/workflows');
		await barred(person.button('workflows.new'), 'a new workflow');
		await page.locator('tbody th a').first().click();
		await barred(person.button('editor.copy'), 'a copy');
		await person.open('/runs?status=failed');
		await page.locator('.row a').first().click();

		const button = person.button('rerun');

		await barred(button, 'to run it again');
		await button.click({force: true});
		await person.dialog().getByText(grant, {exact: true}).waitFor();
		await person.accessible('why not');
		await person.fits('why not');
		await person.dialog().getByRole('button', {name: person.say('value.copy'), exact: true}).click();
		await person.sees(person.say('value.copied'));
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), grant);
		// it stays until it is closed, and the focus is where it was
		await page.keyboard.press('Escape');
		await person.dialog().waitFor({state: 'detached'});
		await page.waitForFunction(() => document.activeElement.getAttribute('aria-disabled') === 'true');
	});
}

story('goes back to the filters that were set', {}, async person => {
	await person.signIn();
	await person.open('/runs?status=completed');
	await person.page.locator('.row a').first().click();
	await person.page.locator('.step').first().waitFor();
	await person.page.goBack();
	await person.page.locator('.row').first().waitFor();
	assert.equal(await person.page.locator('select[name=status]').inputValue(), 'completed');
	await person.page.reload();
	await person.page.locator('.row').first().waitFor();
	assert.equal(await person.page.locator('select[name=status]').inputValue(), 'completed');
});

story('signs in again over the page after the session was ended', {allow: [UNAUTHORIZED]}, async person => {
	await person.signIn();
	await person.open('/runs?q=12350');
	await person.seesRows(2);
	sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'`);
	await person.sees(person.say('login.again'));
	await person.seesRows(2);
	await retryAgain(person);
	await person.dialog().waitFor({state: 'detached'});
	await person.seesRows(2);
});

async function retryAgain(person) {
	for (let i = 0; i < 20 && await person.dialog().count(); i++) {
		await person.dialog().locator('input[name=password]').fill(PASSWORD);
		await person.page.keyboard.press('Enter');
		await person.page.waitForFunction(() => !document.querySelector('dialog') ||
			(document.querySelector('dialog .problem') && !document.querySelector('dialog button[type=submit]').disabled));
	}
}

// What an update of the console leaves in a tab: addresses that are no more.
story('says so if a part of the page cannot be fetched, and reloads', {allow: [/Failed to load resource/, /net::ERR_FAILED/]}, async person => {
	await person.signIn();
	await person.page.route('**/js/page/workflows.js', route => route.abort());
	await person.page.getByRole('link', {name: like(person.say('nav.workflows'))}).click();
	await person.sees(person.say('page.not_loaded'));
	await person.accessible('what could not be fetched');
	await person.page.unroute('**/js/page/workflows.js');
	await person.press('page.reload');
	await person.sees('Confirm order');
});
