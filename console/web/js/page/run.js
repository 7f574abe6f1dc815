// One run: what happened to each step, what was sent and answered, and who did
// what with it.

import {html, useState} from '../../vendor/ui.js';
import {meaning} from '../../i18n/meanings.js';
import {t, duration, language, number} from '../i18n.js';
import {address, change, go, route} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, Status, When, said} from '../ui/parts.js';
import {Value} from '../ui/tree.js';
import {toast} from '../ui/toast.js';
import {Text} from '../ui/value.js';
import {fateOf} from './fate.js';
import {CancelDialog, RerunDialog, RetryDialog} from './repair.js';
import {StopDialog} from './stop.js';
import {Why} from './why.js';

const OPEN = ['queued', 'running', 'waiting'];
// With more steps than that only those are open that need somebody.
const MANY = 100;

function took(run, now) {
	if (!run.started_at)
		return null;
	return duration(new Date(run.completed_at ?? now) - new Date(run.started_at));
}

// Of an attempt of which it is not known what became: a mark, and what that means.
function Fate({error}) {
	const fate = fateOf(error);

	return fate && html`<div class="note"><${Status} status=${fate} kind="step"/>. ${meaning(error, language.value)}</div>`;
}

function Attempts({value}) {
	const attempts = value && !value.truncated ? JSON.parse(value.text) : [];

	if (value?.truncated)
		return html`<${Part} label=${t('step.failed_attempts')} value=${value}/>`;
	if (!Array.isArray(attempts) || attempts.length === 0)
		return null;
	return html`<details><summary>${t('step.attempts', {n: attempts.length})}</summary>
		<ol class="attempts">${attempts.map(one => html`<li><${When} at=${one.started_at}/>
			${one.duration_ms !== undefined && html` · ${duration(one.duration_ms)}`}
			${' · '}<${Text} text=${String(one.error ?? '')}/>${' '}<${Fate} error=${String(one.error ?? '')}/></li>`)}</ol></details>`;
}

// What is inside is made when it is opened.
function Part({label, value, from, name, root}) {
	const [open, setOpen] = useState(false);

	return value && html`<details onToggle=${event => setOpen(event.target.open)}><summary>${label}</summary>
		${open && html`<${Value} value=${value} from=${from} name=${name} root=${root}/>`}</details>`;
}

// To the step in the editor, with this run's event as the sample.
function Fix({run, step}) {
	return html`<${Action} allowed=${me.value.capabilities.operate} reason=${needs('operate')}
		onClick=${() => go(`/workflows/${run.definition_id}/edit`, {step, run: run.run_id, tenant: route.value.params.tenant})}>${t('fix')}<span class="hidden"> (${step})</span></${Action}>`;
}

function StepError({step}) {
	const means = meaning(step.error, language.value);
	const fate = step.status === 'failed' && fateOf(step.error);

	return html`<p class=${step.status === 'skipped' ? 'note' : 'step-error'}><${Text} text=${step.error}/></p>
		${means && html`<p class="note">${fate && html`<span aria-hidden="true">⚠ </span>`}${t('step.means')} ${means}</p>`}`;
}

// How long the request under way has taken, by the clock of the server.
function UnderWay({step, run, now}) {
	if (step.status !== 'running' || !run.attempt_at)
		return null;
	return html`<p class="note under-way">${t('step.under_way', {time: duration(new Date(now) - new Date(run.attempt_at))})}
		${step.timeout && html` · ${t('step.at_most', {time: step.timeout})}`}</p>`;
}

function StepHead({step}) {
	return html`<div class="step-head">
		<span class="step-number">${number(step.step + 1)}</span>
		<h3><bdi>${step.step_name}</bdi></h3>
		<span class="dim" dir="ltr">${step.action}</span>
		<${Status} status=${(step.status === 'failed' && fateOf(step.error)) || step.status} kind="step"/>
		<span class="step-time">${step.duration_ms !== null && step.duration_ms !== undefined && duration(step.duration_ms)}
			${step.attempts > 1 && html` · ${t('step.tries', {n: step.attempts})}`}</span>
	</div>`;
}

function StepBody({step, run, longest, now}) {
	const at = `runs/${run.run_id}/steps/${step.step}`;
	const share = step.duration_ms && longest && step.status !== 'skipped' ? Math.max(2, Math.round(100 * step.duration_ms / longest)) : 0;

	return html`
		${share > 0 && html`<svg class="bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true"><rect width=${share} height="2"/></svg>`}
		<${UnderWay} step=${step} run=${run} now=${now}/>
		${step.error && html`<${StepError} step=${step}/>`}
		${step.status === 'failed' && html`<p><${Fix} run=${run} step=${step.step_name}/></p>`}
		${step.status === 'skipped' && html`<${Why} step=${step} run=${run}/>`}
		<${Attempts} value=${step.failed_attempts}/>
		<${Part} label=${t('step.sent')} value=${step.input} from=${`${at}/input`} name=${`${step.step_name}-input.json`}/>
		<${Part} label=${t('step.answer')} value=${step.output} from=${`${at}/output`} name=${`${step.step_name}-output.json`} root=${['steps', step.step_name, 'output']}/>
		${step.status !== 'skipped' && html`<${Part} label=${t('step.condition')} value=${step.condition}/>`}
		<${Part} label=${t('step.previous')} value=${step.previous}/>`;
}

