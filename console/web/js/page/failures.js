// What fails, by workflow, step and kind of error; and trying them again: one first,
// then all of a kind, in batches that this page drives.

import {html, useRef, useState} from '../../vendor/ui.js';
import {t, capped, number} from '../i18n.js';
import {route, address, change} from '../router.js';
import {post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Csv} from '../ui/csv.js';
import {Dialog} from '../ui/dialog.js';
import {Action, Loaded, Problem, When} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Text} from '../ui/value.js';

const TIMES = {hour: 3600, day: 86400, week: 7 * 86400};
const BATCH = 500;
const MANY = 100;

function filterOf(group, since) {
	return {tenant: group.tenant_id, workflow: group.definition_id, status: 'failed',
		step: group.step, error_class: group.error_class, since};
}

function since(name) {
	return name in TIMES ? new Date(Date.now() - TIMES[name] * 1000).toISOString() : null;
}

// Batches until all that were there when it began were tried, or until told to stop.
function useBatches(filter, version) {
	const [state, set] = useState({running: false, done: 0, skipped: 0, ended: false, error: null});
	const stop = useRef(false);

	async function run() {
		let after = null;
		let done = 0;
		let skipped = 0;

		stop.current = false;
		set({running: true, done, skipped, ended: false, error: null});
		try {
			do {
				const batch = await post('runs/retry-next', {filter, after, limit: BATCH, on_version: version});

				done += batch.done;
				skipped += batch.skipped;
				after = batch.next;
				set({running: true, done, skipped, ended: false, error: null});
			} while (after && !stop.current);
			set({running: false, done, skipped, ended: true, error: null});
		} catch (error) {
			set({running: false, done, skipped, ended: true, error});
		}
	}

	return {...state, run, stop: () => { stop.current = true; }};
}

function RetryAll({group, from, onClose}) {
	const [filter] = useState(() => ({...filterOf(group, from), until: new Date().toISOString()}));
	const count = useLoad(options => post('runs/count', {filter}, options), []);
	const [version, setVersion] = useState('current');
	const [sure, setSure] = useState(false);
	const batches = useBatches(filter, version);
	const total = count.data?.count ?? 0;

	return html`<${Dialog} title=${t('retry_all')} onClose=${onClose}>
		<dl class="facts">
			<dt>${t('workflow')}</dt><dd><bdi>${group.workflow_name}</bdi></dd>
			<dt>${t('step')}</dt><dd><bdi>${group.step}</bdi></dd>
			<dt>${t('error')}</dt><dd><${Text} text=${group.error_class}/></dd>
			<dt>${t('failures.first')}</dt><dd><${When} at=${group.first}/></dd>
		</dl>
		<${Loaded} state=${count}>${data => html`<p><strong>${t('retry_all.count', {n: data.count, count: data.capped ? capped(10001) : number(data.count)})}</strong>
			${data.older > 0 && html` · ${t('retry_all.older', {n: data.older})}`}</p>`}</${Loaded}>
		<fieldset disabled=${batches.running || batches.ended}><legend>${t('retry.version')}</legend>
			${['current', 'own'].map(name => html`<label class="choice"><input type="radio" name="version" checked=${version === name} onChange=${() => setVersion(name)}/> ${t('retry_all.version.' + name)}</label>`)}
		</fieldset>
		${total > MANY && html`<label class="choice"><input type="checkbox" checked=${sure} onChange=${event => setSure(event.target.checked)}/> ${t('retry_all.sure', {n: total})}</label>`}
		${(batches.running || batches.ended) && html`<p role="status">${t(batches.running ? 'retry_all.progress' : 'retry_all.ended', {done: batches.done, skipped: batches.skipped})}</p>
			<progress max=${Math.max(total, 1)} value=${batches.done + batches.skipped} aria-label=${t('retry_all')}></progress>`}
		${batches.error && html`<${Problem} error=${batches.error}/>`}
		<div class="dialog-actions">
			${batches.running ? html`<button type="button" onClick=${batches.stop}>${t('retry_all.stop')}</button>`
				: html`<button type="button" onClick=${onClose}>${t('close')}</button>`}
			${!batches.ended && html`<button type="button" class="main" disabled=${batches.running || total === 0 || (total > MANY && !sure)} onClick=${batches.run}>${t('retry_all.button', {n: total})}</button>`}
		</div>
	</${Dialog}>`;
}

function Group({group, now, from, onDone}) {
	const [dialog, open] = useState(false);
	const {operate} = me.value.capabilities;

	async function one() {
		try {
			const {outcomes} = await post('runs/retry', {ids: [group.newest_run], on_version: 'current'});

			toast(outcomes[0].outcome === 'retried' ? t('outcome.retried') : outcomes[0].outcome,
				outcomes[0].outcome === 'retried' ? 'info' : 'error');
			onDone();
		} catch (error) {
			toast(error.hint ?? error.message, 'error');
		}
	}

	return html`<li class="group">
		<span><a href=${address('/runs', {tenant: group.tenant_id, workflow: group.definition_id, status: 'failed', step: group.step, error_class: group.error_class, since: from})}>
			<bdi>${group.workflow_name}</bdi>: <bdi>${group.step}</bdi></a>${' '}
			${group.tenant_name && html`<span class="dim">· <bdi>${group.tenant_name}</bdi></span>`}</span>
		<span class="group-error"><${Text} text=${group.error_class ?? ''}/></span>
		<span class="group-count">${number(group.count)}×</span>
		<span class="dim">${t('failures.last')} <${When} at=${group.last} now=${now}/>${!group.still_failing && html` · ${t('failures.over')}`}</span>
		<span class="group-actions">
			<${Action} allowed=${operate} reason=${t('needs.operate')} onClick=${one}>${t('retry_one')}</${Action}>
			<${Action} allowed=${operate} reason=${t('needs.operate')} onClick=${() => open(true)}>${t('retry_all.open', {n: group.count})}</${Action}>
		</span>
		${dialog && html`<${RetryAll} group=${group} from=${since(from)} onClose=${() => { open(false); onDone(); }}/>`}
	</li>`;
}

export function Groups({groups, now, since: from, onDone}) {
	if (groups.length === 0)
		return html`<p class="empty">${t('failures.none')}</p>`;
	return html`<ul class="groups">${groups.map(group => html`<${Group} key=${[group.definition_id, group.step, group.error_class].join(' ')}
		group=${group} now=${now} from=${from} onDone=${onDone}/>`)}</ul>`;
}

export function Failures() {
	const {tenant, since: chosen = 'day'} = route.value.params;
	const state = useLoad(options => post('failures', {tenant, limit: 50, since: since(chosen)}, {...options, slot: 'list'}),
		[tenant, chosen], {every: 5000});

	return html`<div class="run-head"><h1>${t('nav.failures')}</h1>
			<${Csv} list="failures" filter=${{tenant, since: since(chosen)}}/></div>
		<div class="filters" role="group" aria-label=${t('filters')}>
			<label><span>${t('filter.since')}</span><select name="since" value=${chosen} onChange=${event => change({since: event.target.value})}>
				${Object.keys(TIMES).map(name => html`<option value=${name}>${t(`filter.since.${name}`)}</option>`)}
			</select></label>
		</div>
		<${Loaded} state=${state}>${data => html`<${Groups} ...${data} since=${chosen} onDone=${state.reload}/>`}</${Loaded}>`;
}
