// Completion in the editor: which values and filters are offered where, and that what it
// writes is a definition that PostgreSQL takes.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {parse, print} from '../../web/js/json.js';
import {OWN, caretIn, directionOf, pathsOf, suggest} from '../../web/js/editor/place.js';
import {filters} from '../../web/i18n/filters.js';
import {like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const docs = readFileSync(new URL('../../../docs/definitions.md', import.meta.url), 'utf8');
const section = (from, to) => docs.slice(docs.indexOf(from), docs.indexOf(to, docs.indexOf(from)));
const PATHS = [{path: 'trigger'}, {path: 'trigger.order_id'}, {path: 'trigger["odd key"]'}, {path: 'now'}];

// The text with the caret at ¦: what is offered there.
function offered(marked, kind = 'template') {
	const caret = marked.indexOf('¦');

	return suggest(marked.replace('¦', ''), caret, PATHS, kind)?.items.map(one => one.label) ?? null;
}

// What the text is after the first of them was taken, and where the caret is.
function taken(marked, kind = 'template') {
	const caret = marked.indexOf('¦');
	const text = marked.replace('¦', '');
	const {from, to, items: [one]} = suggest(text, caret, PATHS, kind);
	const now = text.slice(0, from) + one.text + text.slice(to);

	return now.slice(0, from + one.caret) + '¦' + now.slice(from + one.caret);
}

test('what is offered depends on where the caret is', () => {
	assert.deepEqual(offered('Order {{¦'), PATHS.map(one => one.path));
	assert.deepEqual(offered('Order {{ ord¦'), ['trigger.order_id']);
	assert.deepEqual(offered('{{ trigger.order_id }} and {{ no¦ }}'), ['now']);
	assert.deepEqual(offered('{{ trigger.order_id | up¦'), ['upper']);
	assert.deepEqual(offered('{{ trigger.order_id | upper | tr¦'), ['trim', 'truncate']);
	assert.deepEqual(offered('{{ trigger.order_id | minus: no¦'), ['now']);
	assert.deepEqual(offered('{{ trigger.order_id | slice: 0, no¦'), ['now']);
	assert.deepEqual(offered('trigger.or¦', 'path'), ['trigger.order_id']);
	for (const nothing of ['¦', 'trigger.or¦', '\\{{ ¦', '{{ now }} ¦', '{{ now ¦', '{{ trigger.order_id¦ }}', '{{ trigger.nothing¦',
		'{{ trigger.a | default: "no¦', '{{ trigger["odd¦', '{{ trigger.a | default: "}} {{ no¦" }}'])
		assert.equal(offered(nothing), null, nothing);
});

test('what is taken is written whole, and the caret stands where typing goes on', () => {
	assert.equal(taken('Order {{¦'), 'Order {{ trigger }}¦');
	assert.equal(taken('Order {{ ord¦ is paid'), 'Order {{ trigger.order_id }}¦ is paid');
	assert.equal(taken('{{ ord¦er_nr }}!'), '{{ trigger.order_id¦ }}!');
	assert.equal(taken('{{ trigger.order_id |¦ }}'), '{{ trigger.order_id | default: "¦" }}');
	assert.equal(taken('{{ now | lo¦'), '{{ now | lower }}¦');
	assert.equal(taken('trigger.or¦', 'path'), 'trigger.order_id¦');
	assert.equal(taken('{"a": "{{ odd¦"}', 'json'), '{"a": "{{ trigger[\\"odd key\\"] }}¦"}');
	assert.equal(taken('{"a": "{{ now | def¦"}', 'json'), '{"a": "{{ now | default: \\"¦\\" }}"}');
	assert.equal(taken('{"a": "{{ now | default: \\"x\\" | tri¦ }}"}', 'json'), '{"a": "{{ now | default: \\"x\\" | trim¦ }}"}');
});

test('in JSON that is not whole the place of the caret is known', () => {
	const caret = marked => caretIn(marked.replace('¦', ''), marked.indexOf('¦'));

	assert.deepEqual(caret('{"steps": [{"name": "a"}, {"params": {"to": ["x", "{{ ¦')?.path, ['steps', 1, 'params', 'to', 1]);
	assert.deepEqual(caret('{"a\\"b": "x, [ {¦ }"}'), {path: ['a"b'], from: 10});
	assert.deepEqual(caret('{"a": "x\\\\", "b": "¦"}')?.path, ['b']);
	assert.deepEqual(caret('{"a": {"b": 1}, "c": [[1, 2], "¦'), {path: ['c', 1], from: 31});
	for (const nothing of ['{"a¦": 1}', '{"a": ¦"x"}', '{"a": "x"¦}', '{"a": 1¦'])
		assert.equal(caret(nothing), null, nothing);
	assert.equal(offered('{"{{ ¦": 1}', 'json'), null);
	assert.equal(offered('{"a": "{{ x }}" ¦', 'json'), null);
});

test('a text has the direction of what stands outside of its templates', () => {
	assert.equal(directionOf('{{ trigger.name }}، شكرًا'), 'rtl');
	assert.equal(directionOf('12. {{ trigger.name | default: "x" }} طلب order'), 'rtl');
	assert.equal(directionOf('{{ trigger["اسم"] }} is paid'), 'ltr');
	assert.equal(directionOf('{{ trigger.name }}'), 'ltr');
	assert.equal(directionOf('شكرًا {{ trig'), 'rtl');
	assert.equal(directionOf('12'), 'ltr');
	assert.equal(directionOf(''), 'auto');
});

test('the filters and the names are those of docs/definitions.md', () => {
	const rows = section('### Filters', '## Lists in a mail').split('\n').filter(line => /^\| `/.test(line)).map(line => line.split('|')[1]);
	const names = [...new Set(rows.flatMap(cell => Array.from(cell.matchAll(/`(\w+)(?::[^`]*)?`/g), ([, name]) => name)))];
	const own = Array.from(section('## What a step sees', '\n## ').matchAll(/`((?:run|workflow|tenant)\.\w+|now)`/g), ([, name]) => name);

	assert.ok(names.length > 30);
	assert.deepEqual(Object.keys(filters).sort(), names.sort());
	assert.deepEqual([...OWN].sort(), [...new Set(own)].sort());
	for (const [name, {en, ar}] of Object.entries(filters))
		assert.ok(en && /[\u0600-\u06ff]/.test(ar), name);
});