function Step({step, folded, ...rest}) {
	const [open, setOpen] = useState(false);

	if (!folded)
		return html`<li class=${'step s-' + step.status}><${StepHead} step=${step}/><${StepBody} step=${step} ...${rest}/></li>`;
	return html`<li class=${'step s-' + step.status}><details onToggle=${event => setOpen(event.target.open)}>
		<summary><${StepHead} step=${step}/></summary>${open && html`<${StepBody} step=${step} ...${rest}/>`}</details></li>`;
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
	const [workflow, setWorkflow] = useState(null);
	const {operate} = me.value.capabilities;
	const close = () => {
		open(null);
		if (mended)
			change({retry: ''});
	};
	const reason = allowed => allowed ? '' : operate ? t('run.not_now') : needs('operate');
	const Open = {retry: RetryDialog, cancel: CancelDialog, rerun: RerunDialog}[dialog];

	async function stop() {
		try {
			setWorkflow((await get('workflows/' + run.definition_id)).workflow);
		} catch (error) {
			toast(said(error), 'error');
		}
	}

	return html`<div class="actions">
		<${Action} kind="main" allowed=${may.retry} reason=${reason(may.retry)} onClick=${() => open('retry')}>${t('retry')}</${Action}>
		<${Action} allowed=${may.rerun} reason=${reason(may.rerun)} onClick=${() => open('rerun')}>${t('rerun')}</${Action}>
		<${Action} allowed=${may.cancel} reason=${reason(may.cancel)} onClick=${() => open('cancel')}>${t('cancel_run')}</${Action}>
		<${Action} allowed=${operate} reason=${needs('operate')} onClick=${stop}>${t('stop.of_workflow')}</${Action}>
		${workflow && html`<${StopDialog} tenant=${workflow.tenant_id} workflow=${workflow} onClose=${() => setWorkflow(null)} onDone=${() => setWorkflow(null)}/>`}
		${Open && html`<${Open} run=${run} mended=${mended} onClose=${close} onDone=${() => { close(); done(); }}/>`}
	</div>`;
}

// The version that the run has, and what has changed since.
function Version({run}) {
	const {tenant} = route.value.params;
	const at = '/workflows/' + run.definition_id;

	return html`<a href=${address(at, {tenant})}><bdi>${run.workflow_name}</bdi></a> v${run.version}
		${run.current_version > run.version && html` (${t('run.now_version', {version: 'v' + run.current_version})}:${' '}
			<a href=${address(at, {tenant, compare: String(run.version)})}>${t('run.what_changed')}</a>)`}`;
}

function isQuiet(step, run) {
	return ['completed', 'skipped', 'pending'].includes(step.status) && step.step !== run.step;
}

function Page({run, now, tenant_name, may, reload}) {
	const length = took(run, now);
	const many = run.steps.length > MANY;
	const longest = Math.max(0, ...run.steps.map(step => step.duration_ms ?? 0));

	return html`
		<p><a href=${address('/runs', {tenant: route.value.params.tenant})}>${t('nav.runs')}</a></p>
		<div class="run-head">
			<h1><${Text} text=${run.title || run.workflow_name}/></h1>
			<${Status} status=${run.status}/>
			${run.status === 'failed' && html`<span class="dim">${t('run.failed_at_step', {n: run.step + 1, all: run.steps.length})}</span>`}
		</div>
		<p class="dim"><${Version} run=${run}/>
			${' · '}${t('run.fired_by', {event: run.trigger_type})} <${When} at=${run.queued_at}/>
			${length && html` · ${t('run.took', {time: length})}`}
			${tenant_name && html` · <bdi>${tenant_name}</bdi>`}</p>
		<p class="dim"><span class="id" dir="ltr">${run.run_id}</span></p>
		${run.error_message && html`<p class="step-error"><${Text} text=${run.error_message}/></p>`}
		${run.next_attempt_at && html`<p class="note">${t('run.next_try')} <${When} at=${run.next_attempt_at} now=${now}/></p>`}
		<${Actions} run=${run} may=${may} done=${reload}/>
		<section aria-label=${t('run.steps')}><h2>${t('run.steps')}</h2>
			<ol class="steps">${run.steps.map(step => html`<${Step} key=${step.step} step=${step} run=${run} longest=${longest} now=${now}
				folded=${many && isQuiet(step, run)}/>`)}</ol>
		</section>
		<section><h2>${t('run.data')}</h2>
			<${Part} label=${t('run.payload')} value=${run.payload} from=${`runs/${run.run_id}/payload`} name="event.json" root=${['trigger']}/>
			<${Part} label=${t('run.definition', {version: 'v' + run.version})} value=${run.definition}/>
		</section>
		<${Related} run=${run}/>`;
}

export function Run({id}) {
	const state = useLoad(options => get('runs/' + id, {...options, slot: 'run'}), [id],
		{every: data => data && OPEN.includes(data.run.status) ? 1000 : 10000});

	return html`<${Loaded} state=${state}>${data => html`<${Page} ...${data} reload=${state.reload}/>`}</${Loaded}>`;
}
