// The controls of the form.  Each shows one place of the tree, by its path, and patches
// that place.  What a control cannot show is shown as JSON.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {at, child, insert, make, put, remove, rename, spell, typedNode} from '../json.js';
import {Text, HIDDEN, typedJson} from '../ui/value.js';
import {brief} from '../page/condition.js';
import {problemsAt} from './checks.js';
import {useCompletion} from './complete.js';
import {shown} from './model.js';
import {directionOf} from './place.js';
import {ProblemText} from './problems.js';

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;

export function idOf(path) {
	return 'f-' + spell(path);
}

export function numberOrText(text) {
	return NUMBER.test(text) ? {kind: 'number', text} : make(text);
}

export function textOf(node) {
	return node?.kind === 'string' ? node.value : node?.kind === 'number' ? node.text : node ? brief(node) : '';
}

// A control with its label, help, problems, and the value that its templates have on
// the sample.  children is a function of what ties a control to them.
export function Field({editor, path, label, help, required, deep, children}) {
	const id = idOf(path);
	const found = problemsAt(editor.problems, path, deep);
	const node = at(editor.tree, path);
	const sample = editor.sampleOf(path);

	return html`<div class="field">
		<label for=${id}>${label}${required && html` <span class="required" aria-hidden="true">*</span><span class="hidden"> (${t('editor.required')})</span>`}</label>
		${children({id, 'aria-describedby': `${id}-help`, 'aria-invalid': found.some(one => one.severity === 'error') ? 'true' : null})}
		<div id=${`${id}-help`}>
			${found.map(problem => html`<${ProblemText} editor=${editor} problem=${problem}/>`)}
			${node?.kind === 'string' && HIDDEN.test(node.value) && html`<p class="note"><${Text} text=${node.value}/></p>`}
			${sample && html`<p class="dim field-sample" dir="auto">= <${Text} text=${textOf(sample).slice(0, 300)}/></p>`}
			${help && html`<p class="dim field-help">${help}</p>`}
		</div>
	</div>`;
}

// A list of paths that can be put into a text, which a button opens.
function Paths({editor, path, onChoose, onClose}) {
	const [filter, set] = useState('');
	const all = editor.pathsFor(path).filter(one => one.path.toLowerCase().includes(filter.toLowerCase()));
	const input = useRef(null);

	useEffect(() => input.current.focus(), []);
	return html`<div class="paths" role="group" aria-label=${t('editor.insert')} onKeyDown=${event => {
		if (event.key === 'Escape') {
			event.preventDefault();
			event.stopPropagation();
			onClose();
		}
	}}>
		<input ref=${input} type="search" dir="ltr" aria-label=${t('editor.insert.filter')} placeholder=${t('editor.insert.filter')} value=${filter} onInput=${event => set(event.target.value)}/>
		<ul>${all.slice(0, 60).map(one => html`<li><button type="button" onClick=${() => onChoose(one.path)}><span dir="ltr">${one.path}</span>
			${one.node && html` <span class="dim"><${Text} text=${textOf(one.node).slice(0, 60)}/></span>`}</button></li>`)}</ul>
		${all.length === 0 && html`<p class="dim">${t('editor.insert.none')}</p>`}
	</div>`;
}

