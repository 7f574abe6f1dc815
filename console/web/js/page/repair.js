// The dialogs that put a run back to work, cancel it or run its event again.  Each
// says what will happen before it happens.

import {html, useEffect, useState} from '../../vendor/ui.js';
import {t, list} from '../i18n.js';
import {go} from '../router.js';
import {getText, isUnknown, post} from '../api.js';
import {brokenAt, parse, print} from '../json.js';
import {useLoad} from '../load.js';
import {eventProblem} from '../object.js';
import {Dialog} from '../ui/dialog.js';
import {Action, Loaded, Problem, said} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {escaped, typedJson} from '../ui/value.js';
import {fateOf} from './fate.js';

const DONE = ['retried', 'cancelled'];
// What a run may be instead: it has changed since it was chosen.
export const STATUSES = ['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled', 'not found'];

// Sends once; an answer that was lost is not asked for again by itself.
export function useWrite(write, onDone) {
	const [state, set] = useState({busy: false, error: null});

	async function run() {
		set({busy: true, error: null});
		try {
			await write();
			onDone();
		} catch (error) {
			set({busy: false, error});
		}
	}

	return {...state, run, forget: () => set({busy: false, error: null})};
}

// Said beside an error after which it is not known whether something was done.
export function Unknown({error}) {
	return isUnknown(error) ? html`<p class="note" role="status">${t('write.unknown')}</p>` : null;
}

// The same where there is no window to say it in.
export function tellOf(error) {
	toast(isUnknown(error) ? `${said(error)} ${t('write.unknown')}` : said(error), 'error');
}

// The button that does it keeps the focus while it is under way, and if it fails.
// reason: why it may not be pressed yet, if the dialog does not show that.
export function Buttons({state, onClose, label, danger, disabled, reason}) {
	return html`
		${state.error && html`<${Problem} error=${state.error}/>`}
		<${Unknown} error=${state.error}/>
		${reason && !state.busy && html`<p class="dim">${reason}</p>`}
		<div class="dialog-actions">
			<button type="button" onClick=${onClose}>${t('close')}</button>
			<${Action} kind=${danger ? 'danger' : 'main'} allowed=${!state.busy && !disabled} onClick=${state.run}>${state.busy ? t('busy') : label}</${Action}>
		</div>`;
}

// What came of one run: it is done, or in another state by now, or it says why not.
export function outcome({outcomes}) {
	const [{outcome: text}] = outcomes;

	if (!DONE.includes(text))
		throw Object.assign(new Error(text), {code: STATUSES.includes(text) ? 'changed_run' : 'invalid'});
	toast(t('outcome.' + text));
}

export function RetryDialog({run, mended, onClose, onDone}) {
	const reached = run.steps.filter(step => step.step <= run.step);
	const current = run.steps[run.step]?.step_name;
	const [from, setFrom] = useState(current);
	const newer = run.current_version > run.version;
	const [version, setVersion] = useState(mended && newer ? 'current' : 'own');
	const [sure, setSure] = useState(false);
	const repeated = reached.filter(step => step.status === 'completed' &&
		step.step >= run.steps.findIndex(one => one.step_name === from));
	const keys = repeated.filter(step => step.input).map(step => `${step.step_name}:${(step.repeat ?? 1) + 1}`);
	const state = useWrite(async () => outcome(await post('runs/retry', {ids: [run.run_id],
		from_step: from === current ? null : from, on_version: version})), onDone);

	return html`<${Dialog} title=${t('retry')} onClose=${onClose}>
		<label>${t('retry.from')}
			<select value=${from} onChange=${event => { setFrom(event.target.value); setSure(false); }}>
				${reached.map(step => html`<option value=${step.step_name}>${step.step + 1}. ${step.step_name}</option>`)}
			</select></label>
		${newer && html`<fieldset><legend>${t('retry.version')}</legend>
			${['own', 'current'].map(name => html`<label class="choice"><input type="radio" name="version" checked=${version === name} onChange=${() => setVersion(name)}/>
				${t('retry.version.' + name, {version: 'v' + (name === 'own' ? run.version : run.current_version)})}</label>`)}
		</fieldset>`}
		<p>${t('retry.goes_on', {step: from})}</p>
		${fateOf(run.steps[run.step]?.error) && html`<p class="note">⚠ ${t('retry.unknown')}</p>`}
		${repeated.length > 0 && html`<label class="choice"><input type="checkbox" checked=${sure} onChange=${event => setSure(event.target.checked)}/>
			${t('retry.repeats', {steps: repeated.map(step => step.step_name)})}</label>
			${keys.length > 0 && html`<p class="dim">${t('retry.keys', {keys})}</p>`}`}
		<${Buttons} state=${state} onClose=${onClose} label=${newer ? t('retry.on', {version: 'v' + (version === 'own' ? run.version : run.current_version)}) : t('retry')} disabled=${repeated.length > 0 && !sure}/>
	</${Dialog}>`;
}

