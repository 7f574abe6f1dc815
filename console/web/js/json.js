// JSON without loss: JSON.parse makes 19.9 of 19.90 and rounds long numbers, so
// values travel as text and are read here into a tree that keeps how each number
// was written and where each node stands in the text.
//
// A node is {kind, start, end} and, by its kind: object {members: [{key, node}]},
// array {items}, string {value}, number {text}, boolean {value}, null.  In a tree that is
// edited may also stand what somebody has typed and is no JSON yet, so that it goes where
// its place goes: broken {text, line, was}; was is the kind of what stood there before.

const DEPTH = 200;

// code: of the words in the catalogues, json.CODE; word: the sign that they name, if any.
export class JsonError extends Error {
	constructor(code, position, word) {
		super(`${code} ${word ?? ''}`);
		Object.assign(this, {code, position, word});
	}
}

const LITERALS = {
	true: {kind: 'boolean', value: true},
	false: {kind: 'boolean', value: false},
	null: {kind: 'null'},
};
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const WORD = /true|false|null/y;

class Reader {
	constructor(text) {
		this.text = text;
		this.at = 0;
	}

	fail(code, word) {
		throw new JsonError(code, this.at, word);
	}

	// What the pattern matches here, or undefined.
	take(pattern) {
		pattern.lastIndex = this.at;

		const found = pattern.exec(this.text)?.[0];

		this.at += found?.length ?? 0;
		return found;
	}

	// The next character after space.
	next() {
		this.take(SPACE);
		return this.text[this.at];
	}

	expect(character) {
		if (this.next() !== character)
			this.fail('expected', character);
		this.at += 1;
	}

	value(depth) {
		const character = this.next();
		const start = this.at;

		if (depth > DEPTH)
			this.fail('too_deep');

		const node = character === '{' ? this.object(depth)
			: character === '[' ? this.array(depth) : this.scalar(character);

		return {...node, start, end: this.at};
	}

	scalar(character) {
		if (character === '"')
			return {kind: 'string', value: this.string()};

		const word = this.take(WORD);

		if (word)
			return LITERALS[word];

		const text = this.take(NUMBER);

		if (!text)
			this.fail('value');
		return {kind: 'number', text};
	}

	string() {
		const text = this.take(STRING);

		if (text === undefined)
			this.fail('text');
		return JSON.parse(text);
	}

	// What stands between the brackets, by commas.
	list(close, one) {
		const all = [];

		this.at += 1;
		if (this.next() !== close) {
			do
				all.push(one());
			while (this.next() === ',' && ++this.at);
		}
		this.expect(close);
		return all;
	}

	object(depth) {
		return {kind: 'object', members: this.list('}', () => {
			if (this.next() !== '"')
				this.fail('name');

			const key = this.string();

			this.expect(':');
			return {key, node: this.value(depth + 1)};
		})};
	}

	array(depth) {
		return {kind: 'array', items: this.list(']', () => this.value(depth + 1))};
	}
}

// The tree of a text.  Raises JsonError.
export function parse(text) {
	const reader = new Reader(text);
	const node = reader.value(0);

	if (reader.next() !== undefined)
		reader.fail('end');
	return node;
}

// The text of a tree, with two blanks of indent a level; numbers as they were.
export function print(node, indent = '') {
	const deeper = indent + '  ';
	const lines = (open, parts, close) => parts.length
		? `${open}\n${parts.map(part => deeper + part).join(',\n')}\n${indent}${close}`
		: open + close;

	switch (node.kind) {
		case 'object':
			return lines('{', node.members.map(({key, node: value}) =>
				`${JSON.stringify(key)}: ${print(value, deeper)}`), '}');
		case 'array':
			return lines('[', node.items.map(item => print(item, deeper)), ']');
		case 'number':
		case 'broken':
			return node.text;
		case 'null':
			return 'null';
		default:
			return JSON.stringify(node.value);
	}
}

// --- Patches.  A tree is never changed: each of these returns one with the change,
// which shares all else.  A path is an array of names and numbers.

// A node of a value of JavaScript; of a number take {kind: 'number', text}.
export function make(value) {
	if (value === null)
		return {kind: 'null'};
	if (Array.isArray(value))
		return {kind: 'array', items: value.map(make)};
	if (typeof value === 'object')
		return value.kind ? value : {kind: 'object', members: Object.entries(value).map(([key, one]) => ({key, node: make(one)}))};
	return {kind: typeof value, value, text: String(value)};
}

// What a part of a path names, or undefined; of a name that is there twice the
// last, as PostgreSQL takes it.
export function child(node, part) {
	if (node?.kind === 'object')
		return node.members.findLast(({key}) => key === part)?.node;
	return node?.kind === 'array' ? node.items[part] : undefined;
}

export function at(node, path) {
	return path.reduce(child, node);
}

// The text of the string there, or ''.
export function textAt(node, path) {
	const found = at(node, path);

	return found?.kind === 'string' ? found.value : '';
}

