// What fires by itself: the next five times of each, and its last run.

import {html, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, address} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Find, query} from '../ui/find.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, When} from '../ui/parts.js';
import {Text, visible} from '../ui/value.js';
import {ResumeDialog, StopDialog} from './stop.js';

function State({one}) {
	return html`
		${!one.is_active ? html`<span class="status dim">⊘ ${t('workflow.off')}</span>`
			: one.paused ? html`<span class="status">⏸ ${t('workflow.paused')}</span>`
				: !one.error && html`<span class="status">✓ ${t('workflow.on')}</span>`}
		${one.error && html`<p class="step-error">✕ <${Text} text=${one.error}/></p>`}`;
}

function Times({one, now}) {
	if (one.times.length === 0)
		return html`<span class="dim">${t(one.error ? 'schedule.unknown' : 'schedule.never')}</span>`;
	return html`<${When} at=${one.times[0]}/> <span class="dim">(<${When} at=${one.times[0]} now=${now}/>)</span>
		<details><summary>${t('schedule.times')}</summary><ol class="plain">${one.times.map(at => html`<li><${When} at=${at}/></li>`)}</ol></details>`;
}

// Holding it, or letting it go on: the workflow, not what holds all of its tenant.
function Hold({one, reload}) {
	const [dialog, open] = useState(false);
	const {operate} = me.value.capabilities;
	const workflow = {id: one.definition_id, tenant_name: one.tenant_name, name: one.workflow_name, version: one.version, is_active: one.is_active};

	const close = () => open(false);
	const done = () => { open(false); reload(); };

	if (one.paused_itself)
		return html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open(true)}>${t('stop.resume')}…<span class="hidden"> ${visible(one.workflow_name)}</span></${Action}>
			${dialog && html`<${ResumeDialog} tenant=${one.tenant_id} workflow=${one.definition_id} name=${one.workflow_name} onClose=${close} onDone=${done}/>`}`;
	if (one.paused)
		return html`<${Action} allowed=${false} reason=${t('schedule.held_above')}>${t('stop.resume')}</${Action}>`;
	if (!one.is_active)
		return null;
	return html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open(true)}>${t('stop')}<span class="hidden"> ${visible(one.workflow_name)}</span></${Action}>
		${dialog && html`<${StopDialog} tenant=${one.tenant_id} workflow=${workflow} onClose=${close} onDone=${done}/>`}`;
}

function Row({one, now, reload}) {
	const {tenant} = route.value.params;
	const spelled = one.cron && one.schedule !== `${one.cron} ${one.time_zone}`;

	return html`<tr>
		<th scope="row"><a href=${address('/workflows/' + one.definition_id, {tenant})}><${Text} text=${one.workflow_name}/></a>
			${one.tenant_name && html`<br/><span class="dim"><${Text} text=${one.tenant_name}/></span>`}</th>
		<td data-label=${t('schedule')}><${Text} text=${one.schedule}/>
			${spelled && html`<br/><span class="id dim" dir="ltr"><${Text} text=${`${one.cron} ${one.time_zone}`}/></span>`}</td>
		<td data-label=${t('schedule.next')}><${Times} one=${one} now=${now}/>
			${(!one.is_active || one.paused) && html`<p class="note">${t('schedule.idle')}</p>`}</td>
		<td data-label=${t('schedule.last')}>${one.last_at ? html`${one.last_run_id ? html`<a href=${address('/runs/' + one.last_run_id)}><${When} at=${one.last_at}/></a>`
			: html`<${When} at=${one.last_at}/>`}` : html`<span class="dim">–</span>`}</td>
		<td data-label=${t('workflow.state')}><${State} one=${one}/></td>
		<td><span class="row-actions"><${Hold} one=${one} reload=${reload}/></span></td>
	</tr>`;
}

export function Schedules() {
	const {tenant, find} = route.value.params;
	const loaded = useLoad(options => get(query('schedules', {tenant, q: find}), {...options, slot: 'list'}), [tenant, find], {every: 15000});

	return html`<h1>${t('settings.schedules')}</h1><${Find} label=${t('find.schedule')}/>
		<${Loaded} state=${loaded}>${({schedules, more, now}) => schedules.length === 0 ? html`<p class="empty">${t(find ? 'find.none' : 'schedules.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('workflow')}</th><th scope="col">${t('schedule')}</th><th scope="col">${t('schedule.next')}</th>
				<th scope="col">${t('schedule.last')}</th><th scope="col">${t('workflow.state')}</th><th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
				<tbody>${schedules.map(one => html`<${Row} key=${one.definition_id + one.schedule} one=${one} now=${now} reload=${loaded.reload}/>`)}</tbody></table>
				${more && html`<p class="note">${t('find.more', {n: schedules.length})}</p>`}`}</${Loaded}>`;
}
