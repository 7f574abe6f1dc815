// What fails, by workflow, step and kind of error; and trying them again: one first,
// then all of a kind, in batches that this page drives.

import {html, useState} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {route, address, change} from '../router.js';
import {get, post, timeAgo} from '../api.js';
import {listKeys} from '../keys.js';
import {later} from '../later.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Csv} from '../ui/csv.js';
import {News} from '../ui/news.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, When, said} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Text} from '../ui/value.js';
import {outcome, tellOf} from './repair.js';
import {StopDialog} from './stop.js';

const BulkDialog = later(async () => (await import('./bulk.js')).BulkDialog);
const TIMES = {hour: 3600, day: 86400, week: 7 * 86400, month: 30 * 86400};
// Of more than so many one is tried first.
const TRY_ONE = 20;
// So many are on the page.
const MOST = 50;

function filterOf(group, since) {
	return {tenant: group.tenant_id, workflow: group.definition_id, status: 'failed',
		step: group.step, error_class: group.error_class, since};
}

function linkOf(group, from) {
	return {tenant: group.tenant_id, workflow: group.definition_id, status: 'failed', step: group.step, error_class: group.error_class, since: from in TIMES ? from : ''};
}

function since(name) {
	return name in TIMES ? timeAgo(TIMES[name] * 1000) : null;
}

function facts(group) {
	return html`<dl class="facts">
		<dt>${t('workflow')}</dt><dd><bdi>${group.workflow_name}</bdi>${group.tenant_name && html` · <bdi>${group.tenant_name}</bdi>`}</dd>
		<dt>${t('step')}</dt><dd><bdi>${group.step}</bdi></dd>
		<dt>${t('error')}</dt><dd><${Text} text=${group.error_class ?? ''}/></dd>
		<dt>${t('failures.first_of')}</dt><dd><${When} at=${group.first}/></dd>
	</dl>
	${group.count > TRY_ONE && html`<p class="note">${t('failures.one_first')}</p>`}`;
}

function Group({group, now, from, onRetry, onDone}) {
	const [dialog, open] = useState(null);
	const [busy, setBusy] = useState(false);
	const {operate} = me.value.capabilities;
	const link = linkOf(group, from);
	const close = () => { open(null); onDone(); };
	const button = (kind, click, text) => html`<${Action} kind=${kind} allowed=${operate} reason=${needs('operate')} onClick=${click}>${text}</${Action}>`;

	// busy until the page is left: a second click would retry what the first one has retried
	async function one() {
		if (busy)
			return;
		setBusy(true);
		try {
			outcome(await post('runs/retry', {ids: [group.newest_run], on_version: 'current'}));
			location.hash = address('/runs/' + group.newest_run, {tenant: route.value.params.tenant});
		} catch (error) {
			tellOf(error);
			setBusy(false);
			onDone();
		}
	}

	async function stop() {
		try {
			open((await get('workflows/' + group.definition_id)).workflow);
		} catch (error) {
			toast(said(error), 'error');
		}
	}

	return html`<li class="group">
		<span><a href=${address('/runs', link)}><bdi>${group.workflow_name}</bdi>: <bdi>${group.step}</bdi></a>${' '}
			${group.tenant_name && html`<span class="dim">· <bdi>${group.tenant_name}</bdi></span>`}</span>
		<span class="group-error"><${Text} text=${group.error_class ?? ''}/></span>
		<span class="group-count">${number(group.count)}×</span>
		<span class="dim">${group.count > 1 && html`${t('failures.first')} <${When} at=${group.first}/> · `}${t('failures.last')} <${When} at=${group.last} now=${now}/>${!group.still_failing && html` · ${t('failures.over')}`}</span>
		<span class="group-actions">
			${button(group.count > TRY_ONE ? 'main' : '', one, t(busy ? 'busy' : 'retry_one'))}
			${button('', () => onRetry(group), t('retry_all.open', {n: group.count}))}
			${button('', stop, t('stop.of_workflow'))}
		</span>
		${dialog && html`<${StopDialog} tenant=${group.tenant_id} workflow=${dialog} onClose=${() => open(null)} onDone=${close}/>`}
	</li>`;
}

export function Groups({groups, now, since: from, onDone}) {
	// it leaves the list when the last of its runs is retried, and what came of them is still to be read
	const [retried, retry] = useState(null);

	return html`${groups.length === 0 ? html`<p class="empty">${t('failures.none')}</p>`
		: html`<ul class="groups" aria-label=${t('nav.failures')} onKeyDown=${listKeys('.group a')}>${groups.map(group => html`<${Group} key=${[group.definition_id, group.step, group.error_class].join(' ')}
			group=${group} now=${now} from=${from} onRetry=${retry} onDone=${onDone}/>`)}</ul>`}
		${retried && html`<${BulkDialog} what="retry" filter=${filterOf(retried, since(from))} facts=${facts(retried)}
			link=${{...linkOf(retried, from), status: '', step: '', error_class: ''}} onClose=${() => { retry(null); onDone(); }}/>`}`;
}

export function Failures() {
	const {tenant, since: chosen = 'day'} = route.value.params;
	const state = useLoad(options => post('failures', {tenant, limit: MOST + 1, since: since(chosen)}, {...options, slot: 'list'}),
		[tenant, chosen], {every: 5000});

	return html`<div class="run-head"><h1>${t('nav.failures')}</h1>
			<${Csv} list="failures" filter=${{tenant, since: since(chosen)}}/></div>
		<${News} n=${state.loading || !state.data ? null : state.data.groups.reduce((sum, one) => sum + one.count, 0)}/>
		<div class="filters" role="group" aria-label=${t('filters')}>
			<label><span>${t('filter.since')}</span><select name="since" value=${chosen} onChange=${event => change({since: event.target.value})}>
				${Object.keys(TIMES).map(name => html`<option value=${name}>${t(`filter.since.${name}`)}</option>`)}
				<option value="ever">${t('filter.ever')}</option>
			</select></label>
		</div>
		<${Loaded} state=${state}>${data => html`<${Groups} ...${data} groups=${data.groups.slice(0, MOST)} since=${chosen} onDone=${state.reload}/>
			${data.groups.length > MOST && html`<p class="note">${t('failures.more', {n: MOST})}</p>`}`}</${Loaded}>`;
}
