// Settings: who did what, what fires by itself, branches, mail templates, connections.

import assert from 'node:assert/strict';
import {becomes, like, sql, story} from './browser.mjs';

const RIYADH = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c02';
const CONFLICT = /status of 409/;
// the frame of a mail may do nothing: what it would load or run is reported
const FRAME = /Refused to load|violates the following Content Security Policy|Blocked script execution/;
const SECTIONS = ['operations', 'schedules', 'tenants', 'templates', 'connections', 'about'];

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
		await person.open('/settings/connections');
		await person.page.locator('tr', {hasText: 'smtp'}).getByRole('button').first().click();
		await person.dialog().waitFor();
		await person.accessible('the dialog of a connection');
		await person.fits('the dialog of a connection');
		await person.dialog().getByRole('button').first().click();
		await person.open('/settings/templates');
		await person.page.locator('tr a', {hasText: 'welcome'}).click();
		await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
		await person.accessible('a mail template');
		await person.fits('a mail template');
	});
}

story('sees who did what, with a link to it', {language: 'ar'}, async person => {
	await person.signIn('viewer');
	await person.open('/settings');
	await person.page.locator('tbody tr', {hasText: 'Daily report'}).first().waitFor();
	await person.sees(person.say('operation.save'));
	await person.page.locator('tbody tr', {hasText: 'Daily report'}).getByRole('link').first().click();
	await person.page.waitForFunction(() => location.hash.startsWith('#/runs?'));
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
	await row.getByRole('button', {name: person.say('stop.resume')}).click();
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
	// on the event of the newest run: text, and HTML in the frame, escaped
	await person.page.locator('.mail-text', {hasText: 'Honey & nuts: 12.00'}).waitFor();
	await person.page.frameLocator('iframe').getByText('Tea <green>').waitFor();
	assert.equal(await person.page.locator('iframe').getAttribute('sandbox'), '');
	await person.page.locator('input[name=subject]').fill('Welcome {{ trigger.nme }}');
	await person.page.locator('#problems-subject', {hasText: 'trigger has no member "nme"'}).waitFor();
	await person.page.locator('input[name=subject]').fill('Good to see you, {{ trigger.name }}');
	await person.page.locator('.mail-subject', {hasText: 'Good to see you, '}).waitFor();
	await person.page.locator('textarea[name=html]').fill('<p onclick="alert(1)">New <script>alert(2)</script></p>');
	await person.page.frameLocator('iframe').getByText('New').waitFor();
	await person.press('save');
	await person.sees('v3');
	assert.equal(sql(`SELECT subject FROM workflow_templates WHERE name = 'welcome'`), 'Good to see you, {{ trigger.name }}');
	// an old version is put back
	await person.page.getByText(person.say('template.history')).click();
	await person.page.getByRole('button', {name: 'v2'}).click();
	await person.dialog().getByText('Welcome, {{ trigger.name }}').waitFor();
	await person.press('template.put_back');
	await person.page.waitForFunction(() => document.querySelector('input[name=subject]').value.startsWith('Welcome,'));
	await person.press('save');
	await person.sees('v4');
	assert.equal(sql(`SELECT (SELECT html FROM workflow_templates WHERE name = 'welcome') = html FROM workflow_template_versions WHERE version = 2`), 't');
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
	await person.sees('v3');
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
	const row = () => person.page.locator('tbody tr', {hasText: 'smtp'});

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
	await person.field('name').fill('crm');
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

story('sees what only an administrator may change', {}, async person => {
	await person.signIn();
	await person.open('/settings/connections');

	const button = person.page.locator('tbody tr', {hasText: 'smtp'}).getByRole('button').first();

	assert.equal(await button.getAttribute('aria-disabled'), 'true');
	assert.match(await button.getAttribute('title'), /admin/);
	await button.click({force: true});
	assert.equal(await person.dialog().count(), 0);
});
