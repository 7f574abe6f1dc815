// Settings: who did what, what fires by itself, branches, mail templates, connections.

import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {test} from 'node:test';
import {becomes, like, sql, story} from './browser.mjs';

const RIYADH = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c02';
const CONFLICT = /status of 409/;
// the frame of a mail may do nothing: what it would load or run is reported
const FRAME = /Refused to load|violates the following Content Security Policy|Blocked script execution/;
const SECTIONS = ['operations', 'schedules', 'tenants', 'templates', 'connections', 'actions', 'places', 'about'];

for (const [language, theme, width] of [['en', 'light', 1280], ['ar', 'dark', 390]]) {
	story('every page of the settings is accessible', {language, theme, width}, async person => {
		await person.signIn('admin');
		for (const name of SECTIONS) {
			await person.open('/settings/' + name);
			await person.page.locator('main h1').getByText(person.say('settings.' + name)).waitFor();
			await person.page.waitForFunction(() => !document.querySelector('main .loading'));
			await person.accessible(name);
			await person.fits(name);
		}
		const look = async (what, button) => {
			await button.click();
			await person.dialog().waitFor();
			await person.accessible(what);
			await person.fits(what);
			await person.dialog().getByRole('button').first().click();
			await person.dialog().waitFor({state: 'detached'});
		};
		const mail = person.page.locator('tr', {hasText: 'smtp_password'}).getByRole('button');

		await person.open('/settings/connections');
		await look('the dialog of a connection', mail.first());
		await look('the dialog that deletes one', mail.nth(1));
		await look('the dialog of a new one', person.button('connection.new'));
		await person.open('/settings/tenants');
		await look('the name of a branch', person.button('tenant.rename'));
		await look('holding a branch', person.button('stop'));
		await person.open('/settings/schedules');
		await look('holding a schedule', person.button('stop'));
		await person.open('/settings/actions');
		await person.page.locator('main details summary').first().click();
		await person.accessible('an action');
		await person.fits('an action');
		await person.open('/settings/templates');
		await person.page.locator('tr a', {hasText: 'welcome'}).click();
		await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
		await person.accessible('a mail template');
		await person.fits('a mail template');
	});
}

story('sees who did what, by whom and of which kind, with links to it', {language: 'ar', width: 390}, async person => {
	const rows = person.page.locator('tbody tr');

	await person.signIn('viewer');
	await person.open('/settings');
	await rows.filter({hasText: 'Daily report'}).first().waitFor();
	await rows.getByText(person.say('operation.save')).first().waitFor();
	await person.page.locator('select[name=what]').selectOption('connection');
	await rows.filter({hasText: 'Daily report'}).first().waitFor({state: 'detached'});
	await rows.filter({hasText: 'billing'}).waitFor();
	await person.page.locator('input[name=who]').fill('nobody');
	await person.page.keyboard.press('Enter');
	await person.sees(person.say('find.none'));
	await person.accessible('nothing found');
	await person.page.goBack();
	await rows.filter({hasText: 'billing'}).waitFor();
	// a name leads to what else that person did, a workflow to its page
	await person.page.locator('select[name=what]').selectOption('');
	await rows.filter({hasText: 'Daily report'}).getByRole('link').first().click();
	await person.page.waitForFunction(() => location.hash.includes('who='));
	await rows.filter({hasText: 'Daily report'}).getByRole('link', {name: 'Daily report'}).first().click();
	await person.page.waitForFunction(() => location.hash.startsWith('#/workflows/'));
	await person.page.locator('h1', {hasText: 'Daily report'}).waitFor();
});

// On how many lines each of these stands.
const linesOf = locator => locator.evaluateAll(all => all.map(one => {
	const range = document.createRange();

	range.selectNodeContents(one);
	return new Set(Array.from(range.getClientRects()).filter(rect => rect.width > 1).map(rect => Math.round(rect.top / 8))).size;
}));

for (const [language, width] of [['en', 1280], ['ar', 1280], ['ar', 390]]) {
	story('what was done is told in words, in the time of the browser', {language, width}, async person => {
		const error = 'HTTP <number>: the address of this branch answers that it is busy until the next morning';

		sql(`INSERT INTO workflow_operations (id, at, who, what, tenant_id, detail) VALUES
			(wf_run_id_floor(now() + interval '1 day'), now(), 'admin', 'retry', '${RIYADH}', '{"count": 214, "status": "failed", "since": "2026-01-02T03:04:05+00:00",
			"until": "2026-01-03T03:04:05.6+00:00", "step": "bill", "error_class": "${error}", "max_rows": 500, "on_version": "current"}')`);
		try {
			await person.signIn('viewer');
			await person.open('/settings/operations');

			const row = person.page.locator('tbody tr', {hasText: 'HTTP <number>'});

			await row.waitFor();
			for (const key of ['status', 'since', 'until', 'step', 'error_class', 'max_rows', 'on_version'])
				await row.getByText(person.say('detail.' + key) + ':', {exact: true}).first().waitFor();
			await row.getByText(person.say('detail.on_version.current')).waitFor();
			await row.getByText(person.say('run.status.failed')).waitFor();
			assert.doesNotMatch(await row.innerText(), /max_rows|error_class|2026-01-02T/);
			assert.equal(await row.locator('time[datetime^="2026-01-02T"]').innerText(), await person.page.evaluate(name => new Intl.DateTimeFormat(`${name}-u-nu-latn-ca-gregory`,
				{year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false}).format(new Date('2026-01-02T03:04:05Z')), language));
			assert.deepEqual([...new Set(await linesOf(person.page.locator('tbody time, tbody .name bdi')))], [1]);
			await person.fits('what was done');
			await person.accessible('what was done');
		} finally {
			sql(`DELETE FROM workflow_operations WHERE at > now() - interval '1 hour' AND detail->>'max_rows' = '500'`);
		}
	});
}

