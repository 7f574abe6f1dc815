// The dialog that makes or changes a connection.  Only what was changed is sent, so
// that nobody needs to see a secret to keep it.

import {html, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route} from '../router.js';
import {post} from '../api.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {toast} from '../ui/toast.js';
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

/*--- credentials ---*/

function Secret({path, value, change, set}) {
	const id = 'secret-' + path.join('-');
	const label = path.join('.');
	const how = change?.how ?? (value ? 'keep' : 'none');
	const ways = value ? ['keep', 'file', 'store', 'remove'] : ['none', 'file', 'store'];

	return html`<fieldset class="secret"><legend dir="ltr" class="id">${label}</legend>
		${value && html`<p class="dim">${said(value)}</p>`}
		<label>${t('secret.how')}<select name=${id} value=${how} onChange=${event => set(path, {how: event.target.value, text: ''})}>
			${ways.map(way => html`<option value=${way}>${t('secret.way.' + way)}</option>`)}</select></label>
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

function Credentials({keys, shape, changes, set}) {
	const known = shapeOf(shape);
	const paths = keys.flatMap(({key}) => {
		if (!(key in GROUPS))
			return [[key]];

		const names = [...GROUPS[key], ...known.filter(({path}) => path[0] === key).map(({path}) => path[1]),
			...changes.filter(({path}) => path[0] === key && path.length > 1).map(({path}) => path[1])];

		return [...new Set(names)].map(name => [key, name]);
	});
	const find = (list, path) => list.find(one => one.path.join('.') === path.join('.'));

	return html`${paths.map(path => html`<${Secret} key=${path.join('.')} path=${path} value=${find(known, path)?.value} change=${find(changes, path)?.change} set=${set}/>`)}
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
	return value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value, null, 1) : String(value);
}

function Config({keys, texts, set, masked}) {
	return keys.map(({key, required}) => html`<label key=${key}><span><span class="id" dir="ltr">${key}</span>${required ? ' *' : ''} ${masked && t('connection.masked')}</span>
		${OBJECTS.includes(key) ? html`<textarea class="code" dir="ltr" rows="3" spellcheck="false" name=${'config-' + key} value=${texts[key] ?? ''} onInput=${event => set({...texts, [key]: event.target.value})}></textarea>`
			: html`<input dir="ltr" name=${'config-' + key} value=${texts[key] ?? ''} onInput=${event => set({...texts, [key]: event.target.value})}/>`}</label>`);
}

// What differs from before; an empty field removes the key.
function changed(texts, before) {
	const result = {};

	for (const [key, text] of Object.entries(texts)) {
		if (text === (before[key] ?? ''))
			continue;
		result[key] = text.trim() === '' ? null : OBJECTS.includes(key) ? JSON.parse(text) : text;
	}
	return result;
}

function bodyOf({connection, name, kind, whose, texts, before, changes}) {
	const config = changed(texts, before);
	const credentials = written(changes);

	if (connection)
		return {name, config, credentials};
	return {name, kind, tenant: whose || null, config, credentials};
}

export function ConnectionDialog({connection, keys, onClose, onDone}) {
	const kinds = [...new Set(keys.map(one => one.kind))];
	const [kind, setKind] = useState(connection?.kind ?? kinds[0]);
	const masked = MASKED.includes(kind);
	const [before] = useState(() => connection && !masked ? Object.fromEntries(
		Object.entries(connection.config).map(([key, value]) => [key, textOf(value)])) : {});
	const [name, setName] = useState(connection?.name ?? '');
	const [whose, setWhose] = useState(route.value.params.tenant ?? me.value.tenant ?? '');
	const [texts, setTexts] = useState(before);
	const [changes, setChanges] = useState([]);
	const of = part => keys.filter(one => one.kind === kind && one.part === part);
	const set = (path, change) => setChanges([...changes.filter(one => one.path.join('.') !== path.join('.')), {path, change}]);
	const state = useWrite(async () => {
		await post(connection ? `connections/${connection.id}/save` : 'connections',
			bodyOf({connection, name, kind, whose, texts, before, changes}));
		toast(t('saved'));
	}, onDone);

	return html`<${Dialog} title=${connection ? t('connection.edit', {name: connection.name}) : t('connection.new')} onClose=${onClose}>
		<label>${t('name')}<input name="name" dir="auto" value=${name} onInput=${event => setName(event.target.value)}/></label>
		${!connection && html`<label>${t('connection.kind')}<select name="kind" value=${kind} onChange=${event => { setKind(event.target.value); setTexts({}); setChanges([]); }}>
			${kinds.map(one => html`<option value=${one}>${one}</option>`)}</select></label>`}
		${!connection && me.value.bound === 'all' && html`<label>${t('tenant')}<select name="tenant" value=${whose} onChange=${event => setWhose(event.target.value)}>
			<option value="">${t('tenant.all')}</option>
			${me.value.tenants.map(one => html`<option value=${one.id}>${one.name ?? one.id}</option>`)}</select></label>`}
		<h3>${t('connection.config')}</h3>
		<${Config} keys=${of('config')} texts=${texts} set=${setTexts} masked=${masked && connection}/>
		<h3>${t('connection.credentials')}</h3>
		<${Credentials} keys=${of('credentials')} shape=${connection?.credentials ?? {}} changes=${changes} set=${set}/>
		<${Buttons} state=${state} onClose=${onClose} label=${t('save')} disabled=${name.trim() === ''}/>
	</${Dialog}>`;
}
