// What the tests of the page share: a browser, a person who signs in, and what must
// hold whatever a test does: no error in the console, no violation of the policy.
//
// The environment says where things are (t/110_console_browser.pl sets it): WF_URL,
// the console's address; WF_NPM, the folder of the npm packages; WF_CHROMIUM; WF_PSQL,
// a command that runs the SQL of its standard input.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {after, before, test} from 'node:test';

const {WF_URL: url, WF_NPM: npm, WF_CHROMIUM: chromiumPath, WF_PSQL: psql} = process.env;
const require = createRequire(`${npm}/package.json`);
const {chromium} = require('playwright-core');
const axeSource = readFileSync(`${npm}/node_modules/axe-core/axe.min.js`, 'utf8');

export const PASSWORD = 'look';
export const LIMIT = Number(process.env.WF_TEST_LIMIT || 60) * 1000;
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];

let browser;

before(async () => {
	browser = await chromium.launch({executablePath: chromiumPath, args: FLAGS});
});
after(() => browser.close());

export function sql(statement) {
	const [command, ...args] = psql.split(' ');

	return execFileSync(command, args, {input: statement, encoding: 'utf8'}).trim();
}

// Waits until the statement gives this: the page may say so before or after.
export async function becomes(statement, expected) {
	const end = Date.now() + LIMIT;

	while (sql(statement) !== expected)
		assert.ok(Date.now() < end, `${statement} is not ${expected} but ${sql(statement)}`);
}

const {default: en} = await import('../../web/i18n/en.js');
const {default: ar} = await import('../../web/i18n/ar.js');

// What a tenant is called if the configuration does not say it.
function tenant(language, name) {
	const text = {en, ar}[language][name.endsWith('s') ? 'tenant.many' : 'tenant.one'];

	return name.startsWith('T') ? text[0].toUpperCase() + text.slice(1) : text;
}

// The words that a person sees: of a key, in a language, with values.
export function words(language, key, values = {}) {
	const {[key]: text} = {en, ar}[language];
	const form = typeof text === 'object'
		? text[new Intl.PluralRules(language).select(values.n)] ?? text.other : text;

	return form.replace(/\{(\w+)\}/g, (whole, name) => /^tenants?$/i.test(name)
		? tenant(language, name) : values[name]);
}

// A text as a pattern that marks of isolation do not hinder.
export function like(text) {
	return new RegExp(Array.from(text, character =>
		character.replace(/[.*+?^${}()|[\]\\]/, '\\$&')).join('[\u2068\u2069]*'));
}

// Is this what the page does again by itself: a sign-in that came too soon after another
// one, a poll of a session that was busy?
function isAgain(response) {
	return response.status() === 429 && (response.url() === `${url}/api/login` || '1' === response.request().headers()['x-wf-poll']);
}

// A test by a person with a browser of his own.  allow: patterns of console errors that
// the test provokes, such as "401" of a wrong password.
export function story(name, {language = 'en', width = 1280, theme = 'light', allow = []}, play) {
	test(`${name} (${language}, ${width} px, ${theme})`, {timeout: 3 * LIMIT}, async () => {
		const context = await browser.newContext({locale: language, colorScheme: theme,
			viewport: {width, height: 900}, reducedMotion: 'reduce',
			permissions: ['clipboard-read', 'clipboard-write']});
		const errors = [];
		const again = [];
		const open = async () => {
			const page = await context.newPage();

			page.setDefaultTimeout(LIMIT);
			page.on('response', response => isAgain(response) && again.push(response.url()));
			page.on('pageerror', error => errors.push(error.message));
			page.on('console', message => {
				if (['error', 'warning'].includes(message.type()))
					errors.push(`${message.text()} ${message.location().url ?? ''}`);
			});
			return page;
		};
		const page = await open();

		try {
			await play(new Person(page, language, context, open));
			assert.deepEqual(errors.filter(error => !allow.some(one => one.test(error))
				&& !again.some(one => error.includes('status of 429') && error.endsWith(one))), []);
		} catch (error) {
			const shown = await page.evaluate(() => document.body.innerText).catch(() => '');

			error.message += `\n--- the page\n${shown.slice(0, 3000)}\n--- errors\n${errors.join('\n')}`;
			throw error;
		} finally {
			// an answer that a story changes may be on its way still
			for (const one of [context, ...context.pages()])
				await one.unrouteAll({behavior: 'ignoreErrors'});
			await context.close();
		}
	});
}

