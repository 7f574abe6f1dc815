// Pictures of the console's pages, for the manual: each in both languages, on a desk and
// on a phone.  console/pictures.sh runs it.
//
// The environment: WF_URL, the address of a console with the data of console/demo.sql;
// WF_PASSWORD, of its people; WF_NPM, the folder of the npm packages; WF_CHROMIUM; WF_OUT,
// where the pictures go, as NAME-LANGUAGE-WIDTH.png; WF_PAGES, a pattern of names, if
// not all are to be made.  README.md there shows them all.

import {writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {withPalette} from './palette.mjs';

const {WF_URL: url, WF_PASSWORD: password, WF_NPM: npm, WF_CHROMIUM: executablePath, WF_OUT: out} = process.env;
const {chromium} = createRequire(`${npm}/package.json`)('playwright-core');
const catalogues = {en: (await import('./web/i18n/en.js')).default, ar: (await import('./web/i18n/ar.js')).default};
const wanted = new RegExp(process.env.WF_PAGES || '.');
const SCREENS = [[1280, 640], [390, 700]];
const LIMIT = 100 * 1024;

const DIALOG = 'dialog[open]';

// [name, path, what to do there before the picture is taken].  A page or a dialog that is
// added to the console is added here.  say: the words of a key in the language.
const PAGES = [
	['overview', '/'],
	['runs', '/runs'],
	['search', '/runs?q=order+12350'],
	['failures', '/failures'],
	['retry', '/failures', page => press(page, '.group .group-actions button >> nth=1', DIALOG)],
	['run', '/runs?q=order+12350&status=failed', page => press(page, '.row a', '.step')],
	['workflows', '/workflows'],
	['stop', '/workflows', page => press(page, 'main table button', DIALOG)],
	['workflow', '/workflows', openWorkflow],
	['editor', '/workflows', editWorkflow],
	['editor-json', '/workflows', async (page, say) => {
		await editWorkflow(page, say);
		await press(page, '.views .view-json', '#code');
	}],
	['completion', '/workflows', async (page, say) => {
		await editWorkflow(page, say);
		await page.getByLabel(say('field.title')).first().fill('Order {{ ');
		await page.locator('.completion').waitFor();
	}],
	['compare', '/workflows', async (page, say) => {
		await changeWorkflow(page, say);
		await page.getByRole('button', {name: say('editor.compare')}).click();
		await page.locator(DIALOG).waitFor();
	}],
	['save', '/workflows', async (page, say) => {
		await changeWorkflow(page, say);
		await press(page, '.editor-bar .main', DIALOG);
	}],
	['new', '/workflows/new'],
	['operations', '/settings/operations'],
	['schedules', '/settings/schedules', page => press(page, 'main details summary', 'main details[open]')],
	['branches', '/settings/tenants'],
	['templates', '/settings/templates'],
	['template', '/settings/templates', page => press(page, 'main table a', 'iframe')],
	['connections', '/settings/connections'],
	['connection', '/settings/connections', page => press(page, 'tr:has-text("smtp_password") button', DIALOG)],
	['connection-deleted', '/settings/connections', page => press(page, 'tr:has-text("smtp_password") button.danger', DIALOG)],
	['actions', '/settings/actions?find=send_email', page => press(page, 'main details summary', 'main details[open]')],
	['copies', '/settings/places'],
	['about', '/settings/about'],
];

async function openWorkflow(page) {
	await press(page, 'main table a', 'main .step');
	await settled(page);
}

// Until it is checked and tried on the sample.
async function checked(page, say) {
	const waits = [say('editor.checking'), say('loading')];

	await page.waitForFunction(words => !words.some(one => document.querySelector('main').innerText.includes(one)), waits);
	await settled(page);
}

async function editWorkflow(page, say) {
	await openWorkflow(page);
	await press(page, 'main button.main', '.wf-editor .form');
	await settled(page);
	await checked(page, say);
}

async function changeWorkflow(page, say) {
	await editWorkflow(page, say);
	await page.locator('.form input').first().fill('Bill and thank');
	await page.waitForFunction(() => document.querySelector('.editor-bar .main:not([aria-disabled])'));
}

async function press(page, what, shows) {
	await page.locator(what).first().click();
	await page.locator(shows).first().waitFor();
}

// Until what the page asked for is there.
async function settled(page) {
	await page.locator('main h1').first().waitFor();
	await page.waitForFunction(() => !document.querySelector('main .loading'));
	// a frame that may do nothing is never said to be idle
	if (await page.locator('iframe').count() === 0)
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

// A page that shows the pictures side by side.
function gallery() {
	const names = ['sign-in', ...PAGES.map(([name]) => name)];
	const cell = (name, language, width) => {
		const file = `${name}-${language}-${width}.png`;

		return `<a href="${file}"><img src="${file}" width="${width > 500 ? 420 : 130}" alt="${name}, ${language}, ${width} pixels"></a>`;
	};
	const rows = names.map(name => `## \`${name}\`\n\n${['en', 'ar'].flatMap(language =>
		SCREENS.map(([width]) => cell(name, language, width))).join('\n')}\n`);

	writeFileSync(`${out}/README.md`, `# The pages of the console\n\nMade by \`console/pictures.sh\`. [What they are for](../console.md).\n\n${rows.join('\n')}`);
}

async function signIn(page) {
	await page.locator('input[name=role]').fill('admin');
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
			if (!wanted.test(name))
				continue;
			await page.goto(`${url}/#${path}`);
			// no draft of the picture before
			await page.evaluate(() => sessionStorage.clear());
			await page.reload();
			await settled(page);
			await act?.(page, key => catalogues[language][key]);
			await settled(page);
			await picture(page, name, language, width);
		}
		await context.close();
	}
}
await browser.close();
gallery();
