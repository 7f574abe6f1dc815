// One run: what happened to each step, what was sent and answered, and who did
// what with it.

import {html, useState} from '../../vendor/ui.js';
import {t, duration, number} from '../i18n.js';
import {address, change, go, route} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Action, Loaded, Status, When} from '../ui/parts.js';
import {Text, Value} from '../ui/value.js';
import {CancelDialog, RerunDialog, RetryDialog} from './repair.js';

const OPEN = ['queued', 'running', 'waiting'];

function took(run, now) {
	if (!run.started_at)
		return null;
	return duration(new Date(run.completed_at ?? now) - new Date(run.started_at));
}

function Attempts({value}) {
	const attempts = value ? JSON.parse(value.truncated ? '[]' : value.text) : [];

	if (!Array.isArray(attempts) || attempts.length === 0)
		return null;
	return html`<details><summary>${t('step.attempts', {n: attempts.length})}</summary>
		<ol class="attempts">${attempts.map(one => html`<li><${When} at=${one.started_at}/>
			${one.duration_ms !== undefined && html` · ${duration(one.duration_ms)}`}
			· <${Text} text=${String(one.error ?? '')}/></li>`)}</ol></details>`;
}

function Part({label, value, from, name}) {
	return value && html`<details><summary>${label}</summary><${Value} value=${value} from=${from} name=${name}/></details>`;
}

// A known error in a sentence: what it means and what to do.
function Meaning({error}) {
	if (/delivery unknown|worker .*(lost|ended)/i.test(error))
		return html`<p class="note">⚠ ${t('meaning.delivery_unknown')}</p>`;
	if (/permission denied/i.test(error))
		return html`<p class="note">${t('meaning.permission')}</p>`;
	return null;
}

// To the step in the editor, with this run's event as the sample.
function Fix({run, step}) {
	return html`<${Action} allowed=${me.value.capabilities.operate} reason=${t('needs.operate')}
		onClick=${() => go(`/workflows/${run.definition_id}/edit`, {step, run: run.run_id, tenant: route.value.params.tenant})}>${t('fix')}<span class="hidden"> (${step})</span></${Action}>`;
}

function Step({step, run, longest}) {
	const at = `runs/${run.run_id}/steps/${step.step}`;
	const share = step.duration_ms && longest ? Math.max(2, Math.round(100 * step.duration_ms / longest)) : 0;

	return html`<li class=${'step s-' + step.status}>
		<div class="step-head">
			<span class="step-number">${number(step.step + 1)}</span>
			<h3><bdi>${step.step_name}</bdi></h3>
			<span class="dim" dir="ltr">${step.action}</span>
			<${Status} status=${step.status} kind="step"/>
			<span class="step-time">${step.duration_ms !== null && step.duration_ms !== undefined && duration(step.duration_ms)}
				${step.attempts > 1 && html` · ${t('step.tries', {n: step.attempts})}`}</span>
		</div>
		${share > 0 && html`<svg class="bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true"><rect width=${share} height="2"/></svg>`}
		${step.error && html`<p class=${step.status === 'skipped' ? 'note' : 'step-error'}><${Text} text=${step.error}/></p><${Meaning} error=${step.error}/>`}
		${step.status === 'failed' && html`<p><${Fix} run=${run} step=${step.step_name}/></p>`}
		<${Attempts} value=${step.failed_attempts}/>
		<${Part} label=${t('step.sent')} value=${step.input} from=${`${at}/input`} name=${`${step.step_name}-input.json`}/>
		<${Part} label=${t('step.answer')} value=${step.output} from=${`${at}/output`} name=${`${step.step_name}-output.json`}/>
		<${Part} label=${t('step.condition')} value=${step.condition}/>
		<${Part} label=${t('step.previous')} value=${step.previous}/>
	</li>`;
}