export class Person {
	constructor(page, language, context, newPage) {
		Object.assign(this, {page, language, context, newPage});
	}

	// The same person at another tab of the browser.
	async tab() {
		return new Person(await this.newPage(), this.language, this.context, this.newPage);
	}

	say(key, values) {
		return words(this.language, key, values);
	}

	open(path = '/') {
		return this.page.goto(`${url}/#${path}`);
	}

	button(key, values) {
		return this.page.getByRole('button', {name: like(this.say(key, values))}).first();
	}

	press(key, values) {
		return this.button(key, values).click();
	}

	field(key) {
		return this.page.getByLabel(this.say(key), {exact: true});
	}

	// Opens what a phone has behind a button.
	async menu() {
		const button = this.page.locator('button.menu');

		if (await button.isVisible())
			await button.click();
	}

	// Waits until the page says so.
	sees(text) {
		return this.page.getByText(like(text)).first().waitFor();
	}

	// Signs out and waits until that is done.  A page that was loaded before the end would
	// ask things of a session that ends, and note the refusals as errors.
	async signOut() {
		await this.menu();
		await this.press('signout');
		await this.field('login.role').waitFor();
	}

	// Signs in; at most one try a second is taken from an address.  After a refusal the page
	// empties the field of the password, and takes another one when that is done.
	async signIn(role = 'ops', password = PASSWORD) {
		const end = Date.now() + LIMIT;
		let answer;

		await this.open();
		do {
			assert.ok(Date.now() < end, `${role} is not let in`);
			await this.page.locator('form.signin button[type=submit]:enabled').waitFor();
			await this.field('login.role').fill(role);
			await this.field('login.password').fill(password);
			[answer] = await Promise.all([
				this.page.waitForResponse(one => one.url() === `${url}/api/login`),
				this.page.getByRole('button', {name: this.say('login'), exact: true}).click(),
			]);
		} while (answer.status() === 429);
		await this.page.locator('#app > nav').waitFor();
	}

	// The same in the window over a page whose session has ended.
	async signInAgain(role) {
		const form = this.page.locator('dialog form.signin');
		let answer;

		do {
			await form.locator('button[type=submit]:enabled').waitFor();
			if (role)
				await form.locator('input[name=role]').fill(role);
			await form.locator('input[name=password]').fill(PASSWORD);
			[answer] = await Promise.all([
				this.page.waitForResponse(one => one.url() === `${url}/api/login`),
				form.locator('button[type=submit]').click(),
			]);
		} while (answer.status() === 429);
		await form.waitFor({state: 'detached'});
		await this.page.locator('#app > nav').waitFor();
	}

	async search(text) {
		await this.page.getByRole('searchbox').fill(text);
		await this.page.keyboard.press('Enter');
	}

	rows() {
		return this.page.locator('.row');
	}

	async seesRows(count) {
		await this.page.waitForFunction(n => document.querySelectorAll('.row').length === n, count);
	}

	dialog() {
		return this.page.getByRole('dialog');
	}

	// The accessibility of what is shown, by WCAG 2.2 AA.  The frame of a mail runs no
	// script: axe cannot ask it, and a message to it that comes too early is an error.
	async accessible(what) {
		await this.page.evaluate(axeSource);

		const {violations} = await this.page.evaluate(() => window.axe.run(document, {
			runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], iframes: false,
		}));

		assert.deepEqual(violations.map(({id, nodes}) =>
			`${what}: ${id}: ${nodes.map(node => `${node.html} ${node.failureSummary}`).join(' | ')}`), []);
	}

	// Nothing makes the page wider than the screen.
	async fits(what) {
		const [inner, outer] = await this.page.evaluate(() =>
			[document.documentElement.scrollWidth, window.innerWidth]);

		assert.ok(inner <= outer, `${what} is ${inner} px wide on a screen of ${outer}`);
	}
}
