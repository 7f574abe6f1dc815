// What fires by itself: the next five times of each, and its last run.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, address} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

function state({is_active, paused, error}) {
	if (!is_active)
		return html`<span class="dim">⊘ ${t('workflow.off')}</span>`;
	if (paused)
		return html`<span>⏸ ${t('workflow.paused')}</span>`;
	if (error)
		return html`<span class="bad">✕ <${Text} text=${error}/></span>`;
	return html`<span>✓ ${t('workflow.on')}</span>`;
}

function Row({one, now}) {
	const {tenant} = route.value.params;
	const fires = one.is_active && !one.paused;

	return html`<tr>
		<th scope="row"><a href=${address('/runs', {tenant, workflow: one.definition_id})}><bdi>${one.workflow_name}</bdi></a>
			${one.tenant_name && html`<br/><span class="dim"><bdi>${one.tenant_name}</bdi></span>`}</th>
		<td data-label=${t('schedule')}><bdi>${one.schedule}</bdi></td>
		<td data-label=${t('schedule.next')}>${one.times.length === 0 ? t('schedule.never')
			: html`<${When} at=${one.times[0]}/> <span class="dim">(<${When} at=${one.times[0]} now=${now}/>)</span>
				<details><summary>${t('schedule.times')}</summary><ol class="plain">${one.times.map(at => html`<li><${When} at=${at}/></li>`)}</ol></details>`}
			${!fires && html`<p class="note">${t('schedule.idle')}</p>`}</td>
		<td data-label=${t('schedule.last')}>${one.last_at ? html`${one.last_run_id ? html`<a href=${address('/runs/' + one.last_run_id)}><${When} at=${one.last_at}/></a>`
			: html`<${When} at=${one.last_at}/>`}` : html`<span class="dim">–</span>`}</td>
		<td data-label=${t('workflow.state')}>${state(one)}</td>
	</tr>`;
}

export function Schedules() {
	const {tenant} = route.value.params;
	const loaded = useLoad(options => get('schedules' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'list'}), [tenant], {every: 15000});

	return html`<h1>${t('settings.schedules')}</h1>
		<${Loaded} state=${loaded}>${({schedules, now}) => schedules.length === 0 ? html`<p class="empty">${t('schedules.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('workflow')}</th><th scope="col">${t('schedule')}</th><th scope="col">${t('schedule.next')}</th>
				<th scope="col">${t('schedule.last')}</th><th scope="col">${t('workflow.state')}</th></tr></thead>
				<tbody>${schedules.map(one => html`<${Row} key=${one.definition_id + one.schedule} one=${one} now=${now}/>`)}</tbody></table>`}</${Loaded}>`;
}