function withChild(node, part, value) {
	if (typeof part === 'number') {
		const items = node?.kind === 'array' ? [...node.items] : [];

		items[part] = value;
		return {kind: 'array', items};
	}

	const members = node?.kind === 'object' ? node.members : [];
	const index = members.findLastIndex(({key}) => key === part);

	return {kind: 'object', members: index < 0 ? [...members, {key: part, node: value}]
		: members.map((one, i) => i === index ? {key: part, node: value} : one)};
}

export function put(node, [part, ...rest], value) {
	return part === undefined ? value : withChild(node, part, put(child(node, part), rest, value));
}

// Takes it away, and objects around it that it leaves empty below keep.
export function remove(node, path, keep = path.length) {
	const parent = path.slice(0, -1);
	const last = path.at(-1);
	const old = at(node, parent);

	if (!child(old, last))
		return node;

	const left = old.kind === 'array' ? {kind: 'array', items: old.items.filter((item, i) => i !== last)}
		: {kind: 'object', members: old.members.filter(({key}) => key !== last)};

	if (parent.length >= keep && (left.items ?? left.members).length === 0)
		return remove(node, parent, keep);
	return put(node, parent, left);
}

export function insert(node, path, index, value) {
	const items = [...at(node, path)?.items ?? []];

	items.splice(index, 0, value);
	return put(node, path, {kind: 'array', items});
}

export function move(node, path, from, to) {
	const items = [...at(node, path).items];

	items.splice(to, 0, ...items.splice(from, 1));
	return put(node, path, {kind: 'array', items});
}

// Another name for a member, in its place.
export function rename(node, path, old, key) {
	return put(node, path, {kind: 'object', members: at(node, path).members.map(one =>
		one.key === old ? {key, node: one.node} : one)});
}

// --- Reading

// Whether two nodes are the same JSON, whatever the order of names.
export function same(a, b) {
	if (a?.kind !== b?.kind)
		return false;
	switch (a?.kind) {
		case 'object':
			return a.members.length === b.members.length &&
				a.members.every(({key, node}) => same(node, child(b, key)));
		case 'array':
			return a.items.length === b.items.length && a.items.every((item, i) => same(item, b.items[i]));
		case 'number':
		case 'broken':
			return a.text === b.text;
		default:
			return a?.value === b?.value;
	}
}

// A path as PostgreSQL's problems spell it: steps[1].params.phone
export function spell(path) {
	return path.reduce((text, part) => typeof part === 'number' ? `${text}[${part}]`
		: /^[A-Za-z0-9_$\u0080-\u{10ffff}-]+$/u.test(part) ? text + (text && '.') + part
			: `${text}["${part.replace(/["\\]/g, '\\$&')}"]`, '');
}

// The node that a spelled path, or the longest beginning of it, names, and its path.
export function locate(node, spelled) {
	const path = [];

	for (;;) {
		const parts = node.members?.map(({key}) => key) ?? node.items?.map((item, i) => i) ?? [];
		const next = parts.find(part => {
			const text = spell([...path, part]);

			return spelled === text || (spelled.startsWith(text) && /^[.[]/.test(spelled.slice(text.length)));
		});

		if (next === undefined)
			return {node, path};
		path.push(next);
		node = child(node, next);
	}
}

export function lineOf(text, position) {
	return text.slice(0, position).split('\n').length;
}

// The node of a text that somebody types in the place of another one.
export function typedNode(text, old) {
	try {
		return parse(text);
	} catch (error) {
		if (!(error instanceof JsonError))
			throw error;
		return {kind: 'broken', text, line: lineOf(text, error.position), was: old?.was ?? old?.kind};
	}
}

// The path of the first place that is broken, or null.
export function brokenPath(node, path = []) {
	if (node.kind === 'broken')
		return path;

	const children = node.members?.map(({key, node: one}) => [key, one]) ?? node.items?.map((one, i) => [i, one]) ?? [];

	for (const [part, one] of children) {
		const found = brokenPath(one, [...path, part]);

		if (found)
			return found;
	}
	return null;
}

// The line at which a text stops being the JSON of an object; null: it is one.
export function brokenAt(text) {
	try {
		return parse(text).kind === 'object' ? null : 1;
	} catch (error) {
		if (!(error instanceof JsonError))
			throw error;
		return lineOf(text, error.position);
	}
}

// --- Order

const ORDER = ['name', 'trigger_type', 'description', 'title', 'search', 'schedule', 'action', 'condition',
	'params', 'on_error', 'timeout', 'retry', 'steps'];
const CONDITION = ['field', 'op', 'value', 'value_field', 'ignore_case'];

function ordered(members, order) {
	const place = ({key}) => (order.indexOf(key) + 1) || order.length + 1;

	return [...members].sort((a, b) => place(a) - place(b));
}

// A definition with its keys in the order in which people read them; jsonb has lost
// that of the author.  What users name (params) stays as it is.
export function canonical(node) {
	if (node.kind === 'array')
		return {kind: 'array', items: node.items.map(canonical)};
	if (node.kind !== 'object')
		return node;
	if (child(node, 'field'))
		return {kind: 'object', members: ordered(node.members, CONDITION)};
	return {kind: 'object', members: ordered(node.members, ORDER).map(({key, node: one}) =>
		({key, node: key === 'params' ? one : canonical(one)}))};
}
