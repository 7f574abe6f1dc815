// The form of a definition, made of the tree and of what the catalogue of actions says
// about their parameters.  Nothing that it does not know is dropped: it is shown as
// JSON.

import {html, useState} from '../../vendor/ui.js';
import {t, number, has, language} from '../i18n.js';
import {at, child, make, parse, put, remove, textAt} from '../json.js';
import {parameters} from '../../i18n/ar-actions.js';
import {problemsAt} from './checks.js';
import {ConditionControl} from './condition.js';
import {ChoiceControl, Field, JsonControl, ListControl, MapControl, Simple, TextControl, Unknown, idOf, textOf} from './controls.js';
import {ProblemsOf} from './problems.js';
import {ScheduleControl} from './schedule.js';
import {SearchControl} from './search.js';

const STEP_KEYS = ['name', 'action', 'params', 'condition', 'on_error', 'timeout', 'retry'];
const RETRY_KEYS = ['max_attempts', 'initial_interval', 'backoff_coefficient', 'max_interval'];
const KEYS = ['name', 'trigger_type', 'description', 'title', 'search', 'schedule', 'steps'];
const LONG = ['multiline', 'html'];

function exampleOf(text) {
	try {
		return text ? textOf(parse(text)) : '';
	} catch {
		return '';
	}
}

// The words of a parameter: those of the language if it is one of ours, else the
// catalogue's.
function wordsOf(action, name, param) {
	const own = action.kind !== 'function' && language.value === 'ar' ? parameters[name] : null;

	return {label: own?.[0] ?? param.label ?? name, help: own?.[1] ?? param.help};
}

// Which kind of control a value gets; an absent one gets the simplest that fits.
function kindFor(param, node) {
	const types = (param.type ?? '').split('|').filter(Boolean);
	const is = node?.kind ?? types[0] ?? 'string';

	if (is === 'broken')
		return 'json';
	if (node && types.length && !types.includes(is) && !['string', 'number'].includes(is))
		return 'json';
	if (param.enum && (!node || (is === 'string' && !node.value.includes('{{'))))
		return 'enum';
	if (is === 'boolean')
		return node || types[0] === 'boolean' ? 'boolean' : 'json';
	return {object: 'map', array: 'list', null: 'json'}[is] ?? 'text';
}

function ParamControl({editor, path, param, kind, label, ties}) {
	const types = (param.type ?? '').split('|');
	const format = param.format ?? '';
	const common = {editor, path, keep: path.length, label};
	const columns = format === 'columns' ? `columns-${path[1]}` : null;

	switch (kind) {
		case 'enum':
			return html`<${ChoiceControl} ...${common} none=${param.default ? t('editor.default', {value: exampleOf(param.default)}) : '–'} options=${param.enum.map(one => [one, one])} ...${ties}/>`;
		case 'boolean':
			return html`<${ChoiceControl} ...${common} none=${t('editor.by_default')} options=${[['true', t('editor.yes'), make(true)], ['false', t('editor.no'), make(false)]]} ...${ties}/>`;
		case 'map':
			return html`<div id=${ties.id} tabIndex="-1" role="group" aria-label=${label}><${MapControl} ...${common} list=${columns}/></div>`;
		case 'list':
			return html`<div id=${ties.id} tabIndex="-1" role="group" aria-label=${label}><${ListControl} ...${common} list=${columns}/></div>`;
		case 'json':
			return html`<${JsonControl} ...${common} ...${ties}/>`;
		default: {
			const list = format.startsWith('connection:') ? `connections-${format.slice(11).replaceAll('|', '-')}` : format === 'mail_template' ? 'mail-templates' : format === 'table' ? 'tables' : null;

			return html`<${TextControl} ...${common} multiline=${LONG.includes(format) || (!param.type && format === 'template')}
				numeric=${types.includes('number')} ltr=${['url', 'phone', 'table', 'email'].includes(format)}
				placeholder=${exampleOf(param.example)} list=${list} ...${ties}/>`;
		}
	}
}

