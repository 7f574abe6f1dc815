// Who did what by hand, the newest first.

import {html} from '../../vendor/ui.js';
import {t, has} from '../i18n.js';
import {route, address} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {Csv} from '../ui/csv.js';
import {Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

const CHANGES = ['insert', 'update', 'delete'];

function valueOf(key, value) {
	if (key === 'change' && CHANGES.includes(value))
		return t('detail.change.' + value);
	if (key === 'active')
		return t(value ? 'workflow.on' : 'workflow.off');
	return html`<${Text} text=${String(value)}/>`;
}

// What of the detail is said: words and numbers, not the name that stands beside it.
function Detail({one}) {
	const shown = Object.entries(one.detail ?? {}).filter(([key, value]) =>
		value !== null && value !== '' && typeof value !== 'object' && !(key === 'name' && value === one.workflow_name));

	return shown.map(([key, value], i) => html`${i > 0 ? ' · ' : ''}<span class="dim">${has('detail.' + key) ? t('detail.' + key) : key}:</span> ${valueOf(key, value)}`);
}

function Row({one}) {
	const {tenant} = route.value.params;

	return html`<tr>
		<td><${When} at=${one.at}/></td>
		<td data-label=${t('operations.who')}><bdi>${one.who}</bdi></td>
		<th scope="row" data-label=${t('operations.what')}>${t('operation.' + one.what.replace(' ', '_'))}</th>
		<td data-label=${one.run_id || one.workflow_name || one.tenant_name ? t('operations.about') : null}>
			${one.run_id ? html`<a href=${address('/runs/' + one.run_id)}>${t('run')}</a> ` : null}
			${one.workflow_name ? html`<a href=${address('/runs', {tenant, workflow: one.definition_id})}><bdi>${one.workflow_name}</bdi></a> ` : null}
			${one.tenant_name && html`<span class="dim"><bdi>${one.tenant_name}</bdi></span>`}</td>
		<td data-label=${t('details')}><${Detail} one=${one}/></td>
	</tr>`;
}

export function Operations() {
	const {tenant, before} = route.value.params;
	const query = new URLSearchParams(Object.entries({tenant, before}).filter(([, value]) => value));
	const state = useLoad(options => get('operations?' + query, {...options, slot: 'list'}),
		[tenant, before], {every: before ? 0 : 5000});

	return html`<div class="run-head"><h1>${t('settings.operations')}</h1>
			<${Csv} list="operations" filter=${{tenant}}/></div>
		<${Loaded} state=${state}>${({operations, next}) => operations.length === 0 ? html`<p class="empty">${t('operations.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('operations.when')}</th><th scope="col">${t('operations.who')}</th><th scope="col">${t('operations.what')}</th>
				<th scope="col">${t('operations.about')}</th><th scope="col">${t('details')}</th></tr></thead>
				<tbody>${operations.map(one => html`<${Row} key=${one.id} one=${one}/>`)}</tbody></table>
				<p class="paging">${before ? html`<a href=${address('/settings/operations', {tenant})}>${t('runs.newest')}</a>` : html`<span></span>`}
					${next && html`<a href=${address('/settings/operations', {tenant, before: next})}>${t('runs.older')}</a>`}</p>`}</${Loaded}>`;
}
