// The lossless tree: patches, what differs, and putting changes on those of others.
// Needs no browser.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as json from '../../web/js/json.js';
import {changes, merge} from '../../web/js/compare.js';
import {compareLines} from '../../web/js/lines.js';

const text = tree => json.print(tree).replace(/\s+/g, '');
const of = (...steps) => json.parse(JSON.stringify({name: 'W', trigger_type: 't',
	steps: steps.map(([name, params]) => ({name, action: 'webhook', params: params ?? {}}))}));
const said = list => list.map(({kind, step, field}) => [kind, step, field].filter(one => one !== undefined).join(' '));

test('a patch changes one place and no spelling of another', () => {
	const tree = json.parse('{"b": 19.90, "a": [12345678901234567890, {"x": "y"}], "b": 1e2}');

	assert.equal(text(json.put(tree, ['a', 1, 'x'], json.make('z'))),
		'{"b":19.90,"a":[12345678901234567890,{"x":"z"}],"b":1e2}');
	assert.equal(json.at(tree, ['b']).text, '1e2');
	assert.equal(text(json.put(tree, ['c', 'd'], json.make(null))),
		'{"b":19.90,"a":[12345678901234567890,{"x":"y"}],"b":1e2,"c":{"d":null}}');
	assert.equal(text(json.remove(tree, ['b'])), '{"a":[12345678901234567890,{"x":"y"}]}');
	assert.equal(text(json.remove(tree, ['a', 1, 'x'], 2)), '{"b":19.90,"a":[12345678901234567890],"b":1e2}');
	assert.equal(text(json.move(tree, ['a'], 1, 0)), '{"b":19.90,"a":[{"x":"y"},12345678901234567890],"b":1e2}');
	assert.equal(text(json.rename(tree, ['a', 1], 'x', 'k')), '{"b":19.90,"a":[12345678901234567890,{"k":"y"}],"b":1e2}');
	assert.equal(json.remove(tree, ['none', 'at all']), tree);
});

test('paths are spelled as problems spell them, and found', () => {
	const tree = json.parse('{"steps": [{"params": {"odd key": {"a\\"b": 1}, "طلب": 2}}]}');

	assert.equal(json.spell(['steps', 0, 'params', 'odd key', 'a"b']), 'steps[0].params["odd key"]["a\\"b"]');
	for (const path of [['steps', 0, 'params', 'odd key', 'a"b'], ['steps', 0, 'params', 'طلب'], []])
		assert.deepEqual(json.locate(tree, json.spell(path)).path, path);
	assert.deepEqual(json.locate(tree, 'steps[0].params.none.deeper').path, ['steps', 0, 'params']);
	assert.deepEqual(json.locate(tree, 'steps[01]').path, ['steps']);
});

test('keys are in the order in which people read them, params as they are', () => {
	const tree = json.parse(`{"name": "n", "steps": [{"name": "s", "action": "a", "params": {"steps": 1, "name": 2},
		"condition": {"op": "eq", "field": "f", "value": 1}}], "x": 1, "trigger_type": "t"}`);

	assert.equal(text(json.canonical(tree)), '{"name":"n","trigger_type":"t","steps":[{"name":"s","action":"a",' +
		'"condition":{"field":"f","op":"eq","value":1},"params":{"steps":1,"name":2}}],"x":1}');
	assert.ok(json.same(tree, json.canonical(tree)));
});

test('what differs is said by step and field', () => {
	const base = of(['a', {x: 1, deep: {y: 1}}], ['b'], ['c']);

	assert.deepEqual(changes(base, base), []);
	assert.deepEqual(said(changes(base, of(['a', {x: 2, deep: {y: 1, z: 2}}], ['b'], ['c']))),
		['changed a params.x', 'changed a params.deep.z']);
	assert.deepEqual(said(changes(base, of(['c'], ['a', {x: 1, deep: {y: 1}}], ['b']))), ['moved c']);
	assert.deepEqual(said(changes(base, of(['a', {x: 1, deep: {y: 1}}], ['new'], ['c']))), ['changed new name']);
	assert.deepEqual(said(changes(base, of(['b'], ['c'], ['d'], ['e']))), ['removed a', 'added d', 'added e']);
	assert.deepEqual(said(changes(base, json.put(base, ['title'], json.make('T')))), ['changed  title']);
});