function Param({editor, path, action, name, param}) {
	const node = at(editor.tree, path);
	const [raw, setRaw] = useState(false);
	const kind = raw ? 'json' : kindFor(param, node);
	const {label, help: said} = wordsOf(action, name, param);
	// its text is not here: people look for it
	const help = action.name === 'whatsapp_notify' && name === 'template' ? `${said} ${t('editor.whatsapp')}` : said;
	const types = (param.type ?? 'string|object|array').split('|').filter(type => ['string', 'object', 'array'].includes(type));
	const others = types.filter(type => type !== (node?.kind ?? types[0]));
	const empty = !node || textOf(node) === '' || (node.items ?? node.members)?.length === 0;

	return html`<div class="param">
		<${Field} editor=${editor} path=${path} label=${label} help=${help} required=${param.required} deep=${kind !== 'map' && kind !== 'list'}>${ties =>
			html`<${ParamControl} editor=${editor} path=${path} param=${param} kind=${kind} label=${label} ties=${ties}/>`}</${Field}>
		<p class="small-actions">
			${!raw && kind !== 'json' && kind !== 'enum' && others.map(type => (empty || (type === 'array' && node.kind === 'string')) && html`<button type="button" class="quiet" onClick=${() => editor.edit(tree => put(tree, path,
				type === 'array' && node?.kind === 'string' ? {kind: 'array', items: [node]} : make(type === 'string' ? '' : type === 'array' ? [''] : {name_1: ''})))}>${t('editor.as.' + type)}</button>`)}
			${(kind === 'map' || kind === 'list' || raw) && html`<button type="button" class="quiet" onClick=${() => setRaw(!raw)}>${t(raw ? 'editor.as_form' : 'editor.as_json')}<span class="hidden"> (${label})</span></button>`}
		</p>
	</div>`;
}

// Parameters of which exactly one is given: a choice, and the field of what is chosen.
function OneOf({editor, path, action, names, param}) {
	const node = at(editor.tree, path);
	const given = names.filter(name => child(node, name));
	const [chosen, choose] = useState(given[0] ?? names[0]);
	const shown = given.length > 0 ? given : [chosen];
	const label = name => wordsOf(action, name, action.params[name]).label;

	function take(name) {
		choose(name);
		editor.edit(tree => given.reduce((all, one) => one === name ? all : remove(all, [...path, one]), tree));
	}

	return html`<fieldset class="one-of"><legend>${t('editor.one_of')}</legend>
		<div class="choices">${names.map(name => html`<label class="choice" key=${name}><input type="radio" name=${`${idOf(path)}-${names.join()}`} checked=${shown.length === 1 && shown[0] === name} onChange=${() => take(name)}/> ${label(name)}</label>`)}</div>
		${shown.map(name => param([name, action.params[name]]))}</fieldset>`;
}

function Params({editor, path, action}) {
	const known = Object.entries(action?.params ?? {}).filter(([name]) => !name.startsWith('$'))
		.sort(([, a], [, b]) => (a.order ?? 99) - (b.order ?? 99));
	const node = at(editor.tree, path);
	const groups = action?.params.$one_of ?? [];
	const any = (action?.params.$any_of ?? []).flat();
	const first = known.filter(([name, param]) => param.required || child(node, name) || any.includes(name) || groups.flat().includes(name)).map(([name]) => name);
	const needed = first.filter(name => child(node, name)).flatMap(name => action?.params.$needs?.[name] ?? []);
	const shown = known.filter(([name]) => first.includes(name) || needed.includes(name));
	const more = known.filter(one => !shown.includes(one));
	const unknown = (node?.members ?? []).map(({key}) => key).filter(key => !known.some(([name]) => name === key));
	const param = ([name, one]) => html`<${Param} key=${name} editor=${editor} path=${[...path, name]} action=${action} name=${name} param=${one}/>`;

	if (!action || known.length === 0 || node?.kind === 'broken')
		return html`<${Field} editor=${editor} path=${path} label=${t('editor.params')} deep>${ties => html`<${JsonControl} editor=${editor} path=${path} ...${ties}/>`}</${Field}>`;
	return html`<div id=${idOf(path)} tabIndex="-1">
		<${ProblemsOf} editor=${editor} path=${path}/>
		${groups.map((names, i) => html`<${OneOf} key=${i} editor=${editor} path=${path} action=${action} names=${names} param=${param}/>`)}
		${shown.filter(([name]) => !groups.flat().includes(name)).map(param)}
		${unknown.map(name => html`<${Unknown} key=${name} editor=${editor} path=${[...path, name]} name=${name}/>`)}
		${more.length > 0 && html`<details><summary>${t('editor.more', {n: more.length})}</summary>${more.map(param)}</details>`}</div>`;
}

