// The dialog that makes or changes a connection.  Only what was changed is sent, so
// that nobody needs to see a secret to keep it.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, has} from '../i18n.js';
import {route} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {objectProblem} from '../object.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {query} from '../ui/find.js';
import {Loaded, When, sentenceOf} from '../ui/parts.js';
import {TenantChoice} from '../ui/tenant.js';
import {toast} from '../ui/toast.js';
import {Text, escaped, typedJson} from '../ui/value.js';
import {Buttons, useWrite} from './repair.js';

const GROUPS = {headers: [], channels: [], basic: ['username', 'password']};
// what config has as an object, and is written as JSON
const OBJECTS = ['headers', 'channels', 'signature', 'oauth2'];
// addresses of incoming webhooks are secrets: config shows their host alone
const MASKED = ['slack_webhook', 'teams_webhook'];

// A shape as rows of [path, value]: {headers: {a: 'set'}} is ['headers', 'a'].
export function shapeOf(shape) {
	return Object.entries(shape).flatMap(([key, value]) => typeof value === 'object'
		? Object.entries(value).map(([name, inner]) => ({path: [key, name], value: inner}))
		: [{path: [key], value}]);
}

export function said(value) {
	return value.startsWith('file:') ? t('secret.file', {name: value.slice(5)}) : t('secret.set');
}

// The words of a key, and what is to be written there.
function Key({part, path, required}) {
	const [key] = path;
	const words = [`key.${part}.${path.join('.')}`, `key.${part}.${key}`, `key.${path.join('.')}`, `key.${key}`].find(has);

	return html`<strong>${words ? t(words) : html`<${Text} text=${key}/>`}${required ? ' *' : ''}</strong> <span class="id dim" dir="ltr"><${Text} text=${path.join('.')}/></span>`;
}

function Help({part, path: [key]}) {
	const words = [`key.${part}.${key}.help`, `key.${key}.help`].find(has);

	return words ? html`<span class="field-help dim">${t(words)}</span>` : null;
}

/*--- what is wrong with a field ---*/

// The sentences of an error by the field that they name: "config.base_url is …".
function problemsOf(error) {
	const found = {};

	for (const line of (error && sentenceOf(error) || '').split('\n')) {
		const [, field] = /^((?:config|credentials)\.\w+)/.exec(line) ?? [];

		if (field)
			found[field] = found[field] ? `${found[field]} ${line}` : line;
	}
	return found;
}

// What ties a control to its problem, and the problem itself.
function ties(id, text) {
	return text ? {'aria-invalid': 'true', 'aria-describedby': id + '-problem'} : {};
}

function Wrong({id, text}) {
	return text ? html`<span id=${id + '-problem'} class="field-problem"><${Text} text=${text}/></span>` : null;
}

/*--- credentials ---*/

// what takes the place of something is called so
const REPLACES = {file: 'secret.replace.file', store: 'secret.replace.store'};

function Secret({path, value, change, required, set, wrong}) {
	const id = 'secret-' + path.join('-');
	const how = change?.how ?? (value ? 'keep' : 'none');
	const ways = value ? ['keep', 'file', 'store', 'remove'] : ['none', 'file', 'store'];

	return html`<fieldset class="secret"><legend><${Key} part="credentials" path=${path} required=${required}/></legend>
		<${Help} part="credentials" path=${path}/>
		${value && html`<p>${said(value)}</p>`}
		<${Wrong} id=${id} text=${wrong}/>
		<label>${t('secret.how')}<select name=${id} ...${ties(id, wrong)} value=${how} onChange=${event => set(path, {how: event.target.value, text: ''})}>
			${ways.map(way => html`<option value=${way}>${t((value && REPLACES[way]) || 'secret.way.' + way)}</option>`)}</select></label>
		${how === 'file' && html`<label>${t('secret.file_name')}<input name=${id + '-file'} dir="ltr" value=${change.text} onInput=${event => set(path, {how, text: event.target.value})}/></label>
			<p class="dim">${t('secret.file_help')}</p>`}
		${how === 'store' && html`<label>${t('secret.value')}<input type="password" autocomplete="new-password" name=${id + '-value'} dir="ltr" value=${change.text} onInput=${event => set(path, {how, text: event.target.value})}/></label>
			<p class="note">⚠ ${t('secret.store_help')}</p>`}
	</fieldset>`;
}

