// Who did what by hand, the newest first.

import {html, useRef} from '../../vendor/ui.js';
import {t, has, list} from '../i18n.js';
import {route, address, change} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {Csv} from '../ui/csv.js';
import {query} from '../ui/find.js';
import {Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

// the words of workflow_operations.what
const WHAT = ['cancel', 'retry', 'rerun', 'fire', 'pause', 'resume', 'save', 'switch', 'delete', 'connection',
	'accept place', 'discard place', 'purge'];

const TIMES = ['since', 'until', 'before'];
// what has words as a value: the beginning of their keys
const WORDS = {change: 'detail.change.', on_version: 'detail.on_version.', status: 'run.status.', kind: 'connection.kind.'};
// of columns of a connection
const COLUMNS = {tenant_id: 'tenant', name: 'name', kind: 'connection.kind', config: 'connection.config', credentials: 'connection.credentials'};

function valueOf(key, value) {
	if (key in WORDS && has(WORDS[key] + value))
		return t(WORDS[key] + value);
	if (key === 'columns')
		return list(value.split(', ').map(one => one in COLUMNS ? t(COLUMNS[one]) : one));
	if (key === 'active')
		return t(value ? 'workflow.on' : 'workflow.off');
	if (typeof value === 'boolean')
		return t(value ? 'editor.yes' : 'editor.no');
	if (TIMES.includes(key))
		return html`<${When} at=${value}/>`;
	if (key === 'new_run_id')
		return html`<a href=${address('/runs/' + value)}>${t('run')}</a>`;
	return html`<${Text} text=${String(value)}/>`;
}

// What of the detail is said: words and numbers, not the name that stands beside it.
function Detail({one}) {
	const shown = Object.entries(one.detail ?? {}).filter(([key, value]) =>
		value !== null && value !== '' && typeof value !== 'object' && !(key === 'name' && value === one.workflow_name));

	return shown.map(([key, value], i) => html`${i > 0 ? ' · ' : ''}<span class="dim">${has('detail.' + key) ? t('detail.' + key) : html`<${Text} text=${key}/>`}:</span> ${valueOf(key, value)}`);
}

function what(word) {
	const key = 'operation.' + word.replace(' ', '_');

	return has(key) ? t(key) : word;
}

// What it was about: the run and the workflow lead to their pages.
function About({one}) {
	const {tenant} = route.value.params;

	return html`
		${one.run_id ? html`<a href=${address('/runs/' + one.run_id)}>${t('run')}</a> ` : null}
		${one.workflow_name ? html`<a href=${address('/workflows/' + one.definition_id, {tenant})}><${Text} text=${one.workflow_name}/></a> ` : null}
		${one.tenant_name && html`<span class="dim"><${Text} text=${one.tenant_name}/></span>`}`;
}

function Row({one}) {
	const {params} = route.value;

	return html`<tr>
		<td><${When} at=${one.at}/></td>
		<td class="name" data-label=${t('operations.who')}><a href=${address('/settings/operations', {...params, who: one.who, before: ''})}><${Text} text=${one.who}/></a></td>
		<th scope="row" data-label=${t('operations.what')}>${what(one.what)}</th>
		<td data-label=${one.run_id || one.workflow_name || one.tenant_name ? t('operations.about') : null}><${About} one=${one}/></td>
		<td data-label=${t('details')}><${Detail} one=${one}/></td>
	</tr>`;
}

// By whom, and what: both stand in the address.
function Filters() {
	const {who = '', what: kind = ''} = route.value.params;
	const input = useRef(null);

	function submit(event) {
		event.preventDefault();
		change({who: input.current.value.trim(), before: ''});
	}

	return html`<form class="filters" onSubmit=${submit}>
		<label><span>${t('operations.by')}</span><input ref=${input} type="search" name="who" dir="auto" maxlength="63" defaultValue=${who} key=${who}/></label>
		<label><span>${t('operations.what')}</span><select name="what" value=${kind} onChange=${event => change({what: event.target.value, before: ''})}>
			<option value="">${t('filter.any')}</option>
			${WHAT.map(one => html`<option value=${one}>${what(one)}</option>`)}</select></label>
		<button type="submit">${t('find')}</button></form>`;
}

export function Operations() {
	const {tenant, before, who, what: kind} = route.value.params;
	const state = useLoad(options => get(query('operations', {tenant, before, who, what: kind}), {...options, slot: 'list'}),
		[tenant, before, who, kind], {every: before ? 0 : 5000});
	const kept = {tenant, who, what: kind};

	return html`<div class="run-head"><h1>${t('settings.operations')}</h1>
			<${Csv} list="operations" filter=${kept}/></div><${Filters}/>
		<${Loaded} state=${state}>${({operations, next}) => operations.length === 0 ? html`<p class="empty">${t(who || kind ? 'find.none' : 'operations.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('operations.when')}</th><th scope="col">${t('operations.who')}</th><th scope="col">${t('operations.what')}</th>
				<th scope="col">${t('operations.about')}</th><th scope="col">${t('details')}</th></tr></thead>
				<tbody>${operations.map(one => html`<${Row} key=${one.id} one=${one}/>`)}</tbody></table>
				<p class="paging">${before ? html`<a href=${address('/settings/operations', kept)}>${t('runs.newest')}</a>` : html`<span></span>`}
					${next && html`<a href=${address('/settings/operations', {...kept, before: next})}>${t('runs.older')}</a>`}</p>`}</${Loaded}>`;
}