function Failing({editor, path}) {
	const retry = at(editor.tree, [...path, 'retry']);
	const odd = retry && (retry.kind !== 'object' || retry.members.some(({key}) => !RETRY_KEYS.includes(key)));
	const set = ['on_error', 'timeout', 'retry'].some(key => at(editor.tree, [...path, key]));

	return html`<details open=${set}><summary>${t('editor.failing')}</summary>
		<${Field} editor=${editor} path=${[...path, 'on_error']} label=${t('field.on_error')}>${ties =>
			html`<${ChoiceControl} editor=${editor} path=${[...path, 'on_error']} none=${t('editor.on_error.stop')} options=${[['continue', t('editor.on_error.go_on')]]} ...${ties}/>`}</${Field}>
		<${Simple} editor=${editor} path=${[...path, 'timeout']} label=${t('field.timeout')} help=${t('editor.interval.help')} ltr placeholder="30 seconds"/>
		${odd ? html`<${Unknown} editor=${editor} path=${[...path, 'retry']} name=${t('field.retry')}/>` : html`<fieldset id=${idOf([...path, 'retry'])} tabIndex="-1"><legend>${t('field.retry')}</legend>
			<${ProblemsOf} editor=${editor} path=${[...path, 'retry']}/>
			${RETRY_KEYS.map(key => html`<${Simple} editor=${editor} path=${[...path, 'retry', key]} keep=${path.length + 1} label=${t('field.retry.' + key)} ltr
				numeric=${key === 'max_attempts' || key === 'backoff_coefficient'} placeholder=${{max_attempts: '3', initial_interval: '2 seconds', backoff_coefficient: '2', max_interval: '1 hour'}[key]}/>`)}</fieldset>`}
	</details>`;
}

function StepHead({editor, i, count, path, step}) {
	const name = textAt(step, ['name']) || String(i + 1);
	const errors = problemsAt(editor.problems, path, true);
	const keys = event => {
		const by = {ArrowUp: -1, ArrowDown: 1}[event.key];

		if (event.altKey && by) {
			event.preventDefault();
			editor.moveStep(i, i + by);
		}
	};
	const open = editor.isOpen(i);
	const button = (to, sign, key) => html`<button type="button" class="quiet" id=${`${key}-${i}`} aria-label=${t('editor.' + key, {step: name})} aria-disabled=${to < 0 || to >= count ? 'true' : null}
		onClick=${() => editor.moveStep(i, to, key)}>${sign}</button>`;

	return html`<div class="step-head">
		<h3><button type="button" class="quiet toggle" id=${idOf(path)} aria-expanded=${String(open)} aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown" onClick=${() => editor.toggle(i)} onKeyDown=${keys}>
			<span class="step-number">${number(i + 1)}</span> <bdi>${name}</bdi> <span class="dim" dir="ltr">${textAt(step, ['action'])}</span>
			${errors.length > 0 && html` <span class=${errors.some(one => one.severity === 'error') ? 'bad-mark' : ''}>${errors.some(one => one.severity === 'error') ? '✕' : '⚠'}<span class="hidden"> ${t('editor.problems', {n: errors.length})}</span></span>`}</button></h3>
		<span class="step-buttons">${button(i - 1, '↑', 'up')}${button(i + 1, '↓', 'down')}
			<button type="button" class="quiet" aria-label=${t('editor.remove', {what: name})} onClick=${() => editor.removeStep(i)}>×</button></span>
	</div>`;
}

