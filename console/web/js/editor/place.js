// Where in a template the caret stands, and what can stand there.  Pure.

import {spell} from '../json.js';
import {filters} from '../../i18n/filters.js';

const MOST = 50;

// Of the text before the caret, the template that has not ended: {kind, from}, where
// its word begins, or null.
function templateIn(before) {
	let at = -1;

	for (;;) {
		at = before.indexOf('{{', at + 1);
		if (at < 0)
			return null;
		if (before[at - 1] === '\\')
			continue;

		const found = partIn(before, at + 2);

		if (found.end === undefined)
			return found;
		at = found.end;
	}
}

// The part of the template from there on that the caret is in; {end}: the template ends
// before the caret.  In a text or an index is nothing to complete: kind is null.
function partIn(before, start) {
	let kind = 'path';
	let from = start;
	let quote = null;

	for (let i = start; i < before.length; i++) {
		const one = before[i];

		if (quote)
			quote = one === quote && before[i - 1] !== '\\' ? null : quote;
		else if (one === '"' || one === "'")
			quote = one;
		else if (before.startsWith('}}', i))
			return {end: i};
		else if (one === '|' || one === ':' || one === ',') {
			kind = one === '|' ? 'filter' : 'path';
			from = i + 1;
		}
	}
	from += before.slice(from).match(/^\s*/)[0].length;
	return {kind: quote || /\s/.test(before.slice(from)) ? null : kind, from};
}

// What matches the word, what begins with it first; nothing, if it is already there.
function matching(all, word) {
	const small = word.toLowerCase();
	const found = all.filter(one => one.label.toLowerCase().includes(small));
	const begins = found.filter(one => one.label.toLowerCase().startsWith(small));

	if (found.some(one => one.label === word) && begins.length === 1)
		return [];
	return [...begins, ...found.filter(one => !begins.includes(one))].slice(0, MOST);
}

// What can be put in at the caret: {from, to, items}, or null.  An item is {label, text,
// caret}: text stands for what is between from and to, the caret after so many of its
// characters.  kind: 'template' (paths and filters after "{{"), 'path' (the text is a
// path), or 'json' (a template in a text of JSON, whose characters are escaped).
export function suggest(text, caret, paths, kind) {
	const begin = kind === 'json' ? caretIn(text, caret)?.from : 0;

	if (begin === undefined || begin === null)
		return null;

	const before = text.slice(begin, caret);
	const part = kind === 'path' ? {kind: 'path', from: 0}
		: templateIn(kind === 'json' ? before.replace(/\\(["\\])/g, '\u0001$1') : before);

	if (!part?.kind)
		return null;

	const from = begin + part.from;
	const rest = text.slice(caret);
	const closed = (kind === 'json' ? /^(?:[^"\\{]|\\.)*?\}\}/ : /^[^{]*?\}\}/).test(rest);
	const to = kind === 'path' ? text.length : caret + (closed ? rest.match(/^[\w.[\]-]*/)[0].length : 0);
	const all = part.kind === 'path' ? paths.map(one => ({...one, label: one.path, put: one.path}))
		: Object.entries(filters).map(([label, one]) => ({label, put: label + one.arguments, filter: one}));
	const written = kind === 'json' ? one => JSON.stringify(one).slice(1, -1) : one => one;
	const items = matching(all, text.slice(from, caret)).map(one => {
		const [head, tail = ''] = one.put.split('¦').map(written);
		const start = kind !== 'path' && /[{|]/.test(text[from - 1]) ? ' ' : '';
		const end = kind === 'path' || closed ? '' : ' }}';

		return {...one, text: start + head + tail + end, caret: start.length + head.length + (one.put.includes('¦') ? 0 : end.length)};
	});

	return items.length ? {from, to, items} : null;
}

// Where in a JSON that may not be whole the caret stands, if that is in a text: {path,
// from}, where the text begins; else null.
export function caretIn(text, caret) {
	const stack = [];
	const before = text.slice(0, caret);

	for (const {0: token, 1: whole, 2: open, index} of before.matchAll(/("(?:[^"\\\n]|\\.)*")|("(?:[^"\\\n]|\\.)*\\?$)|[{}[\],:]/g)) {
		const top = stack.at(-1);

		if (token === '{' || token === '[')
			stack.push(token === '{' ? {part: '', named: false} : {part: 0, list: true});
		else if (token === '}' || token === ']')
			stack.pop();
		else if (token === ',' && top)
			Object.assign(top, top.list ? {part: top.part + 1} : {named: false});
		else if (token === ':' && top)
			top.named = true;
		else if (open)
			return !top || top.list || top.named ? {path: stack.map(one => one.part), from: index + 1} : null;
		else if (whole && top && !top.list && !top.named)
			top.part = JSON.parse(token);
	}
	return null;
}

// --- The paths that a step can name, each with its value on the sample.

const MOST_PATHS = 300;

function* pathsIn(node, path, depth) {
	const children = node.kind === 'object' ? node.members.map(({key, node: one}) => [key, one])
		: node.kind === 'array' ? node.items.slice(0, 1).map((one, i) => [i, one]) : [];

	yield {path: spell(path), node};
	if (depth < 6) {
		for (const [part, one] of children)
			yield* pathsIn(one, [...path, part], depth + 1);
	}
}

// What the engine itself tells a step; each has a line of help, context.NAME.
export const OWN = ['run.id', 'run.queued_at', 'run.attempt', 'workflow.id', 'workflow.name', 'workflow.version', 'tenant.id', 'now'];

// sample: the tree of the payload; outputs: of earlier steps, [{name, tree}], in order.
export function pathsOf(sample, outputs) {
	const all = sample ? [...pathsIn(sample, ['trigger'], 0)] : [{path: 'trigger'}];
	const steps = outputs.flatMap(({name, tree}) => [{path: spell(['steps', name, 'status']), help: 'context.status'},
		...tree ? [...pathsIn(tree, ['steps', name, 'output'], 1)].slice(0, MOST_PATHS) : [{path: spell(['steps', name, 'output']), help: 'context.output'}],
		{path: spell(['steps', name, 'error']), help: 'context.error'}]);

	return [...all.slice(0, MOST_PATHS), ...steps, ...OWN.map(path => ({path, help: 'context.' + path}))];
}

// The paths by which a run may be found: what is a text or a number in the event.
export function eventPaths(sample) {
	return sample ? [...pathsIn(sample, ['trigger'], 0)].filter(({node}) => ['string', 'number'].includes(node.kind)).slice(0, MOST_PATHS) : [];
}

// --- Direction

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

// The direction of a text is that of what stands outside of its templates; of templates
// alone it is theirs.
export function directionOf(text) {
	const [letter] = text.replace(/\{\{.*?(?:\}\}|$)/gs, '').match(/\p{L}/u) ?? [];

	return letter === undefined ? (text === '' ? 'auto' : 'ltr') : RIGHT_TO_LEFT.test(letter) ? 'rtl' : 'ltr';
}