// Every path of a payload with odd names, and every filter, as PostgreSQL checks them.
test('what is offered is valid', () => {
	const payload = parse(`{"order_id": 1, "odd key": {"اسم": "x", "2nd": true, "with\\"quote": null, "a-b_c": [{"sku": "S"}]}, "": 1, "{{": 2, "é": 3}`);
	const paths = pathsOf(payload, [{name: 'look-up', tree: parse('{"body": {"id": 5}}')}]).map(one => one.path);
	const texts = [...paths.map(path => `{{ ${path} }}`), ...Object.entries(filters).map(([name, one]) =>
		`{{ trigger.x | ${name}${one.arguments.replace(/: ¦$/, ': 5').replace('"¦"', '"x"').replace('¦', '')} }}`)];
	const definition = {name: 'Offered', trigger_type: 'x', steps: [{name: 'look-up', action: 'webhook', params: {url: 'https://example.com/'}},
		{name: 'use', action: 'webhook', params: {url: 'https://example.com/', body: {texts}}}]};
	const problems = sql(`SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') FROM wf_validate($d$${JSON.stringify(definition)}$d$) v WHERE v.code <> 'unknown_connection'`);

	assert.ok(paths.includes('trigger["odd key"]["with\\"quote"]') && paths.includes('trigger["odd key"].a-b_c[0].sku'), paths.join('\n'));
	assert.ok(paths.includes('steps.look-up.output.body.id') && paths.includes('steps.look-up.error'));
	assert.deepEqual(JSON.parse(problems), []);
});

