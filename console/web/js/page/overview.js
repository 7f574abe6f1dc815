// Overview: is everything all right, what broke, since when, how many.

import {html, useRef, useState} from '../../vendor/ui.js';
import {t, capped, duration, moment, number, relative} from '../i18n.js';
import {route, address} from '../router.js';
import {DOWN, get, post, timeAgo} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Minutes, Share} from '../ui/bars.js';
import {News} from '../ui/news.js';
import {needs} from '../ui/grant.js';
import {Action, ActionLink, Loaded} from '../ui/parts.js';
import {useTenant} from '../ui/tenant.js';
import {Groups} from './failures.js';
import {StopDialog, Pauses} from './stop.js';

const MINUTES = 60;
const MOST_COUNTED = 200;
const MOST_SHOWN = 5;
const OVERDUE = 60000;
const DAY = 86400000;

// The first of these that holds is said; each names what to do.
function sentence({health, pauses, now}) {
	const shown = route.value.params.tenant ?? me.value.tenant;
	const all = pauses.find(pause => !pause.workflow && [null, shown].includes(pause.tenant));

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
	return ['good', [t('health.good', {n: health.workers ?? 0}), t('health.rate', {n: health.completed_per_minute})].join(' ')];
}

function Count({label, value, params, bad, more}) {
	return html`<a class=${'count' + (bad && value > 0 ? ' bad' : '')} href=${address('/runs', {tenant: route.value.params.tenant, ...params})}>
		<strong>${capped(value)}</strong><span>${label}${more && html` · ${more}`}</span></a>`;
}

function Health({data, reload}) {
	const [dialog, open] = useState(false);
	const [kind, text] = sentence(data);
	const {health} = data;
	const {operate} = me.value.capabilities;
	const {tenant} = route.value.params;
	const {name} = useTenant(tenant);

	return html`
		<div class=${'health ' + kind}>
			<p dir="auto">${text}</p>
			<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open(true)}>${t('stop')}</${Action}>
		</div>
		<div class="counts">
			<${Count} label=${t('count.due')} value=${health.due} params=${{status: 'queued'}}
				more=${health.oldest_due_at && t('count.oldest', {time: duration(Math.max(0, new Date(data.now) - new Date(health.oldest_due_at)))})}/>
			<${Count} label=${t('count.running')} value=${health.running} params=${{status: 'running'}}/>
			<${Count} label=${t('count.waiting')} value=${health.waiting} params=${{status: 'waiting'}}/>
			<${Count} label=${t('count.later')} value=${health.later} params=${{status: 'queued'}}/>
			<${Count} label=${t('count.failed')} value=${health.failed_24h} params=${{status: 'failed', since: 'day'}} bad
				more=${health.failed_1h > 0 && t('count.in_hour', {n: health.failed_1h})}/>
		</div>
		${health.standing_still > 0 && html`<p class="note">⏸ ${t('health.standing_still', {n: health.standing_still})}
			<a href=${address('/settings/places')}>${t('places.open')}</a></p>`}
		<${Pauses} pauses=${data.pauses} now=${data.now} onDone=${reload}/>
		${dialog && html`<${StopDialog} tenant=${tenant} name=${name} onClose=${() => open(false)} onDone=${() => { open(false); reload(); }}/>`}`;
}

// A database without a workflow: what to do first.
function Begin() {
	const {tenant} = route.value.params;

	return html`<section class="empty"><h2>${t('begin')}</h2>
		<ol><li>${t('begin.define')} <${ActionLink} allowed=${me.value.capabilities.operate} reason=${needs('operate')} href=${address('/workflows/new', {tenant})}>${t('editor.new')}</${ActionLink}></li>
			<li>${t('begin.fire')} <code dir="ltr">SELECT wf_fire(tenant, 'new_order', '{"order_id": 12345}');</code></li><li>${t('begin.look')}</li></ol></section>`;
}

// Since when the server has not answered, or null.
function useDown(error) {
	const since = useRef(null);
	const down = DOWN.includes(error?.code);

	since.current = down ? since.current ?? timeAgo() : null;
	return since.current;
}

function Hour() {
	const {tenant} = route.value.params;
	const state = useLoad(options => get('activity' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'activity'}), [tenant], {every: 60000});

	return html`<section><h2>${t('activity')}</h2>
		<${Loaded} state=${state}>${({minutes, from}) => html`<${Minutes} minutes=${minutes} count=${MINUTES}/>
			${from && html`<p class="dim">${t('activity.from', {since: moment(from)})}</p>`}`}</${Loaded}></section>`;
}

// The workflows with most runs of the last day.
function Busiest({workflows}) {
	const {tenant} = route.value.params;
	const ids = workflows.slice(0, MOST_COUNTED).map(one => one.id);
	const state = useLoad(options => post('workflows/counts', {ids}, {...options, slot: 'busiest'}), [ids.join()], {every: 60000});
	const name = id => workflows.find(one => one.id === id);

	return html`<section><h2>${t('busiest')}</h2>
		<${Loaded} state=${state}>${({counts}) => {
			const all = counts.map(one => ({...one, n: one.completed + one.failed})).filter(one => one.n > 0 && name(one.id))
				.sort((a, b) => b.n - a.n).slice(0, MOST_SHOWN);

			return all.length === 0 ? html`<p class="empty">${t('runs.none')}</p>` : html`<ul class="plain">${all.map(one => html`<li key=${one.id}>
				<a href=${address('/runs', {workflow: one.id, since: 'day', tenant})}><bdi>${name(one.id).name}</bdi></a>
				${name(one.id).tenant_name && html`<span class="dim"> · <bdi>${name(one.id).tenant_name}</bdi></span>`}
				${' '}${number(one.n)}${one.capped || one.failed > 1000 ? '+' : ''}<${Share} share=${one.n / all[0].n}/></li>`)}</ul>`;
		}}</${Loaded}></section>`;
}

export function Overview() {
	const {tenant} = route.value.params;
	const health = useLoad(options => get('health' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'health'}), [tenant], {every: 5000});
	const failures = useLoad(options => post('failures', {tenant, limit: MOST_SHOWN + 1, since: timeAgo(DAY)}, {...options, slot: 'failures'}),
		[tenant], {every: 5000});
	const workflows = useLoad(options => get('workflows' + (tenant ? `?tenant=${tenant}` : ''), options), [tenant]);
	const down = useDown(health.error);

	return html`<h1>${t('nav.overview')}</h1>
		<${News} n=${health.loading || !health.data ? null : health.data.health.failed_1h}/>
		${down ? html`<div class="health bad" role="alert"><p>${t('health.down', {since: moment(down)})}</p></div>`
			: html`<${Loaded} state=${health}>${data => html`<${Health} data=${data} reload=${health.reload}/>`}</${Loaded}>`}
		${workflows.data?.workflows.length === 0 && html`<${Begin}/>`}
		<section><h2>${t('failures.today')}</h2>
			<${Loaded} state=${failures}>${data => html`<${Groups} ...${data} groups=${data.groups.slice(0, MOST_SHOWN)} since=${'day'} onDone=${() => { failures.reload(); health.reload(); }}/>
				${data.groups.length > MOST_SHOWN && html`<p><a href=${address('/failures', {tenant})}>${t('failures.all')}</a></p>`}`}</${Loaded}></section>
		<div class="halves"><${Hour}/>
			${workflows.data && html`<${Busiest} workflows=${workflows.data.workflows}/>`}</div>`;
}
