// What a person reads is in the catalogues, so that it is there in each language; and the
// rules of the style serve both directions.  Needs no browser.

import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {test} from 'node:test';

const web = new URL('../../web/', import.meta.url);
const read = name => readFileSync(new URL(name, web), 'utf8');
const sources = readdirSync(new URL('js/', web), {recursive: true}).filter(name => name.endsWith('.js')).map(name => `js/${name}`);

// After these a slash begins a pattern and is no division.
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};>]|\breturn)\s*$/;
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const QUOTED = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y;
const COMMENT = /\/\/[^\n]*|\/\*[^]*?\*\//y;
// In the place of an expression within a template.
const VALUE = '\u0001';

// The texts of a source: [{kind, text, line}]; kind is html, a template that makes elements,
// template or string.  Comments and patterns are left out.
function textsOf(source) {
	const found = [];
	const lineAt = at => source.slice(0, at).split('\n').length;
	let at = 0;

	const take = pattern => {
		pattern.lastIndex = at;

		const [whole] = pattern.exec(source) ?? [];

		at += whole?.length ?? 0;
		return whole;
	};

	// a template, whose first character is the next one
	function template(start) {
		const kind = source.slice(0, at).endsWith('html') ? 'html' : 'template';
		let text = '';

		at += 1;
		while (source[at] !== '`') {
			if (source[at] === '\\') {
				text += source.slice(at, at + 2);
				at += 2;
			} else if (source.startsWith('${', at)) {
				at += 2;
				code('}');
				text += VALUE;
			} else {
				text += source[at++];
			}
			assert.ok(at < source.length, `a template from line ${lineAt(start)} on has no end`);
		}
		at += 1;
		found.push({kind, text, line: lineAt(start)});
	}

	// code up to a bracket that closes, or the end
	function code(close) {
		let depth = 0;
		const start = at;

		while (at < source.length) {
			const begin = at;
			const character = source[at];

			if (take(COMMENT))
				continue;
			if (character === '/' && BEFORE_PATTERN.test(source.slice(Math.max(0, at - 20), at)) && take(PATTERN))
				continue;

			const quoted = take(QUOTED);

			if (quoted) {
				found.push({kind: 'string', text: quoted.slice(1, -1), line: lineAt(begin), before: source.slice(Math.max(0, begin - 30), begin)});
			} else if (character === '`') {
				template(at);
			} else {
				at += 1;
				if (character === close && depth === 0)
					return;
				depth += character === '{' ? 1 : character === '}' ? -1 : 0;
			}
		}
		assert.ok(!close, `the code from line ${lineAt(start)} on has no end`);
	}

	code();
	return found;
}

// Letters that make a word of a language; what stands in an element for code or keys is
// none.
const WORD = /\p{L}{2,}/u;
const SPOKEN = /^(?:aria-label|aria-description|aria-roledescription|aria-valuetext|title|placeholder|alt|label|data-label)$/;
// Examples of what is typed, the same in each language.
const EXAMPLES = ['30 seconds', '0 8 * * mon-fri', 'Order {{ trigger.order_id }}'];
// Names that are said in no language but their own.
const NAMES = ['workflow_engine', 'wf_console', 'PostgreSQL'];

// What of a template that makes elements is text for people.
function spokenIn(html) {
	const said = [];
	const texts = html.replace(/<(code|kbd)\b[^>]*>[^<]*<\/\1>/g, VALUE).replace(/<[/!]?[^<>]*>/g, tag => {
		for (const [, name, value] of tag.matchAll(/([\w-]+)="([^"]*)"/g)) {
			if (SPOKEN.test(name) && WORD.test(value.replaceAll(VALUE, '')) && !EXAMPLES.includes(value))
				said.push(`${name}="${value}"`);
		}
		return VALUE;
	});

	for (const text of texts.split(VALUE).map(one => one.replace(/^[\s·]+|\s+$/g, '')))
		if (WORD.test(text) && !NAMES.includes(text))
			said.push(text);
	return said;
}

