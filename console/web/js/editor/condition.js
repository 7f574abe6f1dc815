// A condition in the form: rows of a field, how it is compared, and a value, all or any
// of which must hold, to three levels; a jsonpath as text; anything else as JSON.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {at, child, insert, make, put, remove, rename} from '../json.js';
import {OPS, WITHOUT_VALUE} from '../page/condition.js';
import {ChoiceControl, Field, JsonControl, ListControl, TextControl, ValueControl, idOf} from './controls.js';
import {ProblemsOf} from './problems.js';

const KEYS = ['field', 'op', 'value', 'value_field', 'ignore_case'];
const DEEPEST = 3;
const LISTS = ['in', 'not_in'];

const row = () => make({field: 'trigger.', op: 'eq', value: ''});

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

function changeOp(editor, path, name) {
	editor.edit(tree => {
		let next = put(tree, [...path, 'op'], make(name));
		const value = at(next, [...path, 'value']);

		if (WITHOUT_VALUE.includes(name))
			return remove(remove(next, [...path, 'value']), [...path, 'value_field']);
		if (LISTS.includes(name) && value?.kind !== 'array')
			next = put(next, [...path, 'value'], {kind: 'array', items: value ? [value] : []});
		else if (!LISTS.includes(name) && value?.kind === 'array')
			next = put(next, [...path, 'value'], value.items[0] ?? make(''));
		else if (!value && !at(next, [...path, 'value_field']))
			next = put(next, [...path, 'value'], make(''));
		return next;
	});
}

function Row({editor, path}) {
	const node = at(editor.tree, path);
	const op = child(node, 'op').value;
	const value = child(node, 'value');

	return html`<div class="condition-row">
		<${Field} editor=${editor} path=${[...path, 'field']} label=${t('condition.field')}>${ties =>
			html`<${TextControl} editor=${editor} path=${[...path, 'field']} keep=${path.length + 2} plain ltr ...${ties}/>`}</${Field}>
		<${Field} editor=${editor} path=${[...path, 'op']} label=${t('condition.op')}>${ties =>
			html`<select ...${ties} value=${op} onChange=${event => changeOp(editor, path, event.target.value)}>${OPS.map(name => html`<option value=${name}>${t('op.' + name)}</option>`)}</select>`}</${Field}>
		${value && html`<${Field} editor=${editor} path=${[...path, 'value']} label=${t('condition.value')} deep>${() => value.kind === 'array'
			? html`<${ListControl} editor=${editor} path=${[...path, 'value']} keep=${path.length + 2} label=${t('condition.value')} plain/>`
			: html`<${ValueControl} editor=${editor} path=${[...path, 'value']} label=${t('condition.value')} plain/>`}</${Field}>`}
		${child(node, 'value_field') && html`<${Field} editor=${editor} path=${[...path, 'value_field']} label=${t('condition.value_field')}>${ties =>
			html`<${TextControl} editor=${editor} path=${[...path, 'value_field']} keep=${path.length + 2} plain ltr ...${ties}/>`}</${Field}>`}
		${child(node, 'ignore_case') && html`<${Field} editor=${editor} path=${[...path, 'ignore_case']} label=${t('condition.ignore_case')}>${ties =>
			html`<${ChoiceControl} editor=${editor} path=${[...path, 'ignore_case']} keep=${path.length + 2} none=${t('editor.no')} options=${[['true', t('editor.yes'), make(true)]]} ...${ties}/>`}</${Field}>`}
	</div>`;
}

function Group({editor, path, depth}) {
	const [{key, node}] = at(editor.tree, path).members;

	return html`<fieldset class="condition-group"><legend><select aria-label=${t('condition.how')} value=${key} onChange=${event => editor.edit(tree => rename(tree, path, key, event.target.value))}>
			<option value="all">${t('condition.all_of')}</option><option value="any">${t('condition.any_of')}</option></select></legend>
		<${ProblemsOf} editor=${editor} path=${[...path, key]}/>
		${node.items.map((item, i) => html`<div class="condition-item" key=${`${i} ${node.items.length}`}>
			<${Condition} editor=${editor} path=${[...path, key, i]} depth=${depth + 1}/>
			<button type="button" class="quiet" aria-label=${t('editor.remove', {what: t('editor.condition.nth', {n: i + 1})})}
				onClick=${() => editor.edit(tree => remove(tree, [...path, key, i], path.length))}>×</button></div>`)}
		<button type="button" onClick=${() => editor.edit(tree => insert(tree, [...path, key], node.items.length, row()))}>+ ${t('condition.add')}</button>
	</fieldset>`;
}

function Condition({editor, path, depth}) {
	const node = at(editor.tree, path);

	switch (kindOf(node, depth)) {
		case 'row':
			return html`<${Row} editor=${editor} path=${path}/>`;
		case 'group':
			return html`<${Group} editor=${editor} path=${path} depth=${depth}/>`;
		case 'not':
			return html`<div><span>${t('condition.not')}</span> <${Condition} editor=${editor} path=${[...path, 'not']} depth=${depth + 1}/></div>`;
		case 'text':
			return html`<${Field} editor=${editor} path=${path} label=${t('condition.text')}>${ties =>
				html`<${TextControl} editor=${editor} path=${path} multiline ltr insertable=${false} ...${ties}/>`}</${Field}>`;
		default:
			return html`<${Field} editor=${editor} path=${path} deep label=${t('condition.json')}>${ties =>
				html`<${JsonControl} editor=${editor} path=${path} ...${ties}/>`}</${Field}>`;
	}
}

// The condition of a step: none, one, or several.
export function ConditionControl({editor, path}) {
	const node = at(editor.tree, path);

	if (!node)
		return html`<p><button type="button" id=${idOf(path)} onClick=${() => { editor.edit(tree => put(tree, path, row())); editor.focus([...path, 'field']); }}>+ ${t('editor.condition.add')}</button></p>`;
	// a text or JSON has the id itself, and shows its problems
	const whole = ['text', 'json'].includes(kindOf(node, 0));

	return html`<fieldset class="condition-of" id=${whole ? null : idOf(path)} tabIndex="-1"><legend>${t('editor.only_if')}</legend>
		${!whole && html`<${ProblemsOf} editor=${editor} path=${path}/>`}
		<${Condition} editor=${editor} path=${path} depth=${0}/>
		<p class="small-actions">
			${kindOf(node, 0) === 'row' && html`<button type="button" onClick=${() => editor.edit(tree => put(tree, path, make({all: [node, row()]})))}>+ ${t('condition.add')}</button>`}
			<button type="button" class="quiet" onClick=${() => editor.edit(tree => remove(tree, path))}>${t('editor.condition.remove')}</button></p>
	</fieldset>`;
}
