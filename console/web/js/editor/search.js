// By which values of the event people find a run: rows of a path and what it is called in
// each language.

import {html} from '../../vendor/ui.js';
import {t, names} from '../i18n.js';
import {at, child, insert, make, put, remove} from '../json.js';
import {me} from '../session.js';
import {Field, Simple, TextControl, Unknown, idOf} from './controls.js';
import {ProblemsOf} from './problems.js';

const KEYS = ['path', 'label'];

// One text for all languages, or one for each.
function Labels({editor, path}) {
	const node = at(editor.tree, path);

	if (node && node.kind !== 'object' && node.kind !== 'string')
		return html`<${Unknown} editor=${editor} path=${path} name=${t('search.label')}/>`;
	if (node?.kind === 'string')
		return html`<${Simple} editor=${editor} path=${path} label=${t('search.label')}/>
			<p class="small-actions"><button type="button" class="quiet" onClick=${() => editor.edit(tree => put(tree, path, make({[me.value.languages[0]]: node.value})))}>${t('search.in_each')}</button></p>`;

	const languages = [...new Set([...me.value.languages, ...(node?.members ?? []).map(({key}) => key)])];

	return html`<${ProblemsOf} editor=${editor} path=${path}/>
		${languages.map(one => html`<${Simple} key=${one} editor=${editor} path=${[...path, one]} keep=${path.length} label=${t('search.label.in', {language: names[one] ?? one})}/>`)}`;
}

function Key({editor, path, i}) {
	const node = at(editor.tree, path);

	if (node.kind !== 'object')
		return html`<${Unknown} editor=${editor} path=${path} name=${String(i + 1)}/>`;
	return html`<fieldset class="search-key" id=${idOf(path)} tabIndex="-1"><legend>${t('search.key')} ${i + 1}</legend>
		<${ProblemsOf} editor=${editor} path=${path}/>
		<div class="condition-row">
			<${Field} editor=${editor} path=${[...path, 'path']} label=${t('condition.field')} required>${ties =>
				html`<${TextControl} editor=${editor} path=${[...path, 'path']} plain ltr ...${ties}/>`}</${Field}>
			<${Labels} editor=${editor} path=${[...path, 'label']}/></div>
		${node.members.map(({key}) => key).filter(key => !KEYS.includes(key)).map(name => html`<${Unknown} key=${name} editor=${editor} path=${[...path, name]} name=${name}/>`)}
		<p class="small-actions"><button type="button" class="quiet" onClick=${() => { editor.edit(tree => remove(tree, path, 1)); editor.focus(['search']); }}>${t('editor.remove', {what: `${t('search.key')} ${i + 1}`})}</button></p>
	</fieldset>`;
}

export function SearchControl({editor}) {
	const path = ['search'];
	const node = at(editor.tree, path);
	const count = node?.items?.length ?? 0;

	function add() {
		editor.edit(tree => node ? insert(tree, path, count, make({path: 'trigger.'})) : put(tree, path, make([{path: 'trigger.'}])));
		editor.focus([...path, count, 'path']);
	}

	if (node && node.kind !== 'array')
		return html`<${Unknown} editor=${editor} path=${path} name=${t('field.search')}/>`;
	return html`<section class="schedules" aria-label=${t('field.search')}><h2 id=${idOf(path)} tabIndex="-1">${t('field.search')}</h2>
		<p class="dim">${t('search.help')}</p>
		<${ProblemsOf} editor=${editor} path=${path}/>
		${Array.from({length: count}, (none, i) => html`<${Key} key=${`${i} ${count}`} editor=${editor} path=${[...path, i]} i=${i}/>`)}
		<p><button type="button" onClick=${add}>+ ${t('search.add')}</button></p></section>`;
}
