// A condition in the form: rows of a field, how it is compared, and a value, all or any
// of which must hold, or the opposite of one, to three levels; a jsonpath as text;
// anything else as JSON.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {at, child, insert, make, put, remove, rename} from '../json.js';
import {OPS, WITHOUT_VALUE} from '../page/condition.js';
import {Field, JsonControl, ListControl, TextControl, ValueControl, idOf} from './controls.js';
import {ProblemsOf} from './problems.js';

const KEYS = ['field', 'op', 'value', 'value_field', 'ignore_case'];
const DEEPEST = 3;
const LISTS = ['in', 'not_in'];
// Those that may compare texts without regard to case.
const TEXTS = ['eq', 'ne', 'in', 'not_in', 'contains', 'starts_with', 'ends_with', 'matches'];

const row = () => make({field: 'trigger.', op: 'eq', value: ''});
const group = () => make({all: [row()]});
const jsonpath = () => make('$.trigger.');

function kindOf(node, depth) {
	if (node.kind === 'string')
		return 'text';
	if (node.kind !== 'object')
		return 'json';

	const keys = node.members.map(({key}) => key);

	if (keys.length === 1 && depth < DEEPEST) {
		if (['all', 'any'].includes(keys[0]) && child(node, keys[0]).kind === 'array')
			return 'group';
		if (keys[0] === 'not')
			return 'not';
	}
	return keys.every(key => KEYS.includes(key)) && keys.includes('field') && child(node, 'field').kind === 'string' &&
		OPS.includes(child(node, 'op')?.value) ? 'row' : 'json';
}

// How many levels of groups and opposites a condition has.
function heightOf(node) {
	const parts = ['all', 'any'].map(key => child(node, key)?.items).find(Boolean) ?? [child(node, 'not')].filter(Boolean);

	return parts.length ? 1 + Math.max(...parts.map(heightOf)) : 0;
}

function changeOp(editor, path, name) {
	editor.edit(tree => {
		const all = put(tree, [...path, 'op'], make(name));
		const next = TEXTS.includes(name) ? all : remove(all, [...path, 'ignore_case']);
		const value = at(next, [...path, 'value']);
		const set = node => put(next, [...path, 'value'], node);

		if (WITHOUT_VALUE.includes(name))
			return remove(remove(next, [...path, 'value']), [...path, 'value_field']);
		if (at(next, [...path, 'value_field']))
			return next;
		if (LISTS.includes(name) && value?.kind !== 'array')
			return set({kind: 'array', items: value ? [value] : []});
		if (!LISTS.includes(name) && value?.kind === 'array')
			return set(value.items[0] ?? make(''));
		return value ? next : set(make(''));
	});
}

// Compares with another value of the event, or with one that is written.
function compareWith(editor, path, another) {
	const list = LISTS.includes(at(editor.tree, [...path, 'op']).value);

	editor.edit(tree => another ? put(remove(tree, [...path, 'value']), [...path, 'value_field'], make('trigger.'))
		: put(remove(tree, [...path, 'value_field']), [...path, 'value'], make(list ? [''] : '')));
}

// What else a row may say, as boxes to tick.
function RowChoices({editor, path, node}) {
	const op = child(node, 'op').value;
	const another = child(node, 'value_field');
	const alike = child(node, 'ignore_case');
	const place = [...path, 'ignore_case'];

	return html`<div class="condition-choices">
		${!WITHOUT_VALUE.includes(op) && html`<label class="choice"><input type="checkbox" checked=${Boolean(another)} onChange=${event => compareWith(editor, path, event.target.checked)}/> ${t('condition.with_field')}</label>`}
		${(alike || TEXTS.includes(op)) && html`<label class="choice"><input type="checkbox" id=${idOf(place)} checked=${alike?.value === true} onChange=${event =>
			editor.edit(tree => event.target.checked ? put(tree, place, make(true)) : remove(tree, place))}/> ${t('condition.ignore_case')}</label>
			<${ProblemsOf} editor=${editor} path=${place}/>`}
	</div>`;
}

function Row({editor, path}) {
	const node = at(editor.tree, path);
	const op = child(node, 'op').value;
	const value = child(node, 'value');

	return html`<div class="condition-row">
		<${Field} editor=${editor} path=${[...path, 'field']} label=${t('condition.field')}>${ties =>
			html`<${TextControl} editor=${editor} path=${[...path, 'field']} stays plain ltr ...${ties}/>`}</${Field}>
		<${Field} editor=${editor} path=${[...path, 'op']} label=${t('condition.op')}>${ties =>
			html`<select ...${ties} value=${op} onChange=${event => changeOp(editor, path, event.target.value)}>${OPS.map(name => html`<option value=${name}>${t('op.' + name)}</option>`)}</select>`}</${Field}>
		${value && html`<${Field} editor=${editor} path=${[...path, 'value']} label=${t('condition.value')} deep>${() => value.kind === 'array'
			? html`<${ListControl} editor=${editor} path=${[...path, 'value']} keep=${path.length + 2} label=${t('condition.value')} plain/>`
			: html`<${ValueControl} editor=${editor} path=${[...path, 'value']} label=${t('condition.value')} plain/>`}</${Field}>`}
		${child(node, 'value_field') && html`<${Field} editor=${editor} path=${[...path, 'value_field']} label=${t('condition.value_field')}>${ties =>
			html`<${TextControl} editor=${editor} path=${[...path, 'value_field']} stays plain ltr ...${ties}/>`}</${Field}>`}
		<${RowChoices} editor=${editor} path=${path} node=${node}/>
	</div>`;
}