// What of a text of code is a sentence: a capital letter and small ones, and another word;
// three words of small letters; Arabic; or any word that is told as a message.
function isSentence({text, before}) {
	return /^["“]?\p{Lu}\p{Ll}+[,:;]? \p{L}|^\p{Ll}+ \p{Ll}+ \p{Ll}+( \p{Ll}+)*[.:]?$/u.test(text) || /[\u0600-\u06ff]/.test(text.replace(/[\u0600-\u0603\u061c]/g, '')) ||
		(/(?:toast|alert|confirm)\($/.test(before ?? '') && WORD.test(text));
}

// Texts of code that are no words for people; each with why.
const NOT_SAID = {
	'js/i18n.js': ['العربية'],		// a language is called by its own name
	'js/editor/form.js': ['Order {{ trigger.order_id }}'],
};

test('the reader of sources knows words from code', () => {
	const texts = textsOf("const a = 1 / 2 / 3; // It is said\nf(/`'\"/.test(x), 'It is said', html`<p title=\"Said too\">${x ? html`<b>bold words</b>` : 'y'} after</p>`)");

	assert.deepEqual(texts.filter(one => one.kind === 'html').flatMap(one => spokenIn(one.text)), ['bold words', 'title="Said too"', 'after']);
	assert.deepEqual(texts.filter(one => one.kind === 'string' && isSentence(one)).map(one => one.text), ['It is said']);
	assert.deepEqual(spokenIn(`<p class="dim" dir="ltr">${VALUE} · ${VALUE}</p><code>SELECT 1</code>`), []);
});

test('no word for people stands in the sources but in the catalogues', () => {
	const found = [];
	let templates = 0;

	for (const name of sources) {
		for (const one of textsOf(read(name))) {
			if (NOT_SAID[name]?.includes(one.text))
				continue;
			templates += one.kind === 'html' ? 1 : 0;

			const said = one.kind === 'html' ? spokenIn(one.text) : isSentence(one) ? [one.text] : [];

			found.push(...said.map(text => `${name}:${one.line}: ${text.trim().slice(0, 80)}`));
		}
	}
	assert.ok(templates > 400, String(templates));
	assert.deepEqual(found, []);
});

test('each word that a source names is in the catalogues', async () => {
	const {default: en} = await import('../../web/i18n/en.js');
	const all = sources.map(read).join('\n');
	const named = [...all.replace(/^\s*\/\/.*$/gm, '').matchAll(/\bt\('([^']+)'[,)]/g)].map(([, key]) => key);

	assert.ok(named.length > 500, String(named.length));
	assert.deepEqual([...new Set(named)].filter(key => !(key in en)), []);
});

// --- The style

// What is wrong with a rule of the style: it names a side of the screen or its size, which
// the other direction has elsewhere.
function physical(css) {
	const wrong = [];

	for (const [line] of css.replace(/\/\*[^]*?\*\//g, comment => comment.replace(/[^\n]/g, ' ')).matchAll(/.+/g)) {
		const rules = line.replace(/@media[^{]*/, '');

		for (const [, name, value] of rules.matchAll(/(?<![-\w])([a-z-]+)\s*:\s*([^;{}]+)/g)) {
			const sides = value.trim().split(/\s+/);
			const differs = sides.length === 4 && sides[1] !== sides[3];
			const corners = name === 'border-radius' && new Set(sides).size > 1;

			if (/(?:^|-)(?:left|right|top|bottom)(?:$|-)/.test(name) || /^(?:(?:min|max)-)?(?:width|height)$/.test(name) || corners ||
				(/^(?:margin|padding|inset|border-width|border-color|border-style)$/.test(name) && differs) ||
				(/^(?:text-align|float|clear|caption-side|justify-[a-z]+)$/.test(name) && /^(?:left|right)$/.test(value.trim())))
				wrong.push(`${name}: ${value.trim()}`);
		}
	}
	return wrong;
}

test('the style names no side of the screen', () => {
	for (const rule of ['margin-left: 1px', 'padding-right: 0', 'border-top-left-radius: 2px', 'left: 0', 'text-align: right', 'float: left', 'width: 3rem', 'max-width: 5px',
		'padding: 1px 2px 3px 4px', 'border-radius: 0 6px 6px 0', 'top: 0', 'inset: 0 1px 0 2px'])
		assert.deepEqual(physical(`.a { ${rule}; }`), [rule]);
	for (const rule of ['margin-inline-start: 1px', 'padding: 1px 2px 3px 2px', 'border-radius: 6px', 'text-align: start', 'max-inline-size: 5px', 'inset-inline: 3rem auto', 'border-width: 2px'])
		assert.deepEqual(physical(`@media (max-width: 50rem) { .left { ${rule}; } }`), []);
	assert.deepEqual(physical(read('app.css')), []);
});
