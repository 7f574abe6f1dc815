// The connections: where steps send, who uses them, and what of their credentials may
// be known: whether there is one, and the name of its file.  A secret never comes here.

import {html, useState} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {route, address} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {Find, query} from '../ui/find.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, When} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Text, visible} from '../ui/value.js';
import {Buttons, useWrite} from './repair.js';
import {ConnectionDialog, said, shapeOf} from './connection.js';

function Credentials({shape}) {
	const rows = shapeOf(shape);

	if (rows.length === 0)
		return html`<span class="dim">–</span>`;
	return html`<ul class="plain">${rows.map(({path, value}) => html`<li><span class="id" dir="ltr"><${Text} text=${path.join('.')}/></span>: ${said(value)}</li>`)}</ul>`;
}

function List({connection}) {
	const {used_by: known, workflows} = connection;

	return html`<ul class="plain">${known.map(one => html`<li key=${one.definition_id}>
			<a href=${address('/workflows/' + one.definition_id)}><${Text} text=${one.workflow_name}/></a>${one.tenant_name && html` <span class="dim">· <${Text} text=${one.tenant_name}/></span>`}</li>`)}
		${workflows > known.length && html`<li>${t('used_by.more', {n: workflows - known.length})}</li>`}</ul>`;
}

function Users({connection}) {
	if (connection.workflows === 0)
		return html`<span class="dim">${t('connection.unused')}</span>`;
	return html`<details><summary>${number(connection.workflows)}</summary><${List} connection=${connection}/></details>`;
}

// What workflows use is deleted only by somebody who has said that they may fail.
function DeleteDialog({connection, onClose, onDone}) {
	const [sure, setSure] = useState(false);
	const used = connection.workflows > 0;
	const state = useWrite(async () => {
		await post(`connections/${connection.id}/delete`, {base_version: connection.version, even_if_used: used && sure});
		toast(t('deleted'));
	}, onDone);

	return html`<${Dialog} title=${t('delete')} onClose=${onClose}>
		<p>${t('connection.delete', {name: connection.name})}</p>
		${used && html`<p class="note">⚠ ${t('connection.delete.used', {n: connection.workflows})}</p><${List} connection=${connection}/>
			<label class="choice"><input type="checkbox" name="sure" checked=${sure} onChange=${event => setSure(event.target.checked)}/> ${t('connection.delete.sure')}</label>`}
		<${Buttons} state=${state} onClose=${onClose} label=${t('delete')} danger disabled=${used && !sure}/>
	</${Dialog}>`;
}

function Row({connection, keys, reload}) {
	const [dialog, open] = useState(null);
	const {admin} = me.value.capabilities;
	const done = () => { open(null); reload(); };
	const {changed} = connection;

	return html`<tr>
		<th scope="row"><${Text} text=${connection.name}/><br/><span class="dim">${connection.tenant_id ? html`<${Text} text=${connection.tenant_name ?? connection.tenant_id}/>` : t('tenant.all')}</span></th>
		<td data-label=${t('connection.kind')}>${t('connection.kind.' + connection.kind)}</td>
		<td data-label=${t('connection.credentials')}><${Credentials} shape=${connection.credentials}/></td>
		<td data-label=${t('used_by')}><${Users} connection=${connection}/></td>
		<td class="name" data-label=${t('workflow.changed')}>${changed ? html`<${Text} text=${changed.by}/> <${When} at=${changed.at}/>` : html`<span class="dim">–</span>`}</td>
		<td><span class="row-actions">
			<${Action} allowed=${admin} reason=${needs('admin')} onClick=${() => open('edit')}>${t('edit')}<span class="hidden"> ${visible(connection.name)}</span></${Action}>
			<${Action} kind="danger" allowed=${admin} reason=${needs('admin')} onClick=${() => open('delete')}>${t('delete')}…<span class="hidden"> ${visible(connection.name)}</span></${Action}></span>
			${dialog === 'edit' && html`<${ConnectionDialog} connection=${connection} keys=${keys} onClose=${() => { open(null); reload(); }} onDone=${done}/>`}
			${dialog === 'delete' && html`<${DeleteDialog} connection=${connection} onClose=${() => { open(null); reload(); }} onDone=${done}/>`}</td>
	</tr>`;
}

export function Connections() {
	const {tenant, find} = route.value.params;
	const [adding, add] = useState(false);
	const {admin} = me.value.capabilities;
	const state = useLoad(options => get(query('connections', {tenant, q: find}), {...options, slot: 'list'}), [tenant, find]);

	return html`<h1>${t('settings.connections')}</h1>
		<${Find} label=${t('find.name')}><${Action} allowed=${admin} reason=${needs('admin')} onClick=${() => add(true)}>+ ${t('connection.new')}</${Action}></${Find}>
		<${Loaded} state=${state}>${({connections, keys, more}) => html`
			${connections.length === 0 ? html`<p class="empty">${t(find ? 'find.none' : 'connections.none')}</p>`
				: html`<table class="cards"><thead><tr>
					<th scope="col">${t('name')}</th><th scope="col">${t('connection.kind')}</th><th scope="col">${t('connection.credentials')}</th>
					<th scope="col">${t('used_by')}</th><th scope="col">${t('workflow.changed')}</th><th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
					<tbody>${connections.map(connection => html`<${Row} key=${connection.id} connection=${connection} keys=${keys} reload=${state.reload}/>`)}</tbody></table>`}
			${more && html`<p class="note">${t('find.more', {n: connections.length})}</p>`}
			${adding && html`<${ConnectionDialog} connection=${null} keys=${keys} onClose=${() => add(false)} onDone=${() => { add(false); state.reload(); }}/>`}`}</${Loaded}>`;
}