story('every button and name of a table of the settings is on one line', {}, async person => {
	const long = 'x'.repeat(63);

	sql(`UPDATE workflow_tenants SET name = '${long}' WHERE tenant_id = '${RIYADH}'`);
	try {
		await person.signIn('admin');
		for (const section of ['tenants', 'connections', 'schedules']) {
			await person.open('/settings/' + section);
			await person.page.locator('tbody button').first().waitFor();
			assert.deepEqual([...new Set(await linesOf(person.page.locator('tbody button, tbody time')))], [1], section);
			await person.fits(section);
		}
	} finally {
		sql(`UPDATE workflow_tenants SET name = 'الرياض' WHERE tenant_id = '${RIYADH}'`);
	}
});

test('every detail of what was done has words in both languages', async () => {
	const api = new URL('../../../src/api/', import.meta.url);
	const keys = new Set(readdirSync(api).filter(name => name.endsWith('.c')).map(name => readFileSync(new URL(name, api), 'utf8'))
		.filter(text => /operation_note\(|bulk_filter_describe\(FunctionCallInfo fcinfo, ObjectBuilder/.test(text))
		.flatMap(text => Array.from(text.matchAll(/\b(?:object_(?:text|number|bool)|describe_\w+)\([^;"]*"(\w+)"/g), ([, key]) => key)));

	assert.ok(keys.size > 20 && ['since', 'max_rows', 'new_run_id', 'reason'].every(key => keys.has(key)), [...keys].join());
	for (const language of ['en', 'ar']) {
		const {default: texts} = await import(`../../web/i18n/${language}.js`);

		assert.deepEqual([...keys].filter(key => !(`detail.${key}` in texts)), [], language);
	}
});

story('sees the next five times of a schedule', {width: 390}, async person => {
	await person.signIn('viewer');
	await person.open('/settings/schedules');

	const row = person.page.locator('tbody tr', {hasText: 'evening'});

	await row.getByText(person.say('schedule.times')).click();
	assert.equal(await row.locator('ol li').count(), 5);
	assert.equal(await row.locator('ol time').first().getAttribute('datetime').then(at => Date.parse(at)),
		Date.parse(sql(`SELECT next_at FROM wf_schedules() WHERE schedule = 'evening'`)));
});

// Lets what is held go on, with a reason that is noted.
async function goOn(person, row, reason) {
	await row.getByRole('button', {name: person.say('stop.resume')}).click();
	await person.field('stop.reason').fill(reason);
	await person.accessible('letting it go on');
	await person.fits('letting it go on');
	await person.dialog().getByRole('button', {name: person.say('stop.resume'), exact: true}).click();
	await person.dialog().waitFor({state: 'detached'});
	assert.equal(sql(`SELECT detail->>'reason' FROM workflow_operations WHERE what = 'resume' ORDER BY id DESC LIMIT 1`), reason);
}

story('finds a schedule, holds its workflow with a reason, and lets it go on', {language: 'ar', width: 390}, async person => {
	const row = person.page.locator('tbody tr', {hasText: 'evening'});

	await person.signIn();
	await person.open('/settings/schedules');
	await row.waitFor();
	await person.page.locator('input[name=find]').fill('month');
	await person.page.keyboard.press('Enter');
	await row.waitFor({state: 'detached'});
	await person.page.reload();
	await person.page.locator('tbody tr', {hasText: 'month'}).waitFor();
	assert.equal(await row.count(), 0);
	await person.page.locator('input[name=find]').fill('daily');
	await person.page.keyboard.press('Enter');
	await row.getByRole('button', {name: like(person.say('stop'))}).click();
	await person.dialog().locator('strong', {hasText: 'Beirut'}).waitFor();
	await person.field('stop.reason').fill('عطلة');
	await person.dialog().getByRole('button', {name: person.say('stop.hold.button'), exact: true}).click();
	await row.locator('td').nth(3).getByText(person.say('workflow.paused')).waitFor();
	await becomes("SELECT reason FROM workflow_pauses WHERE definition_id = (SELECT id FROM workflow_definitions WHERE name = 'Daily report')", 'عطلة');
	await goOn(person, row, 'انتهت العطلة');
	await row.locator('td').nth(3).getByText(person.say('workflow.on')).waitFor();
	await becomes('SELECT count(*) FROM workflow_pauses', '0');
});

// What the server's files of time zones may do to a definition that was valid.
const zone = (from, to) => sql(`SET session_replication_role = replica;
	UPDATE workflow_definitions SET definition = replace(definition::text, '${from}', '${to}')::jsonb WHERE name = 'Daily report'`);

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('a time zone that is gone is said in its row', {language, width}, async person => {
		sql(`SET session_replication_role = replica; UPDATE workflow_definitions
			SET definition = jsonb_set(definition, '{schedule,1,time_zone}', '"Asia/Gone"') WHERE name = 'Daily report'`);
		try {
			await person.signIn('viewer');
			await person.open('/settings/schedules');
			await person.page.locator('tbody tr', {hasText: 'month'}).getByText('"Asia/Gone" is not the name of a time zone').waitFor();
			await person.page.locator('tbody tr', {hasText: 'evening'}).getByText(person.say('workflow.on')).waitFor();
			await person.accessible('a schedule with a mistake');
			await person.fits('a schedule with a mistake');
		} finally {
			zone('Asia/Gone', 'Asia/Beirut');
		}
	});
}

for (const [language, one, many] of [['en', 'shop', 'shops'], ['ar', 'الشركة', 'الشركات']]) {
	story('sees tenants by the name that the configuration gives them', {language}, async person => {
		await person.page.route('**/api/me', async route => {
			const response = await route.fetch();

			await route.fulfill({response, json: {...await response.json(), tenant_label: {[language]: {one, many}}}});
		});
		await person.signIn();
		await person.open('/settings/tenants');

		const title = many[0].toUpperCase() + many.slice(1);

		await person.page.locator('main h1').getByText(title, {exact: true}).waitFor();
		await person.page.getByRole('link', {name: title, exact: true}).waitFor();
		assert.equal(await person.page.locator('select').filter({hasText: person.say('tenant.all').replace(/\S+$/, many)}).count(), 1);
		await person.page.locator('tbody tr').first().waitFor();
		await person.press('stop');
		await person.dialog().getByText(one).waitFor();
		assert.doesNotMatch(await person.page.locator('body').innerText(), /branch|فرع|فروع/i);
	});
}

test('no text calls a tenant by a word of its own', async () => {
	for (const [language, pattern] of [['en', /branch/i], ['ar', /فرع|فروع|مستأجر/]]) {
		const {default: texts} = await import(`../../web/i18n/${language}.js`);
		const found = Object.entries(texts).filter(([, text]) => pattern.test(JSON.stringify(text))).map(([key]) => key);

		assert.deepEqual(found, ['tenant.one', 'tenant.many']);
	}
});

story('names a branch, holds it with a reason, and lets it go on', {}, async person => {
	const name = () => sql(`SELECT name FROM workflow_tenants WHERE tenant_id = '${RIYADH}'`);
	const before = name();

	await person.signIn();
	await person.open('/settings/tenants');

	const row = person.page.locator('tbody tr', {hasText: RIYADH});

	await row.getByRole('button', {name: person.say('tenant.rename')}).click();
	await person.field('name').fill('Riyadh north');
	await person.dialog().getByRole('button', {name: person.say('save'), exact: true}).click();
	await row.getByText('Riyadh north').waitFor();
	assert.equal(name(), 'Riyadh north');
	await person.page.locator('header select option', {hasText: 'Riyadh north'}).waitFor({state: 'attached'});
	await row.getByRole('button', {name: person.say('stop'), exact: true}).click();
	await person.field('stop.reason').fill('stock taking');
	await person.dialog().getByRole('button', {name: person.say('stop.hold.button'), exact: true}).click();
	await row.getByText('stock taking').waitFor();
	await becomes(`SELECT reason FROM workflow_pauses WHERE tenant_id = '${RIYADH}'`, 'stock taking');
	await goOn(person, row, 'stock was taken');
	await row.getByText(person.say('tenant.works')).waitFor();
	await becomes('SELECT count(*) FROM workflow_pauses', '0');
	sql(`UPDATE workflow_tenants SET name = '${before}' WHERE tenant_id = '${RIYADH}'`);
});

async function openTemplate(person, name) {
	await person.open('/settings/templates');
	await person.page.locator('tr a', {hasText: name}).click();
	await person.page.locator('textarea[name=body]').waitFor();
}

story('changes a mail template, looking at what it becomes', {allow: [FRAME]}, async person => {
	await person.signIn();
	await openTemplate(person, 'welcome');
	// on the event of the newest run: HTML in the frame, escaped, and the text
	await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
	await person.button('mail.body').click();
	await person.page.locator('.mail-text', {hasText: 'Honey & nuts: 12.00'}).waitFor();
	await person.button('mail.html').click();
	await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
	assert.equal(await person.page.locator('iframe').getAttribute('sandbox'), '');
	await person.page.locator('input[name=subject]').fill('Welcome {{ trigger.nme }}');
	await person.page.locator('#problems-subject', {hasText: 'trigger has no member "nme"'}).waitFor();
	await person.page.locator('input[name=subject]').fill('Good to see you, {{ trigger.name }}');
	await person.page.locator('.mail-subject', {hasText: 'Good to see you, '}).waitFor();
	await person.page.locator('textarea[name=html]').fill('<p onclick="alert(1)">New <script>alert(2)</script></p>');
	await person.page.frameLocator('iframe').getByText('New').waitFor();
	await person.press('save');
	await person.page.locator('h1', {hasText: 'v3'}).waitFor();
	assert.equal(sql(`SELECT subject FROM workflow_templates WHERE name = 'welcome'`), 'Good to see you, {{ trigger.name }}');
	// an old version is put back
	await person.page.getByText(person.say('template.history')).click();
	await person.page.getByRole('button', {name: 'v2'}).click();
	await person.dialog().getByText('Welcome, {{ trigger.name }}').waitFor();
	await person.press('template.put_back');
	await person.page.waitForFunction(() => document.querySelector('input[name=subject]').value.startsWith('Welcome,'));
	await person.press('save');
	await person.page.locator('h1', {hasText: 'v4'}).waitFor();
	assert.equal(sql(`SELECT (SELECT html FROM workflow_templates WHERE name = 'welcome') = html FROM workflow_template_versions WHERE version = 2`), 't');
});

for (const [language, theme, width] of [['en', 'light', 1280], ['ar', 'dark', 390]]) {
	story('is offered what the event has while a mail is written', {language, theme, width}, async person => {
		const subject = person.page.locator('input[name=subject]');
		const options = person.page.locator('.completion [role=option]');

		await person.signIn();
		await openTemplate(person, 'welcome');
		await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
		await subject.fill('Hello {{ nam');
		await options.filter({hasText: 'trigger.name'}).waitFor();
		await person.accessible('what is offered');
		await person.fits('what is offered');
		await subject.press('Enter');
		assert.equal(await subject.inputValue(), 'Hello {{ trigger.name }}');
		await person.page.locator('.mail-subject', {hasText: /Hello (Rana|عميل)/}).waitFor();
		// a filter, in the text
		await person.page.locator('textarea[name=body]').fill('{{ trigger.name | upp');
		await options.filter({hasText: 'upper'}).click();
		await person.button('mail.body').click();
		await person.page.locator('.mail-text', {hasText: /^(RANA HADDAD|عميل تجريبي)$/}).waitFor();
		// of what is typed, what is in it; and a mark that turns the direction is said
		await person.page.locator('select[name=run]').selectOption('');
		await person.page.locator('textarea[name=payload]').fill('{"city": "Beirut"}');
		await subject.fill('\u202e{{ cit');
		await options.filter({hasText: 'trigger.city'}).waitFor();
		assert.equal(await options.count(), 1);
		await person.page.locator('.field', {has: subject}).getByText('U+202E').waitFor();
	});
}

story('looks at a mail as wide as a phone, and from right to left', {language: 'ar', allow: [FRAME]}, async person => {
	const frame = () => person.page.locator('iframe').contentFrame().locator('html');

	await person.signIn('viewer');
	await openTemplate(person, 'welcome');
	await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
	assert.equal(await frame().getAttribute('dir'), null);
	await person.page.locator('input[name=rtl]').check();
	await person.page.frameLocator('iframe').locator('html[dir=rtl]').waitFor();
	await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
	await person.page.locator('input[name=phone]').check();
	assert.equal(await person.page.locator('iframe').evaluate(one => one.offsetWidth), 360);
	await person.accessible('a mail from right to left');
	await person.button('mail.body').click();
	assert.equal(await person.page.locator('.mail-text').getAttribute('dir'), 'rtl');
	assert.ok(await person.page.locator('.mail-text').evaluate(one => one.offsetWidth) <= 360);
	// who uses it is one click away
	await person.page.getByRole('link', {name: 'Welcome', exact: true}).click();
	await person.page.waitForFunction(() => location.hash.startsWith('#/workflows/'));
});

story('two people edit a mail template: nothing is overwritten unseen', {language: 'ar', width: 390, allow: [CONFLICT]}, async person => {
	const text = () => sql(`SELECT version || body FROM workflow_templates WHERE name = 'ترحيب'`);

	await person.signIn();
	await openTemplate(person, 'ترحيب');
	await person.page.locator('textarea[name=body]').fill('نص الأول');
	sql(`UPDATE workflow_templates SET body = 'نص الثاني' WHERE name = 'ترحيب'`);
	await person.press('save');
	await person.dialog().getByText('نص الثاني').waitFor();
	await person.fits('what differs');
	await person.accessible('what differs');
	assert.equal(text(), '2نص الثاني');
	await person.press('template.overwrite', {version: 'v3'});
	await person.page.locator('h1', {hasText: 'v3'}).waitFor();
	assert.equal(text(), '3نص الأول');
});

story('makes a mail template and deletes it', {}, async person => {
	await person.signIn();
	await person.open('/settings/templates/new');
	await person.page.locator('input[name=name]').fill('goodbye');
	await person.page.locator('input[name=subject]').fill('Bye {{ trigger.n }}');
	await person.page.locator('textarea[name=body]').fill('See you');
	await person.page.locator('textarea[name=payload]').fill('{"n": 19.90}');
	await person.page.locator('.mail-subject', {hasText: 'Bye 19.90'}).waitFor();
	await person.press('save');
	await person.page.locator('h1', {hasText: 'goodbye'}).waitFor();
	await person.page.getByRole('button', {name: person.say('delete')}).first().click();
	await person.dialog().getByRole('button', {name: person.say('delete'), exact: true}).click();
	await person.page.locator('tr a', {hasText: 'welcome'}).waitFor();
	assert.equal(sql(`SELECT count(*) FROM workflow_templates WHERE name = 'goodbye'`), '0');
});

story('replaces a credential and sees none', {}, async person => {
	const row = () => person.page.locator('tbody tr', {hasText: 'SMTP'});

	await person.signIn('admin');
	await person.open('/settings/connections');
	await row().getByText(like(person.say('secret.file', {name: 'smtp_password'}))).waitFor();
	await row().getByText(person.say('secret.set')).waitFor();
	await row().getByRole('button').first().click();
	await person.page.locator('select[name=secret-username]').selectOption('store');
	await person.page.locator('input[name=secret-username-value]').fill('other');
	await person.page.locator('select[name=secret-password]').selectOption('file');
	await person.page.locator('input[name=secret-password-file]').fill('new_password');
	await person.page.locator('input[name=config-from]').fill('sales@example.com');
	await person.press('save');
	await row().getByText(like(person.say('secret.file', {name: 'new_password'}))).waitFor();
	assert.equal(sql(`SELECT config->>'from', config->>'url', credentials FROM workflow_connections WHERE name = 'email'`),
		'sales@example.com|smtp://mail.example.com:587|{"password": {"file": "new_password"}, "username": "other"}');
	assert.ok(!(await person.page.content()).includes('other'));
	// a new one, with a header of its own, and away with it
	await person.press('connection.new');
	// until it has a name it says what lacks
	assert.equal(await person.dialog().getByRole('button', {name: person.say('save'), exact: true}).isDisabled(), true);
	await person.dialog().getByText(person.say('name.needed')).waitFor();
	await person.page.locator('input[name=name]').fill('crm');
	await person.page.locator('select[name=kind]').selectOption('http');
	await person.page.locator('input[name=config-base_url]').fill('https://crm.example.com');
	await person.page.locator('input[name=add-headers]').fill('X-Key');
	await person.page.locator('input[name=add-headers] ~ button, p:has(input[name=add-headers]) button').first().click();
	await person.page.locator('input[name=secret-headers-X-Key-file]').fill('crm_key');
	await person.press('save');
	await person.page.locator('tbody tr', {hasText: 'crm'}).getByText(like(person.say('secret.file', {name: 'crm_key'}))).waitFor();
	assert.equal(sql(`SELECT credentials FROM workflow_connections WHERE name = 'crm'`), '{"headers": {"X-Key": {"file": "crm_key"}}}');
	await person.page.locator('tbody tr', {hasText: 'crm'}).getByRole('button').nth(1).click();
	await person.dialog().getByRole('button', {name: person.say('delete'), exact: true}).click();
	await person.page.locator('tbody tr', {hasText: 'crm'}).waitFor({state: 'detached'});
});

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('what is wrong with a connection stands at its field', {language, width, allow: [CONFLICT, /status of 422/]}, async person => {
		const {page} = person;
		const field = name => page.locator(`[name=${name}]`);
		const invalid = () => page.evaluate(() => [document.activeElement.name, document.activeElement.getAttribute('aria-invalid')]);

		await person.signIn('admin');
		await person.open('/settings/connections');
		await person.press('connection.new');
		await field('name').fill('shop');
		await field('kind').selectOption('http');
		await field('config-base_url').fill('not a url');
		await person.press('save');
		await page.locator('label', {has: field('config-base_url')}).getByText('config.base_url is not an absolute URL without credentials.').waitFor();
		await page.waitForFunction(() => document.activeElement.name === 'config-base_url');
		assert.deepEqual(await invalid(), ['config-base_url', 'true']);
		await person.accessible('a field that is wrong');
		await person.fits('a field that is wrong');
		await field('config-base_url').fill('https://example.com');
		await field('config-signature').fill('{"scheme": ');
		await person.press('save');
		await page.locator('label', {has: field('config-signature')}).getByText(person.say('editor.json_broken', {line: 1})).waitFor();
		await field('config-signature').fill('');
		await person.press('save');
		await person.dialog().getByText(person.say('error.exists.connections')).waitFor();
		await page.waitForFunction(() => document.activeElement.name === 'name');
		assert.deepEqual(await invalid(), ['name', 'true']);
	});
}

story('sees what only an administrator may change', {}, async person => {
	await person.signIn();
	await person.open('/settings/connections');

	const button = person.page.locator('tbody tr', {hasText: 'SMTP'}).getByRole('button').first();

	assert.equal(await button.getAttribute('aria-disabled'), 'true');
	assert.match(await button.getAttribute('title'), /admin/);
	await button.click({force: true});
	await person.dialog().getByText("SELECT wf_grant('ops', 'admin');", {exact: true}).waitFor();
	assert.equal(await person.field('connection.kind').count(), 0);
});

for (const [language, theme, width] of [['en', 'light', 1280], ['ar', 'dark', 390]]) {
	story('two administrators change a connection: nothing is lost', {language, theme, width, allow: [CONFLICT]}, async person => {
		const row = () => person.page.locator('tbody tr', {hasText: 'reviews'});
		const saved = () => sql(`SELECT config->>'idempotency_header', config->>'base_url' LIKE '%theirs', credentials FROM workflow_connections WHERE name = 'reviews'`);
		const before = sql(`SELECT config FROM workflow_connections WHERE name = 'reviews'`);
		const address = person.page.locator('input[name=config-base_url]');
		const theirs = text => sql(`UPDATE workflow_connections SET config = config || '${text}', credentials = '{"bearer_token": "S3cret"}' WHERE name = 'reviews'`);

		await person.signIn('admin');
		await person.open('/settings/connections');
		await row().getByRole('button').first().click();
		await person.page.locator('input[name=config-idempotency_header]').fill('X-Mine');
		await person.page.locator('select[name=secret-signing_secret]').selectOption('file');
		await person.page.locator('input[name=secret-signing_secret-file]').fill('mine_key');
		theirs('{"base_url": "https://other.example/theirs"}');
		await person.press('save');
		// both are shown, and of what is stored nothing
		await person.page.locator('.conflict', {hasText: 'https://other.example/theirs'}).waitFor();
		for (const text of ['X-Mine', 'mine_key', person.say('connection.conflict.secret'), 'bearer_token'])
			await person.page.locator('.conflict').getByText(like(text)).first().waitFor();
		await person.accessible('what two have changed');
		await person.fits('what two have changed');
		assert.ok(!(await person.page.content()).includes('S3cret'));
		assert.equal(saved(), '|t|{"bearer_token": "S3cret"}');
		await person.press('merge.button');
		assert.equal(await address.inputValue(), 'https://other.example/theirs');
		// and once more, before it is saved
		theirs('{"base_url": "https://other.example/2/theirs"}');
		await person.press('save');
		await person.page.locator('.conflict', {hasText: 'https://other.example/2/theirs'}).waitFor();
		await person.press('merge.button');
		await person.press('save');
		await row().getByText(like(person.say('secret.file', {name: 'mine_key'}))).waitFor();
		assert.equal(saved(), 'X-Mine|t|{"bearer_token": "S3cret", "signing_secret": {"file": "mine_key"}}');
		// or theirs are taken
		await row().getByRole('button').first().click();
		await address.fill('https://lost.example');
		theirs('{"base_url": "https://other.example/3/theirs"}');
		await person.press('save');
		await person.press('conflict.take.theirs');
		assert.equal(await address.inputValue(), 'https://other.example/3/theirs');
		sql(`UPDATE workflow_connections SET config = '${before}', credentials = '{}' WHERE name = 'reviews'`);
	});
}

story('is told who uses a connection before it is deleted', {language: 'ar', width: 390, allow: [CONFLICT]}, async person => {
	const row = () => person.page.locator('tbody tr', {hasText: 'unneeded'});
	const count = () => sql(`SELECT count(*) FROM workflow_connections WHERE name = 'unneeded'`);
	const press = () => person.dialog().getByRole('button', {name: person.say('delete'), exact: true});

	sql(`INSERT INTO workflow_connections (name, kind, config) VALUES ('unneeded', 'http', '{"base_url": "https://example.com"}')`);
	await person.signIn('admin');
	await person.open('/settings/connections?find=NEED');
	await row().getByRole('button').nth(1).click();
	// meanwhile a workflow begins to use it
	sql(`SELECT wf_define('${RIYADH}', '{"name": "Needs it", "trigger_type": "none", "steps": [
		{"name": "s", "action": "webhook", "params": {"connection": "unneeded", "path": "/x"}}]}')`);
	await press().click();
	await person.dialog().getByText(person.say('error.referenced')).waitFor();
	assert.equal(count(), '1');
	await person.dialog().getByRole('button').first().click();
	await row().getByText('1', {exact: true}).waitFor();
	await row().getByRole('button').nth(1).click();
	// two of one name are told apart by where they are
	await person.dialog().locator('li', {has: person.page.getByRole('link', {name: 'Needs it'})}).getByText('الرياض').waitFor();
	assert.equal(await press().isDisabled(), true);
	await person.accessible('deleting what is used');
	await person.page.locator('input[name=sure]').check();
	await press().click();
	await row().waitFor({state: 'detached'});
	assert.equal(count(), '0');
	sql(`DELETE FROM workflow_definitions WHERE name = 'Needs it'`);
});

story('what must be there of a new connection is in a file, unless one chooses otherwise', {}, async person => {
	await person.signIn('admin');
	await person.open('/settings/connections');
	await person.press('connection.new');
	await person.page.locator('input[name=name]').fill('whats');
	await person.page.locator('select[name=kind]').selectOption('whatsapp_cloud');
	assert.equal(await person.page.locator('select[name=secret-access_token]').inputValue(), 'file');
	await person.page.locator('input[name=secret-access_token-file]').fill('whatsapp_token');
	await person.page.locator('input[name=config-phone_number_id]').fill('106540352242922');
	await person.page.locator('select[name=secret-access_token]').selectOption('store');
	await person.sees(person.say('secret.store_help'));
	await person.page.locator('select[name=secret-access_token]').selectOption('file');
	await person.page.locator('input[name=secret-access_token-file]').fill('whatsapp_token');
	await person.press('save');
	await person.page.locator('tbody tr', {hasText: 'whatsapp_token'}).waitFor();
	assert.equal(sql(`DELETE FROM workflow_connections WHERE name = 'whats' RETURNING credentials`), '{"access_token": {"file": "whatsapp_token"}}');
});

for (const language of ['en', 'ar']) {
	story('reads what an action does, and who uses it', {language}, async person => {
		await person.signIn('viewer');
		await person.open('/settings/actions');
		await person.page.locator('input[name=find]').fill('send_email');
		await person.page.keyboard.press('Enter');
		await person.page.locator('main details').nth(1).waitFor({state: 'detached'});

		const one = person.page.locator('main details');

		await one.locator('summary').click();
		await one.locator('tr', {hasText: 'subject'}).first().waitFor();
		assert.ok(await one.locator('tbody tr').count() > 5);
		await one.getByRole('link', {name: 'Welcome', exact: true}).click();
		await person.page.waitForFunction(() => location.hash.startsWith('#/workflows/'));
	});
}

const PLACES = ['4611686018427387905', '4611686018427387907'];

function copied() {
	sql(`SELECT wf_define('${RIYADH}', '{"name": "Copied", "trigger_type": "copied", "steps": [
		{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]}') \\g /dev/null
		INSERT INTO workflow_runs (definition_id, trigger_payload, place, queued_at, started_at, run_at)
		SELECT id, '{}', p, t, t, t FROM workflow_definitions, unnest('{${PLACES}}'::bigint[]) p, (SELECT now() - '1 day'::interval) x (t), generate_series(1, 3)
		WHERE name = 'Copied'`);
}

const standing = place => sql(`SELECT count(*) FROM workflow_runs WHERE place = ${place} AND status = 'queued'`);

for (const [language, theme, width] of [['en', 'light', 1280], ['ar', 'dark', 390]]) {
	story('decides what becomes of the runs of a copy', {language, theme, width}, async person => {
		copied();
		await person.signIn('viewer');
		await person.page.getByRole('link', {name: person.say('places.open')}).click();

		// who may not decide is told why
		const button = person.page.getByRole('button', {name: like(person.say('place.accept'))});

		await button.waitFor();
		assert.equal(await button.getAttribute('aria-disabled'), 'true');
		assert.equal(await button.getAttribute('title'), person.say('needs.places'));
		await person.accessible('a copy that others decide about');
		await button.click({force: true});
		assert.equal(await person.dialog().count(), 0);
		await person.signOut();
		await person.signIn('admin');
		await person.open('/settings/places');

		const place = n => person.page.locator('.step', {hasText: PLACES[n]});

		await place(1).getByText(like(person.say('place.runs', {n: 3}))).first().waitFor();
		await person.fits('copies');
		await person.accessible('copies');
		await place(1).getByRole('button', {name: like(person.say('place.accept'))}).click();
		await person.dialog().getByText(like(person.say('place.twice'))).waitFor();
		await person.accessible('accepting');
		await person.fits('accepting');
		assert.equal(await person.dialog().locator('.dialog-actions button').last().isDisabled(), true);
		assert.equal(standing(PLACES[1]), '3');
		await person.page.locator('input[name=sure]').check();
		await person.dialog().locator('.dialog-actions button').last().click();
		await becomes(`SELECT count(*) FROM workflow_runs WHERE place = ${PLACES[1]} AND status = 'completed'`, '3');
		await place(0).getByRole('button', {name: like(person.say('place.discard'))}).click();
		await person.accessible('discarding');
		await person.dialog().locator('.dialog-actions button').last().click();
		await place(0).waitFor({state: 'detached'});
		await becomes(`SELECT count(*) FROM workflow_runs WHERE place = ${PLACES[0]} AND status = 'cancelled'`, '3');
		sql(`DELETE FROM workflow_runs WHERE place IN (${PLACES}); DELETE FROM workflow_definitions WHERE name = 'Copied'; DELETE FROM workflow_places`);
	});
}

for (const [language, theme, width] of [['en', 'light', 1280], ['ar', 'dark', 390]]) {
	story('chooses one of many branches by its name', {language, theme, width}, async person => {
		sql(`INSERT INTO workflow_tenants SELECT ('20000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'Many ' || n FROM generate_series(1, 120) n`);
		try {
			await person.signIn();
			await person.menu();

			const chosen = person.page.locator('header .tenant button');

			await chosen.click();
			await person.accessible('choosing a branch');
			await person.fits('choosing a branch');
			await person.sees(person.say('tenant.more'));
			await person.page.locator('input[name=tenant-find]').fill('many 117');
			await person.dialog().getByRole('button', {name: 'Many 117'}).click();
			await person.page.waitForFunction(() => location.hash.includes('tenant=20000000-0000-0000-0000-000000000117'));
			await chosen.getByText('Many 117').waitFor();
			await person.page.reload();
			await chosen.getByText('Many 117').waitFor({state: 'attached'});
			// page by page, and by name
			await person.open('/settings/tenants');

			const rows = person.page.locator('tbody tr');

			await rows.nth(49).waitFor();
			assert.equal(await rows.count(), 50);
			await person.page.getByRole('link', {name: person.say('paging.next')}).click();
			await rows.filter({hasText: 'Many 100'}).waitFor({state: 'detached'});
			assert.equal(await rows.count(), 50);
			await person.page.locator('input[name=find]').fill('many 12');
			await person.page.keyboard.press('Enter');
			await person.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
			await person.accessible('branches by name');
			// a form asks for one in the same way
			await person.open('/settings/templates/new');
			await person.page.locator('main form .field button.pick').click();
			await person.page.locator('input[name=tenant-find]').fill('nobody at all');
			await person.dialog().getByText(person.say('tenant.none_found')).waitFor();
			// and so does a new workflow
			await person.open('/workflows/new?empty=1&tenant=20000000-0000-0000-0000-000000000117');
			await person.page.locator('main label.stacked button.pick').getByText('Many 117').waitFor();
		} finally {
			sql(`DELETE FROM workflow_tenants WHERE name LIKE 'Many %'`);
		}
	});
}

// Whatever somebody may call things: HTML, a mark that turns the direction, and a name
// without a blank that is wider than a phone.
const EVIL = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0e';
const evil = n => `<img src=x onerror="window.hit = ${n}">\u202Egnp.exe${'W'.repeat(60)}`;

function makeEvil() {
	const text = n => `$t$${evil(n)}$t$`;

	sql(`INSERT INTO workflow_tenants VALUES ('${EVIL}', ${text(1)});
		INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
		VALUES ('${EVIL}', ${text(2)}, 'http', '{"base_url": "https://example.com", "headers": {"X-A": "<img src=x onerror=window.hit=3>"}}',
			'{"headers": {"X-Secret": {"file": "evil.key"}}}');
		INSERT INTO workflow_templates (tenant_id, name, subject, body, html)
		VALUES ('${EVIL}', ${text(4)}, ${text(5)}, ${text(6)}, ${text(7)});
		INSERT INTO workflow_definitions (tenant_id, run_as, definition) SELECT '${EVIL}', 'shop_steps', jsonb_build_object(
			'name', ${text(8)}, 'trigger_type', 'evil', 'schedule', jsonb_build_object('name', ${text(9)}, 'cron', '0 8 * * *', 'time_zone', 'UTC'),
			'steps', jsonb_build_array(
				jsonb_build_object('name', 'm', 'action', 'send_email', 'params', jsonb_build_object('to', 'a@example.com', 'template', ${text(4)})),
				jsonb_build_object('name', 'w', 'action', 'webhook', 'params', jsonb_build_object('connection', ${text(2)}, 'path', '/x'))));
		INSERT INTO workflow_runs (definition_id, trigger_payload, place, queued_at, started_at, run_at)
		SELECT id, '{}', ${PLACES[0]}, t, t, t FROM workflow_definitions, (SELECT now() - '1 day'::interval) x (t) WHERE tenant_id = '${EVIL}';
		SELECT wf_pause('${EVIL}', reason => ${text(10)})`);
}

function removeEvil() {
	sql(`SELECT wf_resume('${EVIL}'); DELETE FROM workflow_runs WHERE tenant_id = '${EVIL}';
		DELETE FROM workflow_definitions WHERE tenant_id = '${EVIL}'; DELETE FROM workflow_templates WHERE tenant_id = '${EVIL}';
		DELETE FROM workflow_connections WHERE tenant_id = '${EVIL}'; DELETE FROM workflow_tenants WHERE tenant_id = '${EVIL}'`);
}

for (const [language, width] of [['en', 1280], ['ar', 390]]) {
	story('a name is text in every page of the settings', {language, width, allow: [FRAME]}, async person => {
		const harmless = async where => {
			assert.equal(await person.page.evaluate(() => window.hit), undefined, where);
			assert.equal(await person.page.locator('img, script:not([src])').count(), 0, where);
			assert.equal(await person.page.evaluate(() => /[\u202a-\u202e]/.test(document.querySelector('main').innerText)), false, where);
			await person.fits(where);
		};
		const sees = n => person.page.locator('main').getByText(like(`<img src=x onerror="window.hit = ${n}">`)).first().waitFor();
		const look = async (where, ...numbers) => {
			await person.page.locator('main h1').first().waitFor();
			await person.page.waitForFunction(() => !document.querySelector('main .loading'));
			await person.page.evaluate(() => { document.querySelectorAll('main details').forEach(one => { one.open = true; }); });
			for (const n of numbers)
				await sees(n);
			await harmless(where);
		};

		try {
			makeEvil();
			await person.signIn('admin');
			await person.open(`/settings/operations?tenant=${EVIL}`);
			await look('operations', 8, 10);
			await person.open(`/settings/schedules?tenant=${EVIL}`);
			await look('schedules', 1, 8, 9);
			await person.open('/settings/tenants?find=%3Cimg');
			await look('tenants', 1, 10);
			await person.press('tenant.rename');
			await harmless('the name of a tenant');
			await person.open(`/settings/connections?tenant=${EVIL}&find=%3Cimg`);
			await look('connections', 1, 2, 8);
			await person.page.locator('tbody tr').getByRole('button').first().click();
			await person.dialog().waitFor();
			await harmless('a connection');
			await person.open(`/settings/actions?tenant=${EVIL}`);
			await look('actions', 8);
			await person.open('/settings/places');
			await look('places', 1, 8);
			await person.open(`/settings/templates?tenant=${EVIL}&find=%3Cimg`);
			await look('templates', 1, 4, 5);
			await person.page.locator('tbody a').first().click();
			await person.page.locator('.mail-subject').waitFor();
			await look('a template', 4, 5, 8);
			await person.button('mail.body').click();
			await sees(6);
			await harmless('its text');
		} finally {
			removeEvil();
		}
	});
}