test('changes of two people are put together', () => {
	const base = of(['a', {x: 1, y: 1}], ['b'], ['c', {z: 1}]);
	const merged = (mine, theirs) => {
		const {tree, conflicts} = merge(base, mine, theirs);

		return [text(tree), said(conflicts.map(({change}) => change))];
	};

	assert.deepEqual(merged(of(['a', {x: 2, y: 1}], ['b'], ['c', {z: 1}]), of(['a', {x: 1, y: 2}], ['b'], ['c', {z: 1}])),
		[text(of(['a', {x: 2, y: 2}], ['b'], ['c', {z: 1}])), []]);
	assert.deepEqual(merged(of(['a', {x: 2, y: 1}], ['b'], ['c', {z: 1}]), of(['a', {x: 3, y: 1}], ['b'], ['c', {z: 1}]))[1],
		['changed a params.x']);
	// the same change by both is none
	assert.deepEqual(merged(of(['a', {x: 2, y: 1}], ['b'], ['c', {z: 1}]), of(['a', {x: 2, y: 1}], ['b'], ['c', {z: 1}]))[1], []);
	// a step of mine comes after its predecessor, wherever that is now
	assert.deepEqual(merged(of(['a', {x: 1, y: 1}], ['b'], ['m'], ['c', {z: 1}]), of(['b'], ['t'], ['a', {x: 1, y: 1}], ['c', {z: 1}])),
		[text(of(['b'], ['m'], ['t'], ['a', {x: 1, y: 1}], ['c', {z: 1}])), []]);
	// what I removed and they changed
	assert.deepEqual(merged(of(['a', {x: 1, y: 1}], ['b']), of(['a', {x: 1, y: 1}], ['b'], ['c', {z: 2}]))[1], ['removed c']);
	// what they removed and I changed comes back only if I say so
	const {tree, conflicts} = merge(base, of(['a', {x: 1, y: 1}], ['b'], ['c', {z: 2}]), of(['a', {x: 1, y: 1}], ['b']));

	assert.equal(text(tree), text(of(['a', {x: 1, y: 1}], ['b'])));
	assert.equal(conflicts[0].gone, true);
	assert.equal(text(conflicts[0].make(tree)), text(of(['a', {x: 1, y: 1}], ['b'], ['c', {z: 2}])));
});

test('lines are compared: the least that makes one of the other', () => {
	const said = (a, b) => compareLines(a, b).map(({sign, text}) => sign + text).join('|');

	assert.equal(said('a\nb\nc', 'a\nb\nc'), ' a| b| c');
	assert.equal(said('a\nb\nc', 'a\nx\nc'), ' a|-b|+x| c');
	assert.equal(said('a\nb\nc\nd', 'b\nc\ne\nd'), '-a| b| c|+e| d');
	assert.equal(said('', 'a'), '-|+a');
	assert.equal(said('a\na', 'a'), ' a|-a');
	// of very many nothing is searched, and nothing is lost
	const [many, more] = [1, 2].map(n => Array.from({length: 3000}, (none, i) => `${n} ${i}`).join('\n'));

	assert.equal(compareLines(many, more).length, 6000);
	for (let n = 0; n < 200; n++) {
		const draw = () => Array.from({length: n % 9}, (none, i) => 'abc'[(n * 7 + i * i + n % (i + 2)) % 3]);
		const [a, b] = [draw(), draw().reverse()];
		const lines = compareLines(a.join('\n'), b.join('\n'));

		assert.equal(lines.filter(one => one.sign !== '+').map(one => one.text).join('\n'), a.join('\n'));
		assert.equal(lines.filter(one => one.sign !== '-').map(one => one.text).join('\n'), b.join('\n'));
	}
});
