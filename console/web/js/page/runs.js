// Runs: the newest, or those that a search and filters find.  All that chooses them
// is in the address, so that "back" and a reload keep it.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, address, change} from '../router.js';
import {post, get} from '../api.js';
import {useLoad} from '../load.js';
import {Csv} from '../ui/csv.js';
import {Loaded, Status, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

const STATUSES = ['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'];
const TIMES = {hour: 3600, day: 86400, week: 7 * 86400, month: 30 * 86400};

function body({q, status, workflow, since, until, step, error_class, before, tenant}) {
	return {
		q, workflow, until, step, error_class, before, tenant,
		status: status ? status.split(',') : undefined,
		since: since in TIMES ? new Date(Date.now() - TIMES[since] * 1000).toISOString() : since,
	};
}

function Choice({name, label, all, options}) {
	return html`<label><span>${label}</span>
		<select name=${name} value=${route.value.params[name] ?? ''} onChange=${event => change({[name]: event.target.value, before: ''})}>
			<option value="">${all}</option>
			${options.map(([value, text]) => html`<option value=${value}>${text}</option>`)}
		</select></label>`;
}

function Filters() {
	const {params} = route.value;
	const workflows = useLoad(options => get('workflows' + (params.tenant ? `?tenant=${params.tenant}` : ''), options), [params.tenant]);
	const extra = ['step', 'error_class'].filter(name => params[name]);

	return html`<div class="filters" role="group" aria-label=${t('filters')}>
		<${Choice} name="status" label=${t('status')} all=${t('filter.any')}
			options=${STATUSES.map(status => [status, t(`run.status.${status}`)])}/>
		<${Choice} name="workflow" label=${t('workflow')} all=${t('filter.any')}
			options=${(workflows.data?.workflows ?? []).map(one => [one.id, one.name])}/>
		<${Choice} name="since" label=${t('filter.since')} all=${t('filter.ever')}
			options=${Object.keys(TIMES).map(time => [time, t(`filter.since.${time}`)])}/>
		${extra.map(name => html`<button type="button" class="chip" onClick=${() => change({[name]: '', before: ''})}
			aria-label=${t('filter.remove', {what: params[name]})}><${Text} text=${params[name]}/> ×</button>`)}
	</div>`;
}

function progress({status, step, steps_total, step_name}) {
	if (status === 'completed')
		return t('run.steps.all', {n: steps_total});
	if (status === 'failed')
		return html`${t('run.failed_at', {step: step_name ?? String(step + 1)})}`;
	return t('run.steps.some', {done: step, n: steps_total});
}

function Row({run, now}) {
	const name = run.title || run.payload_head;

	return html`<li class="row">
		<a class="row-title" href=${address('/runs/' + run.run_id, {tenant: route.value.params.tenant})}><${Text} text=${name}/></a>
		<${Status} status=${run.status}/>
		<span class="row-workflow"><bdi>${run.workflow_name}</bdi> <span class="dim">v${run.version}</span>${run.tenant_name && html` · <bdi>${run.tenant_name}</bdi>`}</span>
		<span class="row-progress">${progress(run)}</span>
		<span class="row-time"><${When} at=${run.queued_at}/>
			${run.status === 'waiting' && run.run_at && html` · ${t('run.next_try')} <${When} at=${run.run_at} now=${now}/>`}
			${run.status === 'queued' && run.run_at > now && html` · ${t('run.starts')} <${When} at=${run.run_at} now=${now}/>`}</span>
		${run.error_message && html`<span class="row-error"><${Text} text=${run.error_message}/></span>`}
	</li>`;
}

function Nothing() {
	const {q} = route.value.params;

	return html`<div class="empty"><p>${q ? t('runs.none_found', {q}) : t('runs.none')}</p>
		${q && html`<p class="dim">${t('runs.none_hint')}</p>`}</div>`;
}

export function Runs() {
	const {params} = route.value;
	const state = useLoad(options => post('runs', body(params), {...options, slot: 'list'}),
		[JSON.stringify(params)], {every: params.before ? 0 : 5000});

	return html`<div class="run-head"><h1>${t('nav.runs')}</h1>
			<${Csv} list="runs" filter=${body({...params, before: undefined})}/></div>
		<${Filters}/>
		<${Loaded} state=${state}>${({runs, next, now}) => html`
			${runs.length ? html`<ul class="rows" aria-label=${t('nav.runs')}>${runs.map(run => html`<${Row} key=${run.run_id} run=${run} now=${now}/>`)}</ul>` : html`<${Nothing}/>`}
			<p class="paging">
				${params.before && html`<a href=${address('/runs', {...params, before: ''})}>${t('runs.newest')}</a>`}
				<span class="dim">${t('runs.shown', {n: runs.length})}</span>
				${next && html`<a href=${address('/runs', {...params, before: next})}>${t('runs.older')}</a>`}
			</p>`}</${Loaded}>`;
}