const DEFINITION = name => print(parse(`{"name": "${name}", "trigger_type": "new_order", "steps": [
	{"name": "thank", "action": "webhook", "params": {"connection": "shop", "path": "/messages"}},
	{"name": "tell", "action": "webhook", "condition": {"field": "trigger.total", "op": "gt", "value": 3},
		"params": {"connection": "shop", "path": "/x", "body": {"text": "Hello"}}}]}`));

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('values and filters are offered while somebody types, by keyboard alone', {language, width, theme}, async person => {
		const name = `Offer ${language}`;
		const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', $d$${DEFINITION(name)}$d$, 'shop_steps', NULL, NULL)`);
		const {page} = person;
		const {keyboard} = page;
		const list = page.getByRole('listbox', {name: person.say('complete')});

		await person.signIn();
		await person.open(`/workflows/${id}/edit`);
		await person.sees(person.say('editor.valid'));
		await page.locator('[id="f-steps[1]"]').click();

		const field = page.locator('[id="f-steps[1].params.path"]');

		await field.focus();
		await keyboard.press('End');
		await keyboard.type('/{{ ');
		await list.waitFor();
		assert.equal(await field.getAttribute('role'), 'combobox');
		assert.equal(await field.getAttribute('aria-expanded'), 'true');
		// the value that it has, and what it is
		await keyboard.type('order');
		await list.getByRole('option', {name: /trigger\.order_id.*12\d\d\d/}).waitFor();
		assert.match(await list.getByRole('option').first().textContent(), new RegExp(person.say('editor.kind.number')));
		assert.equal(await field.getAttribute('aria-activedescendant'), await list.getByRole('option', {selected: true}).getAttribute('id'));
		await person.accessible('the list of values');
		await person.fits('the list of values');
		await keyboard.press('Enter');
		await list.waitFor({state: 'detached'});
		assert.equal(await field.inputValue(), '/x/{{ trigger.order_id }}');
		await keyboard.type('/{{ trigger.customer.name |');
		await list.getByRole('option', {name: like(person.language === 'ar' ? filters.urlencode.ar : filters.urlencode.en)}).waitFor();
		await keyboard.press('ArrowUp');
		await keyboard.press('ArrowDown');
		assert.match(await list.getByRole('option', {selected: true}).textContent(), /default/);
		await keyboard.type('url');
		await keyboard.press('Tab');
		assert.equal(await field.inputValue(), '/x/{{ trigger.order_id }}/{{ trigger.customer.name | urlencode }}');
		// Escape closes it, and Tab goes on to the next field then
		await keyboard.type('{{');
		await list.waitFor();
		await keyboard.press('Escape');
		await list.waitFor({state: 'detached'});
		await keyboard.press('Backspace');
		await keyboard.press('Backspace');
		await keyboard.press('Tab');
		assert.notEqual(await page.evaluate(() => document.activeElement.id), 'f-steps[1].params.path');
		// a text of several lines, outputs of the step before, none of this one or later
		const text = page.locator('[id="f-steps[1].params.body.text"]');

		await text.fill('Hi {{ steps.');
		await list.getByRole('option').first().waitFor();
		assert.deepEqual(new Set((await list.getByRole('option').allTextContents()).map(one => one.trim().split('.')[1])), new Set(['thank']));
		assert.equal(await text.getAttribute('aria-activedescendant'), await list.getByRole('option').first().getAttribute('id'));
		await person.accessible('the list of a text');
		await list.getByRole('option', {name: /steps\.thank\.status/}).click();
		assert.equal(await text.inputValue(), 'Hi {{ steps.thank.status }}');
		// a condition names a path
		await page.locator('[id="f-steps[1].condition.field"]').fill('customer.ph');
		await list.getByRole('option').first().waitFor();
		await keyboard.press('Enter');
		assert.equal(await page.locator('[id="f-steps[1].condition.field"]').inputValue(), 'trigger.customer.phone');
		await person.sees(person.say('editor.valid'));

		// and in the JSON
		await person.press('editor.json');

		const code = page.locator('#code');
		const at = (await code.inputValue()).indexOf('Hi {{') + 3;

		await code.evaluate((element, place) => {
			element.focus();
			element.setSelectionRange(place, place);
		}, at);
		await keyboard.type('{{ lines');
		await list.getByRole('option').first().waitFor();
		await person.accessible('the list in JSON');
		await person.fits('the list in JSON');
		await keyboard.press('Enter');
		await list.waitFor({state: 'detached'});
		assert.match(await code.inputValue(), /"Hi \{\{ trigger\.lines \}\}\{\{ steps\.thank\.status \}\}"/);
		await person.sees(person.say('editor.valid'));
	});
}