function Step({editor, i, count}) {
	const path = ['steps', i];
	const step = at(editor.tree, path);
	const action = editor.actions.find(one => one.name === textAt(step, ['action']));
	const unknown = (step.members ?? []).map(({key}) => key).filter(key => !STEP_KEYS.includes(key));
	const params = child(step, 'params');

	if (step.kind !== 'object')
		return html`<li class="step"><${Unknown} editor=${editor} path=${path} name=${String(i + 1)}/></li>`;
	return html`<li class="step"><${StepHead} editor=${editor} i=${i} count=${count} path=${path} step=${step}/>
		${editor.isOpen(i) && html`<div class="step-body">
			<${ProblemsOf} editor=${editor} path=${path}/>
			<${Simple} editor=${editor} path=${[...path, 'name']} label=${t('editor.step_name')} help=${t('editor.step_name.help')} required ltr/>
			<${Field} editor=${editor} path=${[...path, 'action']} label=${t('field.action')} help=${action && (language.value === 'ar' && has(`action.${action.name}`) ? t(`action.${action.name}`) : action.description)} required>${ties =>
				html`<${ChoiceControl} editor=${editor} path=${[...path, 'action']} none="–" options=${editor.actions.map(one => [one.name, has(`action.${one.name}`) ? `${t(`action.${one.name}`)} (${one.name})` : one.name])} ...${ties}/>`}</${Field}>
			<${ConditionControl} editor=${editor} path=${[...path, 'condition']}/>
			${params && (params.was ?? params.kind) !== 'object' ? html`<${Unknown} editor=${editor} path=${[...path, 'params']} name=${t('editor.params')}/>`
				: html`<${Params} editor=${editor} path=${[...path, 'params']} action=${action}/>`}
			<${Failing} editor=${editor} path=${path}/>
			${unknown.map(name => html`<${Unknown} key=${name} editor=${editor} path=${[...path, name]} name=${name}/>`)}
		</div>`}</li>`;
}

// What steps can name, for the lists that inputs offer.
function Lists({editor}) {
	const kinds = new Set(editor.actions.flatMap(one => Object.values(one.params)).map(one => one?.format)
		.filter(format => format?.startsWith('connection:')).map(format => format.slice(11)));

	return html`${[...kinds].map(kind => html`<datalist id=${`connections-${kind.replaceAll('|', '-')}`}>
		${editor.connections.filter(one => kind.split('|').includes(one.kind)).map(one => html`<option value=${one.name}/>`)}</datalist>`)}
		<datalist id="tables">${editor.tables.map(one => html`<option value=${one.name}/>`)}</datalist>
		${(at(editor.tree, ['steps'])?.items ?? []).map((step, i) => {
			const table = editor.isOpen(i) && editor.tables.find(one => one.name === textAt(step, ['params', 'table']));

			return table && html`<datalist id=${`columns-${i}`}>${table.columns.map(one => html`<option value=${one}/>`)}</datalist>`;
		})}
		<datalist id="mail-templates">${editor.templates.map(name => html`<option value=${name}/>`)}</datalist>`;
}

export function Form({editor}) {
	const steps = at(editor.tree, ['steps']);
	const items = steps?.items ?? [];
	const scheduled = at(editor.tree, ['schedule']);
	const unknown = (editor.tree.members ?? []).map(({key}) => key).filter(key => !KEYS.includes(key));

	if (editor.tree.kind !== 'object' || (steps && steps.kind !== 'array'))
		return html`<p class="note">${t('editor.no_form')}</p>`;
	return html`<fieldset class="form" disabled=${Boolean(editor.broken)} aria-label=${t('editor.form')}>
		<${Lists} editor=${editor}/>
		<${ProblemsOf} editor=${editor} path=${[]}/>
		<${Simple} editor=${editor} path=${['name']} label=${t('field.name')} help=${editor.isNew ? null : t('editor.name.help')} required/>
		<${Simple} editor=${editor} path=${['trigger_type']} label=${t('field.trigger_type')} ltr required=${!scheduled} help=${scheduled ? t('schedule.trigger.help') : null}/>
		<${Simple} editor=${editor} path=${['description']} label=${t('field.description')}/>
		<${Simple} editor=${editor} path=${['title']} label=${t('field.title')} help=${t('editor.title.help')} insertable placeholder="Order {{ trigger.order_id }}"/>
		<${ScheduleControl} editor=${editor}/>
		<${SearchControl} editor=${editor}/>
		${unknown.map(name => html`<${Unknown} key=${name} editor=${editor} path=${[name]} name=${has('field.' + name) ? t('field.' + name) : name}/>`)}
		<h2 id="f-steps" tabIndex="-1">${t('workflow.steps')}</h2>
		<${ProblemsOf} editor=${editor} path=${['steps']}/>
		<ol class="steps">${items.map((step, i) => html`<${Step} key=${i} editor=${editor} i=${i} count=${items.length}/>`)}</ol>
		<p><button type="button" onClick=${editor.addStep}>+ ${t('editor.add_step')}</button></p>
	</fieldset>`;
}
