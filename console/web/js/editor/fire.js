// "Run it now, for real": the saved version, with an event that the person gives.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {address} from '../router.js';
import {get, post} from '../api.js';
import {at, brokenAt, parse, print, textAt} from '../json.js';
import {useLoad} from '../load.js';
import {eventProblem} from '../object.js';
import {me} from '../session.js';
import {Buttons, useWrite} from '../page/repair.js';
import {Dialog} from '../ui/dialog.js';
import {needs} from '../ui/grant.js';
import {Action, Lack, Loaded} from '../ui/parts.js';
import {escaped, typedJson} from '../ui/value.js';

// The link to what has been begun, which gets the focus.
function Begun({run, onClose}) {
	const link = useRef(null);

	useEffect(() => link.current.focus(), []);
	return html`<p role="status">${t('fire.done')}</p>
		<div class="dialog-actions"><button type="button" onClick=${onClose}>${t('close')}</button>
			<a ref=${link} class="button main" href=${address('/runs/' + run)}>${t('fire.open')}</a></div>`;
}

// payload: the text that the person begins with.
function Ask({workflow, payload, onClose}) {
	const [text, setText] = useState(() => escaped(brokenAt(payload) ? payload : print(parse(payload))));
	const [sure, setSure] = useState(false);
	const [run, begun] = useState(null);
	const broken = eventProblem(text);
	const steps = at(parse(workflow.definition), ['steps'])?.items ?? [];
	const state = useWrite(async () => {
		const {run_id} = await post(`workflows/${workflow.id}/fire`, {payload: text, base_version: workflow.version});

		begun(run_id);
	}, () => {});

	if (run)
		return html`<${Begun} run=${run} onClose=${onClose}/>`;
	return html`
		<p>${t('fire.what', {version: 'v' + workflow.version, name: workflow.name, role: workflow.run_as})} <strong>${t('fire.real')}</strong></p>
		<ol class="fire-steps">${steps.map((step, i) => html`<li key=${i}><bdi>${textAt(step, ['name']) || number(i + 1)}</bdi> <span class="dim" dir="ltr">${textAt(step, ['action'])}</span></li>`)}</ol>
		${workflow.pauses.length > 0 && html`<p class="note">${t('fire.paused')}</p>`}
		<label class="stacked"><span>${t('sample.pasted')}</span>
			<textarea class="json" dir="ltr" rows="8" spellcheck=${false} value=${text} aria-invalid=${broken ? 'true' : null} aria-describedby="fire-broken"
				onInput=${event => { setText(typedJson(event.target)); setSure(false); }}></textarea></label>
		<p id="fire-broken" class="field-problem" role="status">${broken}</p>
		<label class="choice"><input type="checkbox" checked=${sure} onChange=${event => setSure(event.target.checked)}/> ${t('fire.sure')}</label>
		<${Buttons} state=${state} onClose=${onClose} label=${t('fire')} danger disabled=${!sure || broken !== null}/>`;
}

// Without a payload, that of the newest event.
function Newest({workflow, onClose}) {
	const {tenant_id: tenant, trigger_type} = workflow;
	const state = useLoad(options => get(`samples?${new URLSearchParams({trigger_type, tenant})}`, options), [workflow.id]);

	return html`<${Loaded} state=${state}>${({samples}) => html`<${Ask} workflow=${workflow} payload=${samples[0]?.payload ?? '{}'} onClose=${onClose}/>`}</${Loaded}>`;
}

// workflow: as it is saved; changed: what is shown is not; payload(): what to begin with,
// if it is known.
export function Fire({workflow, changed, payload}) {
	const [open, show] = useState(null);
	const {fire} = me.value.capabilities;
	const reason = !fire ? needs('fire') : !workflow.is_active ? t('fire.off') : changed ? t('fire.unsaved', {version: 'v' + workflow.version}) : null;

	return html`<${Action} kind="danger" allowed=${!reason} reason=${reason} onClick=${() => show(payload ? payload() : '')}>${t('fire.open_dialog')}</${Action}>
		${!fire && html`<details class="why"><summary>${t('why_not')}</summary><${Lack} reason=${reason}/></details>`}
		${open !== null && html`<${Dialog} title=${t('fire')} onClose=${() => show(null)}>
			<${open ? Ask : Newest} workflow=${workflow} payload=${open} onClose=${() => show(null)}/></${Dialog}>`}`;
}
