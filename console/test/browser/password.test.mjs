// A person changes the password of the role that is signed in.

import assert from 'node:assert/strict';
import {like, sql, story} from './browser.mjs';

const WRONG = /status of 403/;
const ENDED = /status of 401/;
const OFTEN = /status of 429 .*\/api\/password$/;

// Tries until the page says so: a try comes at most once a second.
async function fill(person, old, chosen, again, expected) {
	const said = person.page.getByText(like(expected)).first();
	const often = person.page.getByText(person.say('error.throttled'));

	do {
		await person.field('password.old').fill(old);
		await person.field('password.new').fill(chosen);
		await person.field('password.again').fill(again);
		await person.dialog().getByRole('button', {name: person.say('password.button'), exact: true}).click();
		await said.or(often).waitFor();
	} while (!await said.isVisible());
}

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('changes the password, which ends the other sessions', {language, width, theme, allow: [WRONG, ENDED, OFTEN]}, async person => {
		const role = `changes_${language}`;

		sql(`CREATE ROLE ${role} LOGIN PASSWORD 'first one' IN ROLE wf_console; SELECT wf_grant('${role}', 'view')`);
		await person.signIn(role, 'first one');

		const other = await person.context.browser().newContext({locale: language});
		const elsewhere = new person.constructor(await other.newPage(), language, other);

		await elsewhere.signIn(role, 'first one');
		await person.menu();
		await person.page.locator('button.role').click();
		await person.dialog().waitFor();
		await person.accessible('the dialog');
		await person.fits('the dialog');
		await fill(person, 'first one', 'the new one', 'another', person.say('password.differ'));
		await person.accessible('two that differ');
		await fill(person, 'wrong', 'the new one', 'the new one', person.say('error.wrong_password'));
		await fill(person, 'first one', 'the new one', 'the new one', person.say('password.changed'));
		await person.sees(person.say('password.ended', {n: 1}));
		await person.dialog().waitFor({state: 'detached'});
		await elsewhere.dialog().getByText(elsewhere.say('ended.password')).waitFor();
		// at most one sign-in a second is taken from an address
		for (let tries = 0; await elsewhere.dialog().count(); tries++) {
			assert.ok(tries < 30);
			await elsewhere.field('login.password').fill('the new one');
			await elsewhere.dialog().getByRole('button', {name: elsewhere.say('login'), exact: true}).click();
			await elsewhere.page.waitForFunction(() => !document.querySelector('dialog')
				|| document.querySelector('dialog .problem, dialog [role=alert]')
				&& !document.querySelector('dialog button[type=submit]').disabled);
		}
		await other.close();
		await person.open('/runs');
		await person.rows().first().waitFor();
	});
}