// A new member of headers or channels.
function Add({group, add}) {
	const [name, setName] = useState('');

	return html`<p class="row-actions"><label>${t('secret.add', {group})}<input name=${'add-' + group} dir="ltr" value=${name} onInput=${event => setName(event.target.value)}/></label>
		<button type="button" disabled=${name.trim() === ''} onClick=${() => { add(name.trim()); setName(''); }}>+<span class="hidden"> ${t('secret.add', {group})}</span></button></p>`;
}

function Credentials({keys, shape, changes, set, problems}) {
	const known = shapeOf(shape);
	const paths = keys.flatMap(({key}) => {
		if (!(key in GROUPS))
			return [[key]];

		const names = [...GROUPS[key], ...known.filter(({path}) => path[0] === key).map(({path}) => path[1]),
			...changes.filter(({path}) => path[0] === key && path.length > 1).map(({path}) => path[1])];

		return [...new Set(names)].map(name => [key, name]);
	});
	const find = (list, path) => list.find(one => one.path.join('.') === path.join('.'));

	return html`${paths.map(path => html`<${Secret} key=${path.join('.')} path=${path} required=${path.length === 1 && keys.some(one => one.key === path[0] && one.required)} value=${find(known, path)?.value} change=${find(changes, path)?.change} set=${set} wrong=${problems['credentials.' + path[0]]}/>`)}
		${keys.filter(({key}) => GROUPS[key]?.length === 0).map(({key}) => html`<${Add} group=${key} add=${name => set([key, name], {how: 'file', text: ''})}/>`)}`;
}

// What is sent of the changes: a file, a text, or null to remove it.
function written(changes) {
	const result = {};

	for (const {path: [key, member], change} of changes) {
		const value = {file: {file: change.text}, store: change.text, remove: null}[change.how];

		if (value === undefined)
			continue;
		if (member === undefined)
			result[key] = value;
		else
			result[key] = {...result[key], [member]: value};
	}
	return result;
}

/*--- config ---*/

function textOf(value) {
	return value === undefined ? '' : typeof value === 'object' ? escaped(JSON.stringify(value, null, 1)) : String(value);
}

function Config({keys, texts, set, masked, problems}) {
	const control = key => ({name: 'config-' + key, dir: 'ltr', value: texts[key] ?? '', ...ties('config-' + key, problems['config.' + key]),
		onInput: event => set({...texts, [key]: OBJECTS.includes(key) ? typedJson(event.target) : event.target.value})});

	return keys.map(({key, required}) => html`<label key=${key}><span><${Key} part="config" path=${[key]} required=${required}/> ${masked && t('connection.masked')}</span>
		<${Help} part="config" path=${[key]}/>
		${OBJECTS.includes(key) ? html`<textarea class="code" rows="3" spellcheck="false" ...${control(key)}></textarea>`
			: html`<input ...${control(key)}/>`}
		<${Wrong} id=${'config-' + key} text=${problems['config.' + key]}/></label>`);
}

// The value of a field; what is wrong with JSON is said as the server would say it.
function valueOf(key, text) {
	if (!OBJECTS.includes(key))
		return text;

	const wrong = objectProblem(text);

	if (wrong)
		throw Object.assign(new Error(`config.${key}: ${wrong}`), {code: 'bad_value'});
	return JSON.parse(text);
}

// What differs from before; an empty field removes the key.
function changed(texts, before) {
	const result = {};

	for (const [key, text] of Object.entries(texts)) {
		if (text === (before[key] ?? ''))
			continue;
		result[key] = text.trim() === '' ? null : valueOf(key, text);
	}
	return result;
}

/*--- somebody else has changed it ---*/