// A line or several of text.  An empty one takes the place away, and objects around it
// below keep; unless it stays.  plain: what is inserted is a path and no template.
export function TextControl({editor, path, keep, stays, multiline, plain, list, ltr, numeric, placeholder, insertable = true, rows = 3, ...rest}) {
	const element = useRef(null);
	const [open, setOpen] = useState(false);
	const value = textOf(at(editor.tree, path));

	function change(text) {
		editor.edit(tree => text === '' && !stays ? remove(tree, path, keep)
			: put(tree, path, numeric ? numberOrText(text) : make(text)), spell(path));
	}

	function choose(chosen) {
		const {selectionStart: from, selectionEnd: to} = element.current;
		const text = plain ? chosen : `{{ ${chosen} }}`;

		change(plain ? text : value.slice(0, from) + text + value.slice(to));
		setOpen(false);
		setTimeout(() => {
			element.current?.focus();
			element.current?.setSelectionRange(from + text.length, from + text.length);
		});
	}

	const completes = insertable && !list;
	const completion = useCompletion({element, kind: plain ? 'path' : 'template', paths: () => editor.pathsFor(path), change, multiline});
	const same = {...rest, ...completes && completion.ties, ref: element, value, placeholder, dir: ltr ? 'ltr' : directionOf(value),
		spellcheck: false, autocomplete: 'off', onInput: event => {
			change(event.target.value);
			if (completes)
				completion.look();
		}};

	return html`<div class="with-insert">
		${multiline ? html`<textarea rows=${Math.min(12, Math.max(rows, value.split('\n').length + rows - 2))} ...${same}></textarea>`
			: html`<input list=${list} inputmode=${numeric ? 'decimal' : null} ...${same}/>`}
		${completion.popup}
		${insertable && html`<button type="button" class="insert" aria-expanded=${String(open)} title=${t('editor.insert')} onClick=${() => setOpen(!open)}>⊕<span class="hidden"> ${t('editor.insert')}</span></button>`}
	</div>
	${open && html`<${Paths} editor=${editor} path=${path} onChoose=${choose} onClose=${() => { setOpen(false); element.current?.focus(); }}/>`}`;
}

export function ChoiceControl({editor, path, keep, options, none, ...rest}) {
	const node = at(editor.tree, path);
	const value = node ? textOf(node) : '';

	return html`<select ...${rest} value=${value} onChange=${event => editor.edit(tree => event.target.value === '' ? remove(tree, path, keep)
			: put(tree, path, options.find(([name]) => name === event.target.value)[2] ?? make(event.target.value)))}>
		<option value="">${none}</option>
		${options.map(([name, text]) => html`<option value=${name}>${text}</option>`)}
		${node && !options.some(([name]) => name === value) && html`<option value=${value}>${value}</option>`}
	</select>`;
}

// A place as JSON.  What does not parse yet stands in the tree as it was typed: so it is
// still there when the step was folded, moved, or seen as JSON.
export function JsonControl({editor, path, keep, ...rest}) {
	const node = at(editor.tree, path);
	const [typed, set] = useState(null);
	const broken = node?.kind === 'broken';
	// what was typed is shown as long as it is what the tree has
	const text = typed && typed.node === node ? typed.text : node ? broken ? node.text : shown(node) : '';

	function change(value) {
		const next = value.trim() === '' ? undefined : typedNode(value, node);

		set({text: value, node: next});
		editor.edit(old => next ? put(old, path, next) : remove(old, path, keep), spell(path));
	}

	return html`<textarea ...${rest} class="json" dir="ltr" spellcheck=${false} rows=${Math.min(10, text.split('\n').length + 1)} value=${text}
			aria-invalid=${broken ? 'true' : rest['aria-invalid']} onInput=${event => change(typedJson(event.target))} onBlur=${() => broken || set(null)}></textarea>
		${broken && html`<p class="field-problem">${t('editor.json_broken', {line: node.line})}</p>`}`;
}

const KINDS = {string: () => make(''), number: () => ({kind: 'number', text: '0'}), boolean: () => make(true), null: () => make(null), json: () => make({})};

// A value whose type the person chooses: text, number, yes or no, nothing, JSON.
export function ValueControl({editor, path, label, plain, list}) {
	const node = at(editor.tree, path);
	const is = ['object', 'array', 'broken'].includes(node?.kind) ? 'json' : node?.kind ?? 'string';
	const [chosen, choose] = useState(is);
	const kind = chosen === 'number' && is === 'string' ? 'number' : is;
	const id = idOf(path);

	function become(name) {
		const text = textOf(node);

		choose(name);
		editor.edit(tree => put(tree, path, name === 'string' ? make(text) : name === 'number' && NUMBER.test(text) ? {kind: 'number', text}
			: KINDS[name]()));
	}

	return html`<span class="value-control">
		${kind === 'json' ? html`<${JsonControl} editor=${editor} path=${path} id=${id} aria-label=${label}/>`
			: kind === 'boolean' ? html`<select id=${id} aria-label=${label} value=${String(node.value)} onChange=${event => editor.edit(tree => put(tree, path, make(event.target.value === 'true')))}>
				<option value="true">${t('editor.yes')}</option><option value="false">${t('editor.no')}</option></select>`
				: kind === 'null' ? html`<span class="dim" id=${id}>${t('value.none')}</span>`
					: html`<${ValueText} editor=${editor} path=${path} id=${id} label=${label} numeric=${kind === 'number'} plain=${plain} list=${list}/>`}
		<select class="kind" aria-label=${`${label}: ${t('editor.kind')}`} value=${kind} onChange=${event => become(event.target.value)}>
			${Object.keys(KINDS).map(name => html`<option value=${name}>${t('editor.kind.' + name)}</option>`)}
		</select></span>`;
}

