// The sample: an event of the last days, or one that is pasted; and what a run with it
// would do.  Nothing is ever sent.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, moment, number, isolated} from '../i18n.js';
import {get, post} from '../api.js';
import {parse, print, textAt} from '../json.js';
import {useLoad} from '../load.js';
import {eventProblem} from '../object.js';
import {me} from '../session.js';
import {needs, needsRole} from '../ui/grant.js';
import {Action, Loaded, Problem} from '../ui/parts.js';
import {Value} from '../ui/tree.js';
import {Text, typedJson, visible} from '../ui/value.js';

// The sample that is chosen, of the trigger type that the definition has now.
// run: the id of a run whose event stands first, whatever its type.
export function useSample(tree, tenant, run) {
	const type = textAt(tree, ['trigger_type']);
	const [asked, ask] = useState(type);
	const [choice, choose] = useState(0);
	const [pasted, paste] = useState('{}');
	const [picked, pick] = useState(run);

	// not for each letter of a type that is typed
	useEffect(() => {
		const timer = setTimeout(() => ask(type), 500);

		return () => clearTimeout(timer);
	}, [type]);

	const state = useLoad(options => asked ? get(`samples?${new URLSearchParams({trigger_type: asked, ...(tenant ? {tenant} : {})})}`, options)
		: Promise.resolve({samples: []}), [asked, tenant]);
	const mended = useLoad(options => picked ? get('runs/' + picked, options) : Promise.resolve(null), [picked]);
	const {run: its} = mended.data ?? {};
	const found = state.data?.samples ?? [];
	const samples = its ? [{run_id: its.run_id, queued_at: its.queued_at, payload: its.payload.truncated ? null : its.payload.text, size: its.payload.size,
		head: its.payload.text.slice(0, 200), mended: picked === run, title: its.title}, ...found.filter(one => one.run_id !== picked)] : picked && mended.loading ? [] : found;
	const own = choice === 'pasted' || samples.length === 0;
	const one = own ? null : samples[choice] ?? samples[0];
	const payload = own ? pasted : one.payload;
	// in words what is wrong with what is pasted
	const broken = own || payload ? eventProblem(payload) : null;

	return {samples, choice: own ? 'pasted' : choice, choose, tenant, pick: id => { pick(id); choose(0); }, pasted, paste, broken, loading: state.loading || mended.loading, one,
		sample: broken ? null : {tree: payload ? parse(payload) : null, ask: own ? {payload: pasted} : {run_id: one.run_id}}};
}

// An event of long ago, found as a run is found.
function Find({workflow, tenant, onPick}) {
	const input = useRef(null);
	const [q, ask] = useState('');
	const state = useLoad(options => q ? post('runs', {q, tenant, workflow, limit: 20}, {...options, slot: 'sample'}) : Promise.resolve({runs: []}), [q]);

	return html`<form role="search" class="search-in" aria-label=${t('sample.find')} onSubmit=${event => { event.preventDefault(); ask(input.current.value.trim()); }}>
			<input ref=${input} type="search" dir="auto" aria-label=${t('sample.find')} placeholder=${t('sample.find')}/><button type="submit">${t('search')}</button></form>
		${q && html`<${Loaded} state=${state}>${({runs}) => runs.length === 0 ? html`<p class="dim" role="status">${t('runs.none_found', {q})}</p>`
			: html`<ul class="plain" aria-label=${t('sample.find')}>${runs.map(one => html`<li><button type="button" class="quiet" onClick=${() => { onPick(one.run_id); ask(''); input.current.value = ''; }}>
				<${Text} text=${one.title || one.payload_head.slice(0, 60)}/> <span class="dim">${moment(one.queued_at)}</span></button></li>`)}</ul>`}</${Loaded}>`}`;
}