export function CancelDialog({run, onClose, onDone}) {
	const steps = wanted => list(run.steps.filter(step => wanted.includes(step.status)).map(step => step.step_name));
	const done = steps(['completed']);
	const left = steps(['pending', 'waiting', 'queued', 'running']);
	const state = useWrite(async () => outcome(await post('runs/cancel', {ids: [run.run_id]})), onDone);

	return html`<${Dialog} title=${t('cancel_run')} onClose=${onClose}>
		<p>${t('cancel.what')}</p>
		<dl class="facts">
			${done && html`<dt>${t('cancel.done')}</dt><dd><bdi>${done}</bdi></dd>`}
			${left && html`<dt>${t('cancel.left')}</dt><dd><bdi>${left}</bdi></dd>`}
		</dl>
		<${Buttons} state=${state} onClose=${onClose} label=${t('cancel_run')} danger/>
	</${Dialog}>`;
}

// The event's data to be changed: what the page does not have whole is read.
function EventData({run, text, write}) {
	const whole = useLoad(options => run.payload.truncated ? getText(`runs/${run.run_id}/payload`, options)
		: Promise.resolve(run.payload.text), []);
	const broken = text === null ? null : eventProblem(text);

	useEffect(() => {
		if (whole.data && text === null)
			write(escaped(brokenAt(whole.data) ? whole.data : print(parse(whole.data))));
	}, [whole.data]);
	return html`<${Loaded} state=${whole}>${() => html`
		<label class="stacked"><span>${t('sample.pasted')}</span>
			<textarea class="json" dir="ltr" rows="10" spellcheck=${false} value=${text ?? ''} aria-invalid=${broken ? 'true' : null} aria-describedby="rerun-broken"
				onInput=${event => write(typedJson(event.target))}></textarea></label>
		<p id="rerun-broken" class="field-problem" role="status">${broken}</p>`}</${Loaded}>`;
}

// Nothing of the old run is read again: the page is that of the new one.
export function RerunDialog({run, onClose}) {
	const [changed, setChanged] = useState(false);
	const [text, write] = useState(null);
	const [sure, setSure] = useState(false);
	const state = useWrite(async () => {
		const {run_id} = await post(`runs/${run.run_id}/rerun`, changed ? {payload: text} : {});

		toast(t('outcome.rerun'));
		go('/runs/' + run_id);
	}, onClose);
	const choose = on => { setChanged(on); setSure(false); };

	return html`<${Dialog} title=${t('rerun')} onClose=${onClose}>
		<p>${t('rerun.begins', {version: 'v' + (run.current_version ?? run.version)})}</p>
		<fieldset disabled=${state.busy}><legend>${t('rerun.with')}</legend>
			${[false, true].map(on => html`<label class="choice"><input type="radio" name="data" checked=${changed === on} onChange=${() => choose(on)}/> ${t(on ? 'rerun.changed' : 'rerun.same')}</label>`)}
		</fieldset>
		${changed && html`<${EventData} run=${run} text=${text} write=${value => { write(value); setSure(false); }}/>`}
		<p class="note">⚠ ${t('rerun.again')}</p>
		${changed && html`<label class="choice"><input type="checkbox" checked=${sure} onChange=${event => setSure(event.target.checked)}/> ${t('fire.sure')}</label>`}
		<${Buttons} state=${state} onClose=${onClose} label=${t(changed ? 'rerun.real' : 'rerun')} danger
			disabled=${changed && (!sure || text === null || brokenAt(text) !== null)}/>
	</${Dialog}>`;
}
