// Runs: the newest, or those that a search and filters find.  All that chooses them
// is in the address, so that "back" and a reload keep it.  What is shown stays in its
// place: rows change their state, and new ones wait until somebody wants to see them.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, duration} from '../i18n.js';
import {route, address, change} from '../router.js';
import {get, post, timeAgo} from '../api.js';
import {listKeys} from '../keys.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Csv} from '../ui/csv.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, Status, When, said} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Text, named} from '../ui/value.js';
import {BulkDialog, CANCELLED, RETRIED} from './bulk.js';

const STATUSES = ['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'];
const TIMES = {hour: 3600, day: 86400, week: 7 * 86400, month: 30 * 86400};
// Of a search so many runs are taken for "all that match", a page at a time.
const OF_SEARCH = 1000;
// When a run starts that is held.
const NEVER = 8e15;

function sinceOf(since) {
	return since in TIMES ? timeAgo(TIMES[since] * 1000) : since;
}

function body({q, status, workflow, since, until, step, error_class, before, tenant}) {
	return {
		q, workflow, until, step, error_class, before, tenant,
		status: status ? status.split(',') : undefined,
		since: sinceOf(since),
	};
}

// --- What is shown

// The smallest id that is greater.
function idAfter(id) {
	const next = (BigInt('0x' + id.replaceAll('-', '')) + 1n).toString(16).padStart(32, '0');

	return next.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

// The page that is shown, with its rows as they are now, and how many more there are.  A
// row that the filter no longer finds is said to have changed.
function merged(old, fresh, present) {
	const now = new Map(present.runs.map(run => [run.run_id, run]));
	const shown = new Set(old.runs.map(run => run.run_id));
	const last = old.runs.at(-1).run_id;
	const missing = new Map([...fresh.runs, ...present.runs].filter(run => !shown.has(run.run_id) &&
		(run.run_id > last || !old.next)).map(run => [run.run_id, run]));

	return {...old, now: fresh.now, newer: missing.size,
		runs: old.runs.map(run => now.get(run.run_id) ?? {...run, left: true})};
}

function useRuns(params) {
	const shown = useRef(null);
	const read = (options, changes) => post('runs' + (params.longer ? '?longer=1' : ''),
		{...body(params), ...changes}, {...options, slot: 'list'});

	return useLoad(async options => {
		const old = options.poll ? shown.current : null;
		const fresh = await read(options);

		if (!old?.runs.length) {
			shown.current = {...fresh, newer: 0};
		} else {
			const first = old.runs[0].run_id;
			const newer = fresh.runs.some(run => run.run_id > first);

			shown.current = merged(old, fresh, newer ? await read(options, {before: idAfter(first)}) : fresh);
		}
		return shown.current;
	// a search that took too long would take as long again
	}, [], {every: (data, error) => params.q && error?.code === 'timeout' ? 0 : params.q || params.before ? 10000 : 5000});
}

// --- Filters

function Choice({name, label, all, options}) {
	return html`<label><span>${label}</span>
		<select name=${name} value=${route.value.params[name] ?? ''} onChange=${event => change({[name]: event.target.value, before: '', longer: ''})}>
			<option value="">${all}</option>
			${options.map(([value, text]) => html`<option value=${value}>${text}</option>`)}
		</select></label>`;
}

// A moment as the field shows it, which knows no zone but the browser's.
function local(iso) {
	const at = new Date(iso);

	return Number.isNaN(at.getTime()) ? '' : new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function Filters() {
	const {params} = route.value;
	const workflows = useLoad(options => get('workflows' + (params.tenant ? `?tenant=${params.tenant}` : ''), options), [params.tenant]);
	const extra = ['step', 'error_class'].filter(name => params[name]);
	const goTo = event => change({until: event.target.value && new Date(event.target.value).toISOString(), before: '', longer: ''});

	return html`<div class="filters" role="group" aria-label=${t('filters')}>
		<${Choice} name="status" label=${t('status')} all=${t('filter.any')}
			options=${STATUSES.map(status => [status, t(`run.status.${status}`)])}/>
		<${Choice} name="workflow" label=${t('workflow')} all=${t('filter.any')}
			options=${(workflows.data?.workflows ?? []).map(one => [one.id, one.tenant_name ? `${named(one.name)} · ${named(one.tenant_name)}` : named(one.name)])}/>
		<${Choice} name="since" label=${t('filter.since')} all=${t('filter.ever')}
			options=${Object.keys(TIMES).map(time => [time, t(`filter.since.${time}`)])}/>
		<label><span>${t('filter.until')}</span>
			<input type="datetime-local" name="until" value=${params.until ? local(params.until) : ''} onChange=${goTo}/></label>
		${extra.map(name => html`<button type="button" class="chip" onClick=${() => change({[name]: '', before: '', longer: ''})}
			aria-label=${t('filter.remove', {what: params[name]})}><${Text} text=${params[name]}/> ×</button>`)}
	</div>`;
}

// --- Rows

function progress({status, step, steps_total, step_name}) {
	if (status === 'completed')
		return t('run.steps.all', {n: steps_total});
	if (status === 'failed')
		return html`${t('run.failed_at', {step: step_name ?? String(step + 1)})}`;
	return t('run.steps.some', {done: step, n: steps_total});
}

function Row({run, now, chosen, choose, retry}) {
	const name = run.title || run.payload_head;

	return html`<li class=${run.left ? 'row left' : 'row'}>
		<label class="row-choice"><input type="checkbox" checked=${chosen} onChange=${event => choose(run, event.target.checked)}/>
			<span class="hidden">${t('runs.choose', {what: name})}</span></label>
		<a class="row-title" data-id=${run.run_id} href=${address('/runs/' + run.run_id, {tenant: route.value.params.tenant})}><${Text} text=${name}/></a>
		${run.left ? html`<span class="status">${t('runs.left')}</span>` : html`<${Status} status=${run.status}/>`}
		<span class="row-workflow"><bdi>${run.workflow_name}</bdi> <span class="dim">v${run.version}</span>${run.tenant_name && html` · <bdi>${run.tenant_name}</bdi>`}</span>
		<span class="row-progress">${progress(run)}</span>
		<span class="row-time"><${When} at=${run.queued_at}/>
			${run.started_at && run.completed_at && html` · ${duration(new Date(run.completed_at) - new Date(run.started_at))}`}
			${run.status === 'waiting' && run.run_at && html` · ${t('run.next_try')} <${When} at=${run.run_at} now=${now}/>${run.attempt > 0 && html` · ${t('step.tries', {n: run.attempt})}`}`}
			${run.status === 'queued' && run.run_at > now && html` · ${t('run.starts')} <${When} at=${run.run_at} now=${now}/>`}
			${run.status === 'queued' && !run.run_at && html` · ${t('run.held')}`}</span>
		${run.error_message && html`<span class="row-error"><${Text} text=${run.error_message}/></span>`}
		${run.status === 'failed' && !run.left && html`<${Action} kind="row-retry" allowed=${me.value.capabilities.operate} reason=${needs('operate')} onClick=${() => retry(run)}>${t('retry')}</${Action}>`}
	</li>`;
}

// The ids of what a search finds and may be done to.
async function gather(params, statuses) {
	const ids = [];
	let before;

	do {
		const page = await post('runs?longer=1', {...body(params), before});

		ids.push(...page.runs.filter(run => statuses.includes(run.status)).map(run => run.run_id));
		before = page.next;
	} while (before && ids.length < OF_SEARCH);
	return ids.slice(0, OF_SEARCH);
}

// What may be done to the rows that are chosen or, if none is, to all that match.
function Tools({runs, chosen, chooseAll, ask}) {
	const {params} = route.value;
	const {operate} = me.value.capabilities;
	const picked = runs.filter(run => chosen.has(run.run_id));
	const button = (what, statuses) => {
		const ids = picked.filter(run => statuses.includes(run.status)).map(run => run.run_id);
		const fits = picked.length ? ids.length > 0 : !params.status || statuses.includes(params.status);
		const key = picked.length ? 'chosen' : 'all';

		return html`<${Action} allowed=${operate && fits} reason=${operate ? t('run.not_now') : needs('operate')}
			onClick=${() => ask(what, picked.length ? ids : null)}>${t(`runs.${what}.${key}`, {n: ids.length})}</${Action}>`;
	};

	return html`<div class="tools" role="group" aria-label=${t('actions')}>
		<label class="choice"><input type="checkbox" checked=${picked.length === runs.length} onChange=${event => chooseAll(event.target.checked)}/>
			${picked.length ? t('runs.chosen', {n: picked.length}) : t('runs.choose_all', {n: runs.length})}</label>
		${button('retry', RETRIED)}${button('cancel', CANCELLED)}
	</div>`;
}

// --- What was not found

function Nothing({searched}) {
	const {params} = route.value;
	const narrow = ['status', 'workflow', 'since', 'until', 'step', 'error_class'].filter(name => params[name]);
	const clear = Object.fromEntries([...narrow, 'before'].map(name => [name, '']));

	return html`<div class="empty"><p>${params.q ? t('runs.none_found', {q: params.q}) : narrow.length ? t('runs.none_match') : t('runs.none')}</p>
		${searched && html`<p>${t('runs.searched')} ${searched.map((path, i) => html`${i > 0 && t('list.comma')}<span dir="ltr"><${Text} text=${path.replace(/^trigger\./, '')}/></span>`)}
			${searched.length > 0 && t('list.semicolon')}${t('runs.searched_newest')}</p><p class="dim">${t('runs.none_hint')}</p>`}
		${narrow.length > 0 && html`<p><a href=${address('/runs', {...params, ...clear})}>${t('filter.clear')}</a></p>`}</div>`;
}

// --- The page

// What is due goes by priority, then by time; what is not yet due, by time.
function inOrder({runs, next, now}, {status, before}) {
	const at = run => new Date(run.run_at ?? NEVER);
	const later = run => Math.max(at(run) - new Date(now), 0);

	// only if the whole queue is on the page
	return status === 'queued' && !next && !before
		? [...runs].sort((a, b) => later(a) - later(b) || b.priority - a.priority || at(a) - at(b)) : runs;
}

function queueSentence({runs, next}, {before}) {
	if (next || before)
		return t('runs.queue_long');
	return t(runs.some(run => run.tenant_id !== runs[0].tenant_id) ? 'runs.queue_order_each' : 'runs.queue_order');
}

function Rows({page, params, reload}) {
	const [chosen, setChosen] = useState(new Set());
	const [dialog, open] = useState(null);
	const [gathering, setGathering] = useState(false);
	const runs = inOrder(page, params);
	const choose = (run, on) => setChosen(old => {
		const all = new Set(old);

		if (on)
			all.add(run.run_id);
		else
			all.delete(run.run_id);
		return all;
	});
	const ask = async (what, ids) => {
		if (ids || !params.q) {
			open({what, ids});
			return;
		}
		setGathering(true);
		try {
			open({what, ids: await gather(params, what === 'retry' ? RETRIED : CANCELLED)});
		} catch (error) {
			toast(said(error), 'error');
		}
		setGathering(false);
	};
	const filter = {tenant: params.tenant, workflow: params.workflow, status: params.status || undefined, until: params.until,
		since: sinceOf(params.since), step: params.step, error_class: params.error_class};
	const one = id => runs.find(run => run.run_id === id);
	const keys = listKeys('.row-title', {KeyR: link => RETRIED.includes(one(link.dataset.id)?.status) && me.value.capabilities.operate
		&& ask('retry', [link.dataset.id])});

	return html`
		<${Tools} runs=${runs} chosen=${chosen} chooseAll=${on => setChosen(new Set(on ? runs.map(run => run.run_id) : []))} ask=${ask}/>
		<p class="newer" role="status">${gathering && t('loading')} ${page.newer > 0 && html`<button type="button" onClick=${reload}>${t('runs.newer', {n: page.newer})}</button>`}</p>
		<ul class="rows" aria-label=${t('nav.runs')} onKeyDown=${keys}>${runs.map(run => html`<${Row} key=${run.run_id} run=${run} now=${page.now}
			chosen=${chosen.has(run.run_id)} choose=${choose} retry=${() => ask('retry', [run.run_id])}/>`)}</ul>
		${dialog && html`<${BulkDialog} what=${dialog.what} ids=${dialog.ids} filter=${dialog.ids ? null : filter}
			onClose=${() => { open(null); setChosen(new Set()); reload(); }}/>`}`;
}

function List({params}) {
	const state = useRuns(params);
	const found = !state.loading && params.q;

	// from the search, which has lost the focus, to what it has found
	useEffect(() => {
		if (found && document.activeElement === document.body)
			document.querySelector('.row-title')?.focus();
	}, [found]);

	return html`
		${state.error?.code === 'timeout' && !params.longer && html`<p class="note">${t('runs.longer_what')}
			${' '}<button type="button" onClick=${() => change({longer: '1'})}>${t('runs.longer')}</button></p>`}
		<${Loaded} state=${state}>${page => html`
			${params.status === 'queued' && page.runs.length > 0 && html`<p class="dim">${queueSentence(page, params)}</p>`}
			${page.runs.length ? html`<${Rows} page=${page} params=${params} reload=${state.reload}/>` : html`<${Nothing} searched=${page.searched}/>`}
			<p class="paging">
				${params.before && html`<a href=${address('/runs', {...params, before: ''})}>${t('runs.newest')}</a>`}
				${page.runs.length > 0 && html`<span class="dim">${t('runs.shown', {n: page.runs.length})}</span>`}
				${page.next && html`<a href=${address('/runs', {...params, before: page.next})}>${t('runs.older')}</a>`}
			</p>`}</${Loaded}>`;
}

export function Runs() {
	const {params} = route.value;

	return html`<div class="run-head"><h1>${t('nav.runs')}</h1>
			<${Csv} list="runs" filter=${body({...params, before: undefined})}/></div>
		<${Filters}/>
		<${List} key=${JSON.stringify(params)} params=${params}/>`;
}