function Chooser({state, workflow}) {
	return html`<label class="stacked"><span>${t('sample.choose')}</span>
		<select value=${String(state.choice)} onChange=${event => state.choose(event.target.value === 'pasted' ? 'pasted' : Number(event.target.value))}>
			${state.samples.map((one, i) => html`<option value=${String(i)}>${moment(one.queued_at)} ${one.mended ? t('sample.of_run', {head: visible((one.title ?? one.head).slice(0, 60))}) : isolated(visible((one.title ?? one.head).slice(0, 60)))}</option>`)}
			<option value="pasted">${t('sample.paste')}</option>
		</select></label>
		${workflow && html`<${Find} workflow=${workflow} tenant=${state.tenant} onPick=${state.pick}/>`}
		${state.choice === 'pasted' ? html`<label class="stacked"><span>${t('sample.pasted')}</span>
				<textarea class="json" dir="ltr" rows="6" spellcheck=${false} value=${state.pasted} onInput=${event => state.paste(typedJson(event.target))}></textarea></label>
			${state.broken && html`<p class="field-problem">${state.broken}</p>`}`
			: html`<details><summary>${t('run.payload')}</summary><${Value} value=${{text: state.one.payload ?? state.one.head, size: state.one.size, truncated: !state.one.payload}}/></details>`}`;
}

const ICONS = {'would send': '➤', 'would run': '▶', completed: '✓', skipped: '–', failed: '✕', unknown: '?', pending: '○'};

function Would({step}) {
	const status = step.status.replace(' ', '_');

	return html`<li class=${`would s-${status}`}>
		<span aria-hidden="true">${ICONS[step.status]}</span> <strong><bdi>${step.step_name}</bdi></strong> ${t('would.' + status)}
		${(step.reason || step.error) && html`<div class=${step.error ? 'step-error' : 'dim'}><${Text} text=${step.error ?? step.reason}/></div>`}
		${['request', 'changes', 'input'].filter(name => step[name]).slice(0, 1).map(name =>
			html`<details><summary>${t('would.' + name)}</summary><${Value} value=${step[name]}/></details>`)}
	</li>`;
}

// Steps in the database are executed and undone; asked for with a button of its own.
function Try({editor, ask}) {
	const [state, set] = useState({busy: false, steps: null, error: null, of: null});
	const definition = print(editor.tree);
	const {operate} = me.value.capabilities;
	const member = me.value.run_as.some(one => one.role === editor.runAs);

	async function run() {
		set({busy: true, steps: null, error: null, of: null});
		try {
			const {steps} = await post('try', {definition, tenant: editor.tenant, run_as: editor.runAs, ...ask}, {slot: 'try'});

			set({busy: false, steps, error: null, of: definition});
		} catch (error) {
			set({busy: false, steps: null, error, of: definition});
		}
	}

	return html`<div class="try"><h3>${t('try')}</h3><p class="dim">${t('try.what', {role: editor.runAs ?? ''})}</p>
		<${Action} allowed=${operate && member && editor.valid && !state.busy} reason=${state.busy ? '' : !operate ? needs('operate') : !member ? needsRole(editor.runAs ?? '') : t('editor.not_valid')} onClick=${run}>${state.busy ? t('busy') : t('try.button')}</${Action}>
		${state.error && html`<${Problem} error=${state.error}/>`}
		${state.steps && state.of === definition && html`<ol class="plain" aria-label=${t('try')}>${state.steps.map(step => html`<${Would} key=${step.step} step=${step}/>`)}</ol>`}</div>`;
}

export function Sample({editor, state, children}) {
	const {steps, previewError, previewCurrent} = editor;

	return html`<aside class="sample" aria-label=${t('sample')}><h2>${t('sample')}</h2>
		<${Chooser} state=${state} workflow=${editor.id}/>
		${state.samples.length === 0 && !state.loading && html`<p class="dim">${t('sample.none')}</p>`}
		<h3>${t('sample.would')}</h3>
		<p class="dim">${t('sample.nothing_sent')}</p>
		${previewError ? html`<${Problem} error=${previewError}/>`
			: !editor.valid && (editor.current || editor.held || editor.broken) ? html`<p>${t('editor.not_valid')}</p>`
				: steps ? html`<ol class=${'plain' + (previewCurrent ? '' : ' old')} aria-label=${t('sample.would')}>${steps.map(step => html`<${Would} key=${step.step} step=${step}/>`)}</ol>`
					: html`<p class="dim">${state.broken ? '' : t('loading')}</p>`}
		${state.sample && !editor.broken && html`<${Try} editor=${editor} ask=${state.sample.ask}/>`}
		${children}
		${steps && html`<p class="hidden" role="status">${previewCurrent ? t('sample.ready', {n: number(steps.length)}) : ''}</p>`}
	</aside>`;
}
