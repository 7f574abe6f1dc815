// Lists that are downloaded as files for a spreadsheet.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {sql, story} from './browser.mjs';

// The cells of a file, by RFC 4180.
function rowsOf(text) {
	assert.equal(text[0], '\ufeff');
	return [...text.slice(1).matchAll(/((?:[^",\r\n]*|"(?:[^"]|"")*")(?:,(?:[^",\r\n]*|"(?:[^"]|"")*"))*)\r\n/g)]
		.map(([, line]) => [...(line + ',').matchAll(/([^",\r\n]*|"(?:[^"]|"")*"),/g)]
			.map(([, cell]) => cell.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"')));
}

async function download(person) {
	const [file] = await Promise.all([person.page.waitForEvent('download'), person.press('csv')]);

	return {name: file.suggestedFilename(), rows: rowsOf(readFileSync(await file.path(), 'utf8'))};
}

test('what somebody has done has a word in the file', async () => {
	const {default: en} = await import('../../web/i18n/en.js');
	const source = readFileSync(new URL('../../web/js/csv.js', import.meta.url), 'utf8');
	const words = Object.keys(en).filter(key => key.startsWith('operation.')).map(key => key.slice(10).replace('_', ' '));

	assert.ok(words.length > 10);
	assert.deepEqual(words.filter(word => !source.includes(`'${word}'`)), []);
});

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('downloads the runs that a filter chooses', {language, width, theme}, async person => {
		await person.signIn('viewer');
		await person.open('/runs?status=failed');
		await person.rows().first().waitFor();

		const failed = await download(person);
		const zone = await person.page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);

		assert.match(failed.name, /^runs-\d{4}-\d\d-\d\d\.csv$/);
		assert.deepEqual(failed.rows[0].slice(0, 6), [...['run', 'workflow', 'version', 'tenant', 'status'].map(key => person.say(key)),
			`${person.say('csv.queued_at')} (${zone})`]);
		assert.equal(failed.rows.length - 1, Number(sql(`SELECT count(*) FROM workflow_runs WHERE status = 'failed'`)));
		assert.deepEqual([...new Set(failed.rows.slice(1).map(row => row[4]))], [person.say('run.status.failed')]);
		await person.accessible('runs');
		await person.fits('runs');

		await person.open('/runs?q=12345');
		await person.rows().first().waitFor();
		assert.ok((await download(person)).rows.slice(1).every(row => row[0].includes('12345')));
	});

	story('downloads the failures, the workflows and who did what', {language, width, theme}, async person => {
		await person.signIn('viewer');
		await person.open('/failures');
		await person.page.locator('.group').first().waitFor();

		const failures = await download(person);

		assert.equal(failures.rows.length - 1, await person.page.locator('.group').count());
		assert.ok(failures.rows.slice(1).every(row => [person.say('editor.yes'), person.say('editor.no')].includes(row[7])));
		await person.open('/workflows');
		await person.page.locator('tbody tr').first().waitFor();
		assert.equal((await download(person)).rows.length - 1, Number(sql('SELECT count(*) FROM workflow_definitions')));
		await person.open('/workflows?action=send_email');
		await person.page.waitForFunction(() => document.querySelector('select[name=action]')?.value === 'send_email');

		const shown = await person.page.locator('tbody tr').count();

		assert.equal((await download(person)).rows.length - 1, shown);
		assert.ok(shown < Number(sql('SELECT count(*) FROM workflow_definitions')));
		await person.open('/settings/operations');
		await person.page.locator('tbody tr').first().waitFor();

		const {rows} = await download(person);

		assert.equal(rows.length - 1, Number(sql('SELECT count(*) FROM workflow_operations')));
		assert.ok(rows.some(row => row[2] === person.say('operation.save')));
	});
}