function ValueText({editor, path, id, label, numeric, plain, list}) {
	return html`<${TextControl} editor=${editor} path=${path} stays id=${id} aria-label=${label} numeric=${numeric} multiline=${!plain && !numeric && !list} rows=${2} insertable=${!plain} list=${list}/>`;
}

function RowProblems({editor, path}) {
	return problemsAt(editor.problems, path, true).map(problem => html`<${ProblemText} editor=${editor} problem=${problem}/>`);
}

// Names and values, in rows.  list: the id of a list of names.
export function MapControl({editor, path, keep, label, list}) {
	const members = at(editor.tree, path)?.members ?? [];
	const [count, more] = useState(0);

	function add() {
		let n = members.length + 1;

		while (child(at(editor.tree, path), `name_${n}`))
			n += 1;
		editor.edit(tree => put(tree, [...path, `name_${n}`], make('')));
		more(count + 1);
		editor.focus([...path, `name_${n}`], 'key');
	}

	function name(old, key, event) {
		if (key === '' || child(at(editor.tree, path), key))
			event.target.value = old;
		else
			editor.edit(tree => rename(tree, path, old, key));
	}

	return html`<ul class="entries" aria-label=${label}>${members.map(({key}, i) => html`<li key=${`${i} ${count}`}>
			<input class="key" dir="auto" id=${`${idOf([...path, key])}-key`} aria-label=${t('editor.key')} list=${list} value=${key} onChange=${event => name(key, event.target.value.trim(), event)}/>
			<button type="button" class="quiet" aria-label=${t('editor.remove', {what: key})} onClick=${() => editor.edit(tree => remove(tree, [...path, key], keep))}>×</button>
			<${ValueControl} key=${key} editor=${editor} path=${[...path, key]} label=${key}/>
			<${RowProblems} editor=${editor} path=${[...path, key]}/></li>`)}
		<li><button type="button" onClick=${add}>+ ${t('editor.add')}</button></li></ul>`;
}

// Values, in rows.  list: the id of a list of values.
export function ListControl({editor, path, keep, label, plain, list}) {
	const items = at(editor.tree, path)?.items ?? [];

	return html`<ol class="entries" aria-label=${label}>${items.map((item, i) => html`<li key=${`${i} ${items.length}`}>
			<${ValueControl} editor=${editor} path=${[...path, i]} label=${`${label} ${i + 1}`} plain=${plain} list=${list}/>
			<button type="button" class="quiet" aria-label=${t('editor.remove', {what: String(i + 1)})} onClick=${() => editor.edit(tree => remove(tree, [...path, i], keep))}>×</button>
			<${RowProblems} editor=${editor} path=${[...path, i]}/></li>`)}
		<li><button type="button" onClick=${() => { editor.edit(tree => insert(tree, path, items.length, make(''))); editor.focus([...path, items.length]); }}>+ ${t('editor.add')}</button></li></ol>`;
}

// A key that the form has no control for, as it is.
export function Unknown({editor, path, name}) {
	return html`<div class="param"><${Field} editor=${editor} path=${path} label=${name} deep>${ties => html`<${JsonControl} editor=${editor} path=${path} ...${ties}/>`}</${Field}>
		<p class="small-actions"><button type="button" class="quiet" onClick=${() => editor.edit(tree => remove(tree, path))}>${t('editor.remove', {what: name})}</button></p></div>`;
}

// A text that is no template.
export function Simple({editor, path, keep, label, help, ...rest}) {
	return html`<${Field} editor=${editor} path=${path} label=${label} help=${help} required=${rest.required}>${ties =>
		html`<${TextControl} editor=${editor} path=${path} keep=${keep} insertable=${false} ...${rest} ...${ties}/>`}</${Field}>`;
}
