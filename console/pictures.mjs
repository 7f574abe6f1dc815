// Pictures of the console's pages, for the manual: each in both languages, on a desk and
// on a phone.  console/pictures.sh runs it.
//
// The environment: WF_URL, the address of a console with the data of console/demo.sql;
// WF_PASSWORD, of its people; WF_NPM, the folder of the npm packages; WF_CHROMIUM; WF_OUT,
// where the pictures go, as NAME-LANGUAGE-WIDTH.png.

import {writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {withPalette} from './palette.mjs';

const {WF_URL: url, WF_PASSWORD: password, WF_NPM: npm, WF_CHROMIUM: executablePath, WF_OUT: out} = process.env;
const {chromium} = createRequire(`${npm}/package.json`)('playwright-core');
const SCREENS = [[1280, 640], [390, 700]];
const LIMIT = 100 * 1024;

// [name, path, what to do there before the picture is taken].  A page that is added to
// the console is added here.
const PAGES = [
	['overview', '/'],
	['runs', '/runs'],
	['search', '/runs?q=order+12350'],
	['failures', '/failures'],
	['retry', '/failures', page => press(page, '.group .group-actions button >> nth=1', '[role=dialog], dialog')],
	['run', '/runs?q=order+12350&status=failed', page => press(page, '.row a', '.step')],
	['workflows', '/workflows'],
	['stop', '/workflows', page => press(page, 'main table button', '[role=dialog], dialog')],
];

async function press(page, what, shows) {
	await page.locator(what).first().click();
	await page.locator(shows).first().waitFor();
}

// Until what the page asked for is there.
async function settled(page) {
	await page.locator('main h1').first().waitFor();
	await page.waitForFunction(() => !document.querySelector('main .loading'));
	await page.waitForLoadState('networkidle');
}

async function picture(page, name, language, width) {
	const path = `${out}/${name}-${language}-${width}.png`;

	const png = withPalette(await page.screenshot({scale: 'css', animations: 'disabled', caret: 'hide'}));

	writeFileSync(path, png);
	console.log(`${path} ${Math.ceil(png.length / 1024)} kB`);
	if (png.length > LIMIT)
		throw new Error(`${path} has more than ${LIMIT} bytes`);
}

async function signIn(page) {
	await page.locator('input[name=role]').fill('ops');
	// one try a second is taken from an address
	for (;;) {
		await page.locator('input[type=password]').fill(password);
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => document.querySelector('nav') || document.querySelector('.problem'));
		if (await page.locator('nav').count())
			return;
		await page.waitForFunction(() => !document.querySelector('button[type=submit]').disabled);
	}
}

const browser = await chromium.launch({executablePath,
	args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-lcd-text',
		'--disable-font-subpixel-positioning']});

for (const language of ['en', 'ar']) {
	for (const [width, height] of SCREENS) {
		const context = await browser.newContext({locale: language, colorScheme: 'light',
			viewport: {width, height}, deviceScaleFactor: 1, reducedMotion: 'reduce'});
		const page = await context.newPage();

		await page.goto(`${url}/`);
		await page.locator('input[name=role]').waitFor();
		await picture(page, 'sign-in', language, width);
		await signIn(page);
		for (const [name, path, act] of PAGES) {
			await page.goto(`${url}/#${path}`);
			await page.reload();
			await settled(page);
			await act?.(page);
			await settled(page);
			await picture(page, name, language, width);
		}
		await context.close();
	}
}
await browser.close();
