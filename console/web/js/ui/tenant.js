// Choosing a tenant: a list if there are few, else a button that opens a search.

import {html, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from './dialog.js';
import {query} from './find.js';
import {Loaded} from './parts.js';
import {Text, named} from './value.js';

// The name of a tenant, or what else it is known by.
export function Named({id, name}) {
	return name ? html`<${Text} text=${name}/>` : html`<span class="id" dir="ltr">${id}</span>`;
}

// The tenant of this id, whose name is read if the session does not know it.
export function useTenant(id) {
	const {tenants, more_tenants: many} = me.value;
	const known = tenants.find(one => one.id === id);
	const unknown = many && id && !known;
	const read = useLoad(options => unknown ? get(query('tenants/names', {tenant: id}), options)
		: Promise.resolve(null), [unknown && id]);

	return known ?? read.data?.tenants[0] ?? {id, name: null};
}

function Search({none, onChoose, onClose}) {
	const [typed, type] = useState('');
	const q = typed.trim();
	const state = useLoad(options => get(query('tenants/names', {q}), {...options, slot: 'names'}), [q]);

	return html`<${Dialog} title=${t('tenant.choose')} onClose=${onClose}>
		<label>${t('tenant.find')}<input type="search" name="tenant-find" dir="auto" maxlength="200" autofocus value=${typed} onInput=${event => type(event.target.value)}/></label>
		<${Loaded} state=${state}>${({tenants, more}) => html`
			<ul class="plain picks">
				${none && html`<li><button type="button" onClick=${() => onChoose(null)}>${none}</button></li>`}
				${tenants.map(one => html`<li key=${one.id}><button type="button" onClick=${() => onChoose(one.id)}><${Named} ...${one}/></button></li>`)}</ul>
			<p role="status" class="dim">${tenants.length === 0 ? t('tenant.none_found') : more ? t('tenant.more') : ''}</p>`}</${Loaded}>
	</${Dialog}>`;
}

// none: the words for no tenant, which is then a choice.
export function TenantChoice({value, onChoose, none, label, kind = '', name = 'tenant'}) {
	const {tenants, more_tenants: many} = me.value;
	const [searching, search] = useState(false);
	const current = useTenant(value);

	if (!many)
		return html`<label class=${kind}>${label}<select name=${name} value=${value ?? ''} onChange=${event => onChoose(event.target.value || null)}>
			${none && html`<option value="">${none}</option>`}
			${tenants.map(one => html`<option value=${one.id}>${named(one.name ?? one.id)}</option>`)}</select></label>`;

	return html`<label class=${kind}>${label}<button type="button" class="pick" aria-haspopup="dialog" onClick=${() => search(true)}>
			${value ? html`<${Named} ...${current}/>` : none ?? '–'} <span aria-hidden="true">▾</span></button></label>
		${searching && html`<${Search} none=${none} onClose=${() => search(false)} onChoose=${id => { search(false); onChoose(id); }}/>`}`;
}
