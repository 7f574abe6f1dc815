// The tenants: what they are called, what they have, and who is held.

import {html, useState} from '../../vendor/ui.js';
import {t, capped, number} from '../i18n.js';
import {route, address} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {Find, query} from '../ui/find.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, When} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Text} from '../ui/value.js';
import {Buttons, useWrite} from './repair.js';
import {ResumeDialog, StopDialog} from './stop.js';

function NameDialog({tenant, onClose, onDone}) {
	const [name, setName] = useState(tenant.name ?? '');
	const state = useWrite(async () => {
		await post(`tenants/${tenant.id}/save`, {name});
		// the chooser on top has the names too
		me.value = {...me.value, tenants: me.value.tenants.map(one =>
			one.id === tenant.id ? {...one, name: name.trim() || null} : one)};
		toast(t('saved'));
	}, onDone);

	return html`<${Dialog} title=${t('tenant.rename')} onClose=${onClose}>
		<p class="dim"><span class="id" dir="ltr">${tenant.id}</span></p>
		<label>${t('name')}<input name="name" dir="auto" maxlength="200" value=${name} onInput=${event => setName(event.target.value)}/></label>
		<${Buttons} state=${state} onClose=${onClose} label=${t('save')}/>
	</${Dialog}>`;
}

function Held({paused, now}) {
	if (!paused)
		return html`<span class="status">✓ ${t('tenant.works')}</span>`;
	return html`<span>⏸ ${t('stop.held_by', {who: paused.by ?? '?'})} <${When} at=${paused.at} now=${now}/>
		${paused.reason && html` · <${Text} text=${paused.reason}/>`}</span>`;
}

function Row({tenant, now, reload}) {
	const [dialog, open] = useState(null);
	const {operate} = me.value.capabilities;
	const close = () => { open(null); reload(); };

	return html`<tr>
		<th scope="row">${tenant.name ? html`<${Text} text=${tenant.name}/>` : html`<span class="dim">${t('tenant.no_name')}</span>`}
			<br/><span class="dim id" dir="ltr">${tenant.id}</span></th>
		<td data-label=${t('nav.workflows')}><a href=${address('/workflows', {tenant: tenant.id})}>${number(tenant.workflows)}</a></td>
		<td data-label=${t('tenant.failed')}><a class=${tenant.failed_24h > 0 ? 'bad' : ''} href=${address('/runs', {tenant: tenant.id, status: 'failed', since: 'day'})}>${capped(tenant.failed_24h)}</a></td>
		<td data-label=${t('workflow.state')}><${Held} paused=${tenant.paused} now=${now}/></td>
		<td><span class="row-actions">
			<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open('name')}>${t('tenant.rename')}</${Action}>
			${tenant.paused ? html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open('resume')}>${t('stop.resume')}…</${Action}>`
				: html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open('stop')}>${t('stop')}</${Action}>`}</span>
			${dialog === 'name' && html`<${NameDialog} tenant=${tenant} onClose=${() => open(null)} onDone=${close}/>`}
			${dialog === 'resume' && html`<${ResumeDialog} tenant=${tenant.id} name=${tenant.name ?? tenant.id} onClose=${() => open(null)} onDone=${close}/>`}
			${dialog === 'stop' && html`<${StopDialog} tenant=${tenant.id} name=${tenant.name} onClose=${() => open(null)} onDone=${close}/>`}</td>
	</tr>`;
}

export function Tenants() {
	const {find, after} = route.value.params;
	const state = useLoad(options => get(query('tenants', {q: find, after}), {...options, slot: 'list'}), [find, after], {every: 15000});

	return html`<h1>${t('settings.tenants')}</h1><${Find} label=${t('tenant.find')}/>
		<${Loaded} state=${state}>${({tenants, next, paused, now}) => html`
			${paused && html`<p class="note">⏸ ${t('stop.everything')} · ${t('stop.held_by', {who: paused.by ?? '?'})} <${When} at=${paused.at} now=${now}/>
				${paused.reason && html` · <${Text} text=${paused.reason}/>`}</p>`}
			${tenants.length === 0 ? html`<p class="empty">${t(find ? 'find.none' : 'tenants.none')}</p>`
				: html`<table class="cards"><thead><tr>
					<th scope="col">${t('name')}</th><th scope="col">${t('nav.workflows')}</th><th scope="col">${t('tenant.failed')}</th>
					<th scope="col">${t('workflow.state')}</th><th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
					<tbody>${tenants.map(tenant => html`<${Row} key=${tenant.id} tenant=${tenant} now=${now} reload=${state.reload}/>`)}</tbody></table>`}
			<p class="paging">${after ? html`<a href=${address('/settings/tenants', {find})}>${t('paging.first')}</a>` : html`<span></span>`}
				${next && html`<a href=${address('/settings/tenants', {find, after: next})}>${t('paging.next')}</a>`}</p>`}</${Loaded}>`;
}
