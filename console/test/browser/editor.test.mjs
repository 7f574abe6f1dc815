// Workflows: what one does, its versions, and changing it, by one person and by two at
// once.

import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const LANGUAGES = [['en', 1280], ['ar', 390]];

const message = (name, text, more = '') => `{"name": "${name}", "trigger_type": "new_order", ${more}
	"steps": [
	{"name": "thank", "action": "webhook", "condition": {"field": "trigger.total", "op": "gt", "value": 300.50},
	 "params": {"connection": "shop", "path": "/messages", "merge_payload": false,
		"body": {"to": "{{ trigger.customer.phone }}", "text": "${text}"}}},
	{"name": "tell", "action": "team_notify", "on_error": "continue",
	 "params": {"channel": "#orders", "message": "${text}"}}]}`;

// A workflow of its own for each test, with the versions given.
function workflow(name, ...definitions) {
	let version = null;
	let id = null;

	for (const definition of definitions) {
		id = sql(`SELECT id FROM wf_save(${id ? `'${id}'` : 'NULL'}, '${BEIRUT}', $d$${definition}$d$, 'shop_steps', ${version ?? 'NULL'}, 'as v${(version ?? 0) + 1}')`);
		version = (version ?? 0) + 1;
	}
	return id;
}

const saved = id => sql(`SELECT version || ' ' || definition FROM workflow_definitions WHERE id = '${id}'`);

for (const [language, width] of LANGUAGES) {
	story('reads what a workflow does, and puts a version back', {language, width}, async person => {
		const name = `Back ${language}`;
		const id = workflow(name, message(name, 'Thank you'), message(name, 'Tahnk you'));

		await person.signIn();
		await person.open('/workflows');
		await person.page.getByRole('link', {name}).click();
		await person.page.locator('.step').nth(1).waitFor();
		await person.sees('trigger.total');
		await person.sees(person.say('op.gt'));
		await person.sees('300.50');
		await person.sees('as v2');
		await person.fits('a workflow');
		await person.accessible('a workflow');
		await person.press('version.compare.button');
		await person.dialog().getByText('Tahnk you').first().waitFor();
		await person.accessible('what changed');
		await person.page.keyboard.press('Escape');
		await person.press('version.put_back.open');
		await person.dialog().getByText('Tahnk you').first().waitFor();
		await person.accessible('putting back');
		await person.press('version.put_back.button', {version: 'v3'});
		await person.sees(person.say('editor.saved', {version: 'v3'}));
		await person.dialog().waitFor({state: 'detached'});
		await person.page.locator('tbody tr').nth(2).waitFor();
		assert.match(saved(id), /^3 .*300\.50.*Thank you/);
		assert.equal(sql(`SELECT run_as || ' ' || note FROM workflow_definition_versions WHERE definition_id = '${id}' AND version = 3`),
			`shop_steps ${person.say('version.put_back.note', {version: 'v1'})}`);
	});

	story('is told who has saved before putting back', {language, width, allow: [/status of 409/]}, async person => {
		const name = `Late ${language}`;
		const id = workflow(name, message(name, 'one'), message(name, 'two'));

		await person.signIn();
		await person.open(`/workflows/${id}`);
		await person.press('version.put_back.open');
		await person.dialog().getByText('two').first().waitFor();
		sql(`SELECT wf_save('${id}', NULL, $d$${message(name, 'three')}$d$, NULL, 2, 'Eid')`);
		await person.press('version.put_back.button', {version: 'v3'});
		await person.dialog().getByText('Eid').waitFor();
		await person.sees(person.say('error.changed'));
		assert.match(saved(id), /^3 .*three/);
	});
}

test('all that the page loads is at most 90 kB, compressed', () => {
	const web = new URL('../../web/', import.meta.url);
	const files = readdirSync(web, {recursive: true}).filter(name => /\.(js|css)$/.test(name));
	const size = gzipSync(Buffer.concat(files.map(name => readFileSync(new URL(name, web))))).length;

	assert.ok(files.length > 20);
	assert.ok(size <= 90 * 1024, `it is ${size} bytes`);
});
