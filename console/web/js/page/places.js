// What came in with a copy of the database and stands still, until somebody says that
// it is executed here, or that it is cancelled.

import {html, useState} from '../../vendor/ui.js';
import {t, capped, number} from '../i18n.js';
import {address} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {Action, Loaded, When} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Text} from '../ui/value.js';
import {Buttons, useWrite} from './repair.js';

// Who may decide: places concern every tenant.
function mayDecide() {
	return me.value.capabilities.admin && me.value.bound === 'all';
}

function Workflows({workflows}) {
	return workflows.length === 0 ? null : html`<ul class="plain">${workflows.map(one => html`<li key=${one.definition_id}>
		<a href=${address('/workflows/' + one.definition_id)}><${Text} text=${one.workflow_name}/></a>${one.tenant_name && html` <span class="dim">· <${Text} text=${one.tenant_name}/></span>`}: ${capped(one.runs)}</li>`)}</ul>`;
}

// how: 'accept' or 'discard'.  Accepting wants a tick, since it may send things twice.
function Decide({how, place, onClose, onDone}) {
	const [sure, setSure] = useState(false);
	const state = useWrite(async () => {
		const {runs} = await post('places/' + how, {place: place.place});

		toast(t(`place.${how}.done`, {n: runs}));
	}, onDone);

	return html`<${Dialog} title=${t('place.' + how)} onClose=${onClose}>
		<p>${t(`place.${how}.runs`, {n: place.runs})}</p>
		${place.schedules > 0 && html`<p>${t(`place.${how}.schedules`, {n: place.schedules})}</p>`}
		<${Workflows} workflows=${place.workflows}/>
		${how === 'accept' && html`<p class="note">⚠ ${t('place.twice')}</p>
			<label class="choice"><input type="checkbox" name="sure" checked=${sure} onChange=${event => setSure(event.target.checked)}/> ${t('place.sure')}</label>`}
		<${Buttons} state=${state} onClose=${onClose} label=${t('place.' + how)} danger disabled=${how === 'accept' && !sure}/>
	</${Dialog}>`;
}

function Place({place, now, reload}) {
	const [dialog, open] = useState(null);

	return html`<li class="step">
		<p><strong>${t('place.runs', {n: place.runs})}</strong>${place.schedules > 0 && html` · ${t('place.schedules', {n: place.schedules})}`}${place.oldest && html` · ${t('place.oldest')} <${When} at=${place.oldest}/> (<${When} at=${place.oldest} now=${now}/>)`} · ${place.accepted ? html`✓ ${t('place.accepted')}` : html`⏸ ${t('place.still')}`}</p>
		<p class="dim">${t('place')} <span class="id" dir="ltr">${place.place}</span></p>
		<${Workflows} workflows=${place.workflows}/>
		<p class="row-actions">${!place.accepted && html`<button type="button" onClick=${() => open('accept')}>${t('place.accept')}…</button>`}
			<button type="button" class="danger" onClick=${() => open('discard')}>${t('place.discard')}…</button></p>
		${dialog && html`<${Decide} how=${dialog} place=${place} onClose=${() => open(null)} onDone=${() => { open(null); reload(); }}/>`}
	</li>`;
}

function List() {
	const state = useLoad(options => get('places', {...options, slot: 'list'}), [], {every: 15000});

	return html`<${Loaded} state=${state}>${({places, now}) => places.length === 0 ? html`<p class="empty">${t('places.none')}</p>`
		: html`<ul class="plain">${places.map(place => html`<${Place} key=${place.place} place=${place} now=${now} reload=${state.reload}/>`)}</ul>`}</${Loaded}>`;
}

// For those who may not decide: how much it is, and why they may not.
function Told() {
	const state = useLoad(options => get('health', {...options, slot: 'list'}), [], {every: 15000});

	return html`<${Loaded} state=${state}>${({health}) => health.standing_still === 0 ? html`<p class="empty">${t('places.none')}</p>`
		: html`<p><strong>${health.standing_still > 10000 ? number(10000) + '+' : t('place.runs', {n: health.standing_still})}</strong> · ⏸ ${t('place.still')}</p>
			<p class="row-actions"><${Action} allowed=${false} reason=${t('needs.places')}>${t('place.accept')}…</${Action}>
				<${Action} allowed=${false} reason=${t('needs.places')}>${t('place.discard')}…</${Action}></p>
			<p class="note">${t('needs.places')}</p>`}</${Loaded}>`;
}

export function Places() {
	return html`<h1>${t('settings.places')}</h1>
		<p>${t('places.what')}</p>
		${mayDecide() ? html`<${List}/>` : html`<${Told}/>`}`;
}