function Related({run}) {
	const one = other => html`<li><a href=${address('/runs/' + other.run_id)}><bdi>${other.workflow_name}</bdi></a> <${Status} status=${other.status}/></li>`;

	return html`
		${run.parent && html`<section><h2>${t('run.parent')}</h2><ul class="plain">${one(run.parent)}</ul></section>`}
		${run.children.length > 0 && html`<section><h2>${t('run.children')}</h2><ul class="plain">${run.children.map(one)}</ul></section>`}
		${run.operations.length > 0 && html`<section><h2>${t('run.operations')}</h2><ul class="plain">
			${run.operations.map(operation => html`<li><${When} at=${operation.at}/> · <bdi>${operation.who}</bdi> · ${t('operation.' + operation.what)}</li>`)}</ul></section>`}`;
}

function Actions({run, may, done}) {
	// after its step was mended: retry on what was saved
	const mended = route.value.params.retry === 'current' && may.retry;
	const [dialog, open] = useState(mended ? 'retry' : null);
	const {operate} = me.value.capabilities;
	const close = () => {
		open(null);
		if (mended)
			change({retry: ''});
	};
	const reason = allowed => allowed ? '' : operate ? t('run.not_now') : t('needs.operate');
	const Open = {retry: RetryDialog, cancel: CancelDialog, rerun: RerunDialog}[dialog];

	return html`<div class="actions">
		<${Action} kind="main" allowed=${may.retry} reason=${reason(may.retry)} onClick=${() => open('retry')}>${t('retry')}</${Action}>
		<${Action} allowed=${may.rerun} reason=${reason(may.rerun)} onClick=${() => open('rerun')}>${t('rerun')}</${Action}>
		<${Action} allowed=${may.cancel} reason=${reason(may.cancel)} onClick=${() => open('cancel')}>${t('cancel_run')}</${Action}>
		${Open && html`<${Open} run=${run} mended=${mended} onClose=${close} onDone=${() => { close(); done(); }}/>`}
	</div>`;
}

function Page({run, now, tenant_name, may, reload}) {
	const length = took(run, now);
	const longest = Math.max(0, ...run.steps.map(step => step.duration_ms ?? 0));

	return html`
		<p><a href=${address('/runs', {tenant: route.value.params.tenant})}>${t('nav.runs')}</a></p>
		<div class="run-head">
			<h1><${Text} text=${run.title || run.workflow_name}/></h1>
			<${Status} status=${run.status}/>
		</div>
		<p class="dim"><a href=${address('/workflows/' + run.definition_id, {tenant: route.value.params.tenant})}><bdi>${run.workflow_name}</bdi></a> v${run.version}${run.current_version > run.version && html` (${t('run.now_version', {version: 'v' + run.current_version})})`}
			${' · '}${t('run.fired_by', {event: run.trigger_type})} <${When} at=${run.queued_at}/>
			${length && html` · ${t('run.took', {time: length})}`}
			${tenant_name && html` · <bdi>${tenant_name}</bdi>`}</p>
		<p class="dim id" dir="ltr">${run.run_id}</p>
		${run.error_message && html`<p class="step-error"><${Text} text=${run.error_message}/></p>`}
		${run.next_attempt_at && html`<p class="note">${t('run.next_try')} <${When} at=${run.next_attempt_at} now=${now}/></p>`}
		<${Actions} run=${run} may=${may} done=${reload}/>
		<section aria-label=${t('run.steps')}><h2>${t('run.steps')}</h2>
			<ol class="steps">${run.steps.map(step => html`<${Step} key=${step.step} step=${step} run=${run} longest=${longest}/>`)}</ol>
		</section>
		<section><h2>${t('run.data')}</h2>
			<${Part} label=${t('run.payload')} value=${run.payload} from=${`runs/${run.run_id}/payload`} name="event.json"/>
			<${Part} label=${t('run.definition', {version: 'v' + run.version})} value=${run.definition}/>
		</section>
		<${Related} run=${run}/>`;
}

export function Run({id}) {
	const state = useLoad(options => get('runs/' + id, {...options, slot: 'run'}), [id],
		{every: data => data && OPEN.includes(data.run.status) ? 1000 : 10000});

	return html`<${Loaded} state=${state}>${data => html`<${Page} ...${data} reload=${state.reload}/>`}</${Loaded}>`;
}
