// Overview: is everything all right, what broke, since when, how many.

import {html, useState} from '../../vendor/ui.js';
import {t, capped, relative} from '../i18n.js';
import {route, address} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Action, Loaded, Problem} from '../ui/parts.js';
import {Groups} from './failures.js';
import {StopDialog, Pauses} from './stop.js';

const OVERDUE = 60000;
const DAY = 86400000;

// The first of these that holds is said; each names what to do.
function sentence({health, pauses, now}) {
	const all = pauses.find(pause => !pause.workflow);

	if (health.workers === 0)
		return ['bad', t('health.no_worker')];
	if (health.paused && all)
		return ['warn', t('health.paused', {who: all.paused_by, since: relative(all.paused_at, now)})];
	if (health.oldest_due_at && new Date(now) - new Date(health.oldest_due_at) > OVERDUE)
		return ['bad', t('health.behind', {since: relative(health.oldest_due_at, now)})];
	if (health.standing_still > 0)
		return ['warn', t('health.standing_still', {n: health.standing_still})];
	if (health.last_error)
		return ['warn', t('health.last_error', {error: health.last_error})];
	if (health.failed_1h > 0)
		return ['warn', t('health.failures', {n: health.failed_1h})];
	return ['good', t('health.good', {n: health.workers ?? 0})];
}

function Count({label, value, params, bad}) {
	return html`<a class=${'count' + (bad && value > 0 ? ' bad' : '')} href=${address('/runs', {tenant: route.value.params.tenant, ...params})}>
		<strong>${capped(value)}</strong><span>${label}</span></a>`;
}

function Health({data, reload}) {
	const [dialog, open] = useState(false);
	const [kind, text] = sentence(data);
	const {health} = data;
	const {operate} = me.value.capabilities;

	return html`
		<div class=${'health ' + kind}>
			<p dir="auto">${text}</p>
			<${Action} allowed=${operate} reason=${t('needs.operate')} onClick=${() => open(true)}>${t('stop')}</${Action}>
		</div>
		<div class="counts">
			<${Count} label=${t('count.due')} value=${health.due} params=${{status: 'queued'}}/>
			<${Count} label=${t('count.running')} value=${health.running} params=${{status: 'running'}}/>
			<${Count} label=${t('count.waiting')} value=${health.waiting} params=${{status: 'waiting'}}/>
			<${Count} label=${t('count.later')} value=${health.later} params=${{status: 'queued'}}/>
			<${Count} label=${t('count.failed')} value=${health.failed_24h} params=${{status: 'failed', since: 'day'}} bad/>
		</div>
		${health.standing_still > 0 && html`<p class="note">⏸ ${t('health.standing_still', {n: health.standing_still})}
			<a href=${address('/settings/places')}>${t('places.open')}</a></p>`}
		<${Pauses} pauses=${data.pauses} now=${data.now} onDone=${reload}/>
		${dialog && html`<${StopDialog} tenant=${route.value.params.tenant} onClose=${() => open(false)} onDone=${() => { open(false); reload(); }}/>`}`;
}

// A database without a workflow: what to do first.
function Begin() {
	return html`<section class="empty"><h2>${t('begin')}</h2>
		<ol><li>${t('begin.define')}</li><li>${t('begin.fire')}</li><li>${t('begin.look')}</li></ol></section>`;
}

export function Overview() {
	const {tenant} = route.value.params;
	const health = useLoad(options => get('health' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'health'}), [tenant], {every: 5000});
	const failures = useLoad(options => post('failures', {tenant, limit: 5, since: new Date(Date.now() - DAY).toISOString()}, {...options, slot: 'failures'}),
		[tenant], {every: 5000});
	const workflows = useLoad(options => get('workflows' + (tenant ? `?tenant=${tenant}` : ''), options), [tenant]);

	return html`<h1>${t('nav.overview')}</h1>
		${health.error?.code === 'unavailable' && html`<${Problem} error=${health.error} retry=${health.reload}/>`}
		<${Loaded} state=${health}>${data => html`<${Health} data=${data} reload=${health.reload}/>`}</${Loaded}>
		${workflows.data?.workflows.length === 0 && html`<${Begin}/>`}
		<section><h2>${t('failures.today')}</h2>
			<${Loaded} state=${failures}>${data => html`<${Groups} ...${data} since=${'day'} onDone=${failures.reload}/>`}</${Loaded}></section>`;
}