function sidesOf({name, config, credentials}) {
	return [
		{path: ['name'], value: name},
		...Object.entries(config).map(([key, value]) => ({path: ['config', key], value: textOf(value)})),
		...shapeOf(credentials).map(({path, value}) => ({path: ['credentials', ...path], value: said(value)})),
	];
}

// What differs between two rows: of each the words before and after.
function differences(before, after) {
	const [old, now] = [sidesOf(before), sidesOf(after)];
	const find = (list, path) => list.find(one => one.path.join('.') === path.join('.'))?.value;
	const paths = [...old, ...now.filter(({path}) => find(old, path) === undefined)].map(one => one.path);

	return paths.map(path => ({path, before: find(old, path), after: find(now, path)})).filter(one => one.before !== one.after);
}

// What I have changed, by the same paths; a secret is only said to be a new one.
function mineOf({name, texts, changes}, base, before) {
	const secret = ({how, text}) => how === 'file' ? t('secret.file', {name: text}) : t('secret.way.' + (how === 'store' ? 'new' : how));

	return [
		...name === base.name ? [] : [{path: ['name'], value: name}],
		...Object.keys(texts).filter(key => texts[key] !== (before[key] ?? '')).map(key => ({path: ['config', key], value: texts[key]})),
		...changes.filter(({change}) => change.how !== 'keep').map(({path, change}) => ({path: ['credentials', ...path], value: secret(change)})),
	];
}

function Where({path: [part, ...path]}) {
	return part === 'name' ? html`<strong>${t('name')}</strong>` : html`<${Key} part=${part} path=${path}/>`;
}

// Theirs and mine, side by side; nothing is written before one of the two is chosen.
function Conflict({base, mine, onTake, onKeep}) {
	const state = useLoad(async options => {
		const {connections} = await get(query('connections', {tenant: base.tenant_id}), options);

		return {theirs: connections.find(one => one.id === base.id)};
	}, []);
	const of = path => mine.find(one => one.path.join('.') === path.join('.'));

	return html`<${Loaded} state=${state}>${({theirs}) => {
		if (!theirs)
			return html`<p class="note">${t('error.not_found')}</p>`;

		const list = differences(base, theirs);
		const both = [...list, ...mine.filter(({path}) => !list.some(one => one.path.join('.') === path.join('.')))];

		return html`<section class="conflict note" role="alert"><h3>${t('connection.conflict')}</h3>
			${theirs.changed && html`<p><${Text} text=${theirs.changed.by}/> · <${When} at=${theirs.changed.at}/></p>`}
			<ul class="changes">${both.map(({path, before, after}) => html`<li key=${path.join('.')}><${Where} path=${path}/>
				<dl class="sides">${list.some(one => one.path === path) && html`<dt>${t('change.before')}</dt><dd><${Text} text=${before ?? '–'}/></dd>
						<dt>${t('conflict.theirs')}</dt><dd><${Text} text=${after ?? '–'}/></dd>`}
					${of(path) && html`<dt>${t('conflict.mine')}</dt><dd><${Text} text=${of(path).value || '–'}/></dd>`}</dl></li>`)}</ul>
			${theirs.changed?.columns?.includes('credentials') && html`<p>${t('connection.conflict.secret')}</p>`}
			<p class="row-actions"><button type="button" onClick=${() => onTake(theirs)}>${t('conflict.take.theirs')}</button>
				<button type="button" class="main" onClick=${() => onKeep(theirs)}>${t('merge.button')}</button></p></section>`;
	}}</${Loaded}>`;
}

/*--- the dialog ---*/

function bodyOf({base, name, kind, whose, texts, before, changes}) {
	const config = changed(texts, before);
	const credentials = written(changes);

	if (base)
		return {name, config, credentials, base_version: base.version};
	return {name, kind, tenant: whose, config, credentials};
}

// The texts of config; an address that is a secret is not there, only its host.
function textsOf(connection) {
	return connection && !MASKED.includes(connection.kind) ? Object.fromEntries(
		Object.entries(connection.config).map(([key, value]) => [key, textOf(value)])) : {};
}

