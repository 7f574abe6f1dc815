// The connections: where steps send, who uses them, and what of their credentials may
// be known: whether there is one, and the name of its file.  A secret never comes here.

import {html, useState} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {route, address} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {Action, Loaded} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Buttons, useWrite} from './repair.js';
import {ConnectionDialog, said, shapeOf} from './connection.js';

function Credentials({shape}) {
	const rows = shapeOf(shape);

	if (rows.length === 0)
		return html`<span class="dim">–</span>`;
	return html`<ul class="plain">${rows.map(({path, value}) => html`<li><span class="id" dir="ltr">${path.join('.')}</span>: ${said(value)}</li>`)}</ul>`;
}

function Users({connection}) {
	if (connection.workflows === 0)
		return html`<span class="dim">${t('connection.unused')}</span>`;
	return html`<details><summary>${number(connection.workflows)}</summary><ul class="plain">${connection.used_by.map(one => html`<li>
		<a href=${address('/runs', {tenant: one.tenant_id, workflow: one.definition_id})}><bdi>${one.workflow_name}</bdi></a></li>`)}</ul></details>`;
}

function DeleteDialog({connection, onClose, onDone}) {
	const state = useWrite(async () => {
		await post(`connections/${connection.id}/delete`, {});
		toast(t('deleted'));
	}, onDone);

	return html`<${Dialog} title=${t('delete')} onClose=${onClose}>
		<p>${t('connection.delete', {name: connection.name})}</p>
		${connection.workflows > 0 && html`<p class="note">⚠ ${t('connection.delete.used', {n: connection.workflows})}</p>`}
		<${Buttons} state=${state} onClose=${onClose} label=${t('delete')} danger/>
	</${Dialog}>`;
}

function Row({connection, keys, reload}) {
	const [dialog, open] = useState(null);
	const {admin} = me.value.capabilities;
	const done = () => { open(null); reload(); };

	return html`<tr>
		<th scope="row"><bdi>${connection.name}</bdi><br/><span class="dim">${connection.tenant_id ? html`<bdi>${connection.tenant_name ?? connection.tenant_id}</bdi>` : t('tenant.all')}</span></th>
		<td data-label=${t('connection.kind')}><span class="id" dir="ltr">${connection.kind}</span></td>
		<td data-label=${t('connection.credentials')}><${Credentials} shape=${connection.credentials}/></td>
		<td data-label=${t('used_by')}><${Users} connection=${connection}/></td>
		<td><span class="row-actions">
			<${Action} allowed=${admin} reason=${t('needs.admin')} onClick=${() => open('edit')}>${t('edit')}<span class="hidden"> ${connection.name}</span></${Action}>
			<${Action} kind="danger" allowed=${admin} reason=${t('needs.admin')} onClick=${() => open('delete')}>${t('delete')}…<span class="hidden"> ${connection.name}</span></${Action}></span>
			${dialog === 'edit' && html`<${ConnectionDialog} connection=${connection} keys=${keys} onClose=${() => open(null)} onDone=${done}/>`}
			${dialog === 'delete' && html`<${DeleteDialog} connection=${connection} onClose=${() => open(null)} onDone=${done}/>`}</td>
	</tr>`;
}

export function Connections() {
	const {tenant} = route.value.params;
	const [adding, add] = useState(false);
	const {admin} = me.value.capabilities;
	const state = useLoad(options => get('connections' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'list'}), [tenant]);

	return html`<h1>${t('settings.connections')}</h1>
		<p><${Action} allowed=${admin} reason=${t('needs.admin')} onClick=${() => add(true)}>+ ${t('connection.new')}</${Action}></p>
		<${Loaded} state=${state}>${({connections, keys}) => html`
			${connections.length === 0 ? html`<p class="empty">${t('connections.none')}</p>`
				: html`<table class="cards"><thead><tr>
					<th scope="col">${t('name')}</th><th scope="col">${t('connection.kind')}</th><th scope="col">${t('connection.credentials')}</th>
					<th scope="col">${t('used_by')}</th><th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
					<tbody>${connections.map(connection => html`<${Row} key=${connection.id} connection=${connection} keys=${keys} reload=${state.reload}/>`)}</tbody></table>`}
			${adding && html`<${ConnectionDialog} connection=${null} keys=${keys} onClose=${() => add(false)} onDone=${() => { add(false); state.reload(); }}/>`}`}</${Loaded}>`;
}
