// Stopping: hold (nothing is lost), or switch a workflow off (events are lost), also with
// what waits of it cancelled; and what is held, with the button that lets it go on.

import {html, useRef, useState} from '../../vendor/ui.js';
import {t, capped} from '../i18n.js';
import {post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {needs} from '../ui/grant.js';
import {Action, When} from '../ui/parts.js';
import {Named} from '../ui/tenant.js';
import {toast} from '../ui/toast.js';
import {Text, visible} from '../ui/value.js';
import {Buttons, useWrite} from './repair.js';

const WAITS = ['queued', 'waiting'];

async function countWaiting(workflow, options) {
	let n = 0;

	for (const status of WAITS)
		n += (await post('runs/count', {filter: {workflow: workflow.id, status}}, options)).count;
	return {n};
}

async function cancelWaiting(workflow) {
	for (const status of WAITS) {
		let after = null;

		do
			after = (await post('runs/cancel-next', {filter: {workflow: workflow.id, status}, after, limit: 500})).next;
		while (after);
	}
}

// workflow: {id, name, version, is_active}, or none: everything of the tenant, or of
// all.  name: of the tenant.
export function StopDialog({tenant, name, workflow, onClose, onDone}) {
	const [how, choose] = useState('hold');
	const [reason, setReason] = useState('');
	const off = useRef(false);
	const waiting = useLoad(options => workflow ? countWaiting(workflow, options) : Promise.resolve({n: 0}), []);
	const n = waiting.data?.n ?? 0;
	const state = useWrite(async () => {
		// what was switched off before its runs could not be cancelled stays off
		if (how !== 'hold' && workflow.is_active && !off.current)
			await post(`workflows/${workflow.id}/active`, {active: false, base_version: workflow.version});
		off.current = how !== 'hold';
		if (how === 'cancel')
			await cancelWaiting(workflow);
		if (how === 'hold')
			await post('pause', {tenant: tenant || null, workflow: workflow?.id ?? null, reason: reason || null});
		toast(t('stop.done.' + how));
	}, onDone);

	return html`<${Dialog} title=${workflow ? t('stop.workflow', {name: workflow.name}) : tenant ? t('stop.tenant') : t('stop.all')} onClose=${onClose}>
		${tenant && html`<p><strong><${Named} id=${tenant} name=${workflow ? workflow.tenant_name : name}/></strong></p>`}
		<fieldset><legend>${t('stop.how')}</legend>
			<label class="choice"><input type="radio" name="how" checked=${how === 'hold'} onChange=${() => choose('hold')}/> ${t('stop.hold')}</label>
			${workflow?.is_active && html`<label class="choice"><input type="radio" name="how" checked=${how === 'off'} onChange=${() => choose('off')}/> ${t('stop.off')}</label>`}
			${workflow?.is_active && n > 0 && html`<label class="choice"><input type="radio" name="how" checked=${how === 'cancel'} onChange=${() => choose('cancel')}/> ${t('stop.cancel', {n, count: capped(n)})}</label>`}
		</fieldset>
		${how === 'hold' && html`<label>${t('stop.reason')}<input dir="auto" value=${reason} maxlength="200" onInput=${event => setReason(event.target.value)}/></label>`}
		<${Buttons} state=${state} onClose=${onClose} label=${t('stop.' + how + '.button')} danger/>
	</${Dialog}>`;
}

// The same with a reason, which stands beside who did it.  name: of what goes on.
export function ResumeDialog({tenant, workflow, name, onClose, onDone}) {
	const [reason, setReason] = useState('');
	const state = useWrite(async () => {
		await post('resume', {tenant, workflow: workflow ?? null, reason: reason.trim() || null});
		toast(t('stop.resumed'));
	}, onDone);

	return html`<${Dialog} title=${t('stop.resume')} onClose=${onClose}>
		<p><strong><${Text} text=${name}/></strong></p>
		<label>${t('stop.reason')}<input dir="auto" value=${reason} maxlength="200" onInput=${event => setReason(event.target.value)}/></label>
		<${Buttons} state=${state} onClose=${onClose} label=${t('stop.resume')}/>
	</${Dialog}>`;
}

function Pause({pause, now, onDone}) {
	const [asked, ask] = useState(false);
	const what = pause.workflow ? pause.workflow_name : pause.tenant ? pause.tenant_name ?? pause.tenant : t('stop.everything');

	return html`<li><strong><bdi>${what}</bdi></strong>${pause.workflow && pause.tenant_name && html` · <bdi>${pause.tenant_name}</bdi>`} · ${t('stop.held_by', {who: pause.paused_by ?? '?'})} <${When} at=${pause.paused_at} now=${now}/>
		${pause.reason && html` · <${Text} text=${pause.reason}/>`}${' '}
		<${Action} allowed=${me.value.capabilities.operate} reason=${needs('operate')} onClick=${() => ask(true)}>${t('stop.resume')}…<span class="hidden"> ${visible(what)}</span></${Action}>
		${asked && html`<${ResumeDialog} ...${pause} name=${what} onClose=${() => ask(false)} onDone=${() => { ask(false); onDone(); }}/>`}</li>`;
}

export function Pauses({pauses, now, onDone}) {
	if (pauses.length === 0)
		return null;
	return html`<section class="pauses"><h2>${t('stop.held')}</h2>
		<ul class="plain">${pauses.map(pause => html`<${Pause} pause=${pause} now=${now} onDone=${onDone}/>`)}</ul></section>`;
}