// Of a new connection: what must be there is in a file, unless somebody chooses otherwise.
function firstChanges(keys, kind) {
	return keys.filter(one => one.kind === kind && one.part === 'credentials' && one.required)
		.map(({key}) => ({path: [key], change: {how: 'file', text: ''}}));
}

// What is in the fields: on which row, and what is written over it.
function useFields(connection, keys) {
	const [fields, set] = useState(() => {
		const kind = connection?.kind ?? keys[0].kind;

		return {base: connection, kind, name: connection?.name ?? '', texts: textsOf(connection),
			changes: connection ? [] : firstChanges(keys, kind), whose: route.value.params.tenant ?? me.value.tenant ?? null};
	});
	const before = textsOf(fields.base);

	return {...fields, before, set: change => set(old => ({...old, ...change})),
		// theirs below, and above it what of mine differs from what I began with
		rebase: (theirs, keep) => set(old => ({...old, base: theirs,
			name: keep && old.name !== old.base.name ? old.name : theirs.name,
			changes: keep ? old.changes : [],
			texts: {...textsOf(theirs), ...keep ? Object.fromEntries(Object.entries(old.texts)
				.filter(([key, text]) => text !== (before[key] ?? ''))) : {}}}))};
}

export function ConnectionDialog({connection, keys, onClose, onDone}) {
	const kinds = [...new Set(keys.map(one => one.kind))];
	const fields = useFields(connection, keys);
	const {base, kind, name, texts, changes, whose} = fields;
	const [conflict, clash] = useState(false);
	const form = useRef(null);
	const masked = MASKED.includes(kind);
	const of = part => keys.filter(one => one.kind === kind && one.part === part);
	const setSecret = (path, change) => fields.set({changes: [...changes.filter(one => one.path.join('.') !== path.join('.')), {path, change}]});
	const state = useWrite(async () => {
		await post(base ? `connections/${base.id}/save` : 'connections', bodyOf(fields));
		toast(t('saved'));
	}, onDone);

	const problems = problemsOf(state.error);
	const taken = state.error?.code === 'exists';

	useEffect(() => {
		clash(state.error?.code === 'changed');
		form.current?.querySelector('[aria-invalid]')?.focus();
	}, [state.error]);

	const rebase = (theirs, keep) => { fields.rebase(theirs, keep); clash(false); state.forget(); };

	return html`<${Dialog} title=${connection ? t('connection.edit', {name: connection.name}) : t('connection.new')} onClose=${onClose}>
		${conflict && html`<${Conflict} base=${base} mine=${mineOf(fields, base, fields.before)} onTake=${theirs => rebase(theirs, false)} onKeep=${theirs => rebase(theirs, true)}/>`}
		<div ref=${form}>
		<label>${t('name')} *<input name="name" dir="auto" required aria-invalid=${taken ? 'true' : null} value=${name} onInput=${event => fields.set({name: event.target.value})}/></label>
		${!connection && html`<label>${t('connection.kind')}<select name="kind" value=${kind} onChange=${event => fields.set({kind: event.target.value, texts: {}, changes: firstChanges(keys, event.target.value)})}>
			${kinds.map(one => html`<option value=${one}>${t('connection.kind.' + one)}</option>`)}</select></label>`}
		${!connection && me.value.bound === 'all' && html`<${TenantChoice} label=${t('tenant')} none=${t('tenant.all')} value=${whose} onChoose=${id => fields.set({whose: id})}/>`}
		<h3>${t('connection.config')}</h3>
		<${Config} keys=${of('config')} texts=${texts} set=${next => fields.set({texts: next})} masked=${masked && connection} problems=${problems}/>
		<h3>${t('connection.credentials')}</h3>
		<p class="dim">${t('secret.file_better')}</p>
		<${Credentials} keys=${of('credentials')} shape=${base?.credentials ?? {}} changes=${changes} set=${setSecret} problems=${problems}/>
		</div>
		<${Buttons} state=${conflict ? {...state, error: null} : state} onClose=${onClose} label=${t('save')} disabled=${name.trim() === '' || conflict} reason=${name.trim() === '' ? t('name.needed') : null}/>
	</${Dialog}>`;
}