function Group({editor, path, depth}) {
	const [{key, node}] = at(editor.tree, path).members;
	const {length} = node.items;
	const nth = i => t('editor.condition.nth', {n: i + 1});
	// its field, or the text itself, gets the focus
	const add = (what, ...field) => {
		editor.edit(tree => insert(tree, [...path, key], length, what));
		editor.focus([...path, key, length, ...field]);
	};

	// without its last condition the group is gone as well
	const drop = i => {
		const last = path.findLastIndex(part => part !== 'not') + 1;
		const whole = path.slice(0, last);

		editor.edit(tree => remove(tree, length > 1 ? [...path, key, i] : whole));
		editor.focus(length > 1 ? path : typeof whole.at(-1) === 'number' ? whole.slice(0, -2) : whole);
	};

	return html`<fieldset class="condition-group" id=${depth > 0 ? idOf(path) : null} tabIndex="-1"><legend><select aria-label=${t('condition.how')} value=${key} onChange=${event => editor.edit(tree => rename(tree, path, key, event.target.value))}>
			<option value="all">${t('condition.all_of')}</option><option value="any">${t('condition.any_of')}</option></select></legend>
		<${ProblemsOf} editor=${editor} path=${[...path, key]}/>
		${node.items.map((item, i) => html`<div class="condition-item" role="group" aria-label=${nth(i)} key=${`${i} ${length}`}>
			<${Condition} editor=${editor} path=${[...path, key, i]} depth=${depth + 1}/>
			<button type="button" class="quiet" aria-label=${t('editor.remove', {what: nth(i)})}
				onClick=${() => drop(i)}>×</button></div>`)}
		<p class="small-actions"><button type="button" onClick=${() => add(row(), 'field')}>+ ${t('condition.add')}</button>
			${depth + 2 <= DEEPEST && html`<button type="button" onClick=${() => add(group(), 'all', 0, 'field')}>+ ${t('condition.add_group')}</button>`}
			<button type="button" onClick=${() => add(jsonpath())}>+ ${t('condition.add_path')}</button></p>
	</fieldset>`;
}

// A condition without the box for its opposite.
function Plain({editor, path, depth}) {
	switch (kindOf(at(editor.tree, path), depth)) {
		case 'row':
			return html`<${Row} editor=${editor} path=${path}/>`;
		case 'group':
			return html`<${Group} editor=${editor} path=${path} depth=${depth}/>`;
		case 'not':
			return html`<${Condition} editor=${editor} path=${path} depth=${depth}/>`;
		case 'text':
			return html`<${Field} editor=${editor} path=${path} label=${t('condition.text')}>${ties =>
				html`<${TextControl} editor=${editor} path=${path} stays multiline ltr insertable=${false} ...${ties}/>`}</${Field}>`;
		default:
			return html`<${Field} editor=${editor} path=${path} deep label=${t('condition.json')}>${ties =>
				html`<${JsonControl} editor=${editor} path=${path} ...${ties}/>`}</${Field}>`;
	}
}

// One condition, or the opposite of it.
function Condition({editor, path, depth}) {
	const node = at(editor.tree, path);
	const kind = kindOf(node, depth);
	const opposite = kind === 'not';
	const may = opposite || (kind !== 'json' && depth + heightOf(node) < DEEPEST);
	const turn = () => editor.edit(tree => put(tree, path, opposite ? child(node, 'not') : make({not: node})));

	return html`<div class="condition-one">
		${may && html`<label class="choice"><input type="checkbox" checked=${opposite} onChange=${turn}/> ${t('condition.opposite')}</label>`}
		${opposite && html`<${ProblemsOf} editor=${editor} path=${path}/>`}
		<${Plain} editor=${editor} path=${opposite ? [...path, 'not'] : path} depth=${depth + (opposite ? 1 : 0)}/></div>`;
}

// The condition of a step: none, one, or several.
export function ConditionControl({editor, path}) {
	const node = at(editor.tree, path);
	const begin = (what, ...field) => { editor.edit(tree => put(tree, path, what)); editor.focus([...path, ...field]); };

	if (!node)
		return html`<p class="small-actions"><button type="button" id=${idOf(path)} onClick=${() => begin(row(), 'field')}>+ ${t('editor.condition.add')}</button>
			<button type="button" class="quiet" onClick=${() => begin(jsonpath())}>+ ${t('condition.add_path')}</button></p>`;

	const kind = kindOf(node, 0);
	// a text or JSON has the id itself, and shows its problems
	const whole = ['text', 'json'].includes(kind);
	// what is not a group yet becomes the first of one
	const several = (what, ...field) => begin(make({all: [node, what]}), 'all', 1, ...field);

	return html`<fieldset class="condition-of" id=${whole ? null : idOf(path)} tabIndex="-1"><legend>${t('editor.only_if')}</legend>
		${!whole && html`<${ProblemsOf} editor=${editor} path=${path}/>`}
		<${Condition} editor=${editor} path=${path} depth=${0}/>
		<p class="small-actions">
			${!['group', 'json'].includes(kind) && heightOf(node) < DEEPEST && html`<button type="button" onClick=${() => several(row(), 'field')}>+ ${t('condition.add')}</button>
				<button type="button" onClick=${() => several(group(), 'all', 0, 'field')}>+ ${t('condition.add_group')}</button>`}
			<button type="button" class="quiet" onClick=${() => { editor.edit(tree => remove(tree, path)); editor.focus(path); }}>${t('editor.condition.remove')}</button></p>
	</fieldset>`;
}
