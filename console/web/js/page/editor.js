// The editor of a workflow: a form and the JSON, two views of one tree; its problems;
// and what it would do with an event that was.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, isolated} from '../i18n.js';
import {address, go, route} from '../router.js';
import {get} from '../api.js';
import {at, canonical, insert, make, move, parse, print, put, remove, textAt} from '../json.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {useChecks} from '../editor/checks.js';
import {Code, positionsOf} from '../editor/code.js';
import {idOf} from '../editor/controls.js';
import {Offers, useDrafts} from '../editor/draft.js';
import {Form} from '../editor/form.js';
import {Fire} from '../editor/fire.js';
import {useModel} from '../editor/model.js';
import {eventPaths, pathsOf} from '../editor/place.js';
import {ProblemList} from '../editor/problems.js';
import {Sample, useSample} from '../editor/sample.js';
import {MergeDialog, SaveDialog, proposed} from '../editor/save.js';
import {Start, readExample} from '../editor/start.js';
import {Dialog} from '../ui/dialog.js';
import {Difference} from '../ui/difference.js';
import {needs, needsRole} from '../ui/grant.js';
import {Action, Loaded, said} from '../ui/parts.js';
import {TenantChoice} from '../ui/tenant.js';
import {toast} from '../ui/toast.js';
import {Text, named} from '../ui/value.js';
import {Saved} from './theirs.js';

const VIEWS = ['form', 'json', 'sample'];
const EMPTY = make({name: '', trigger_type: '', steps: []});

function stepName(tree, action) {
	const names = (at(tree, ['steps'])?.items ?? []).map(step => textAt(step, ['name']));
	let n = names.length + 1;

	while (names.includes(`${action}_${n}`))
		n += 1;
	return `${action}_${n}`;
}

// Which steps are open, and what moves, adds and removes them.
function useSteps(model, focus, first) {
	const [open, set] = useState(new Set([Math.max(0, first)]));
	const count = at(model.tree, ['steps'])?.items?.length ?? 0;

	return {
		isOpen: i => open.has(i),
		open: i => set(old => new Set([...old, i])),
		toggle: i => set(old => new Set(old.has(i) ? [...old].filter(one => one !== i) : [...old, i])),
		moveStep(from, to, key) {
			if (to < 0 || to >= count)
				return;
			model.edit(tree => move(tree, ['steps'], from, to));
			set(old => new Set([...old].map(i => i === from ? to : i === to ? from : i)));
			focus(key ? `${key}-${to}` : idOf(['steps', to]));
		},
		removeStep(i) {
			model.edit(tree => remove(tree, ['steps', i]));
			set(old => new Set([...old].filter(one => one !== i).map(one => one > i ? one - 1 : one)));
			focus(count > 1 ? idOf(['steps', Math.max(0, i - 1)]) : 'f-steps');
		},
		addStep() {
			model.edit(tree => insert(tree, ['steps'], count, make({name: stepName(tree, 'step'), action: '', params: {}})));
			set(old => new Set([...old, count]));
			focus(idOf(['steps', count, 'action']));
		},
	};
}

// Puts the focus on an element that the drawing with this change may bring, opening what
// it is in.  It is a state: so it is looked for after that drawing, and not before.
function useFocus() {
	const [wanted, want] = useState([]);

	useEffect(() => {
		const element = wanted.map(id => document.getElementById(id)).find(Boolean);

		for (let one = element?.closest('details'); one; one = one.parentElement.closest('details'))
			one.open = true;
		element?.focus();
		element?.scrollIntoView?.({block: 'center'});
	}, [wanted]);
	return (...ids) => want(ids);
}

// The ids of the element for a path and of those around it.
function around(path) {
	const ids = [];

	for (let text = path; text; text = text.replace(/(\.?[^.[\]]+|\[[^\]]*\])$/, ''))
		ids.push('f-' + text);
	return [...ids, 'f-name'];
}

function Bar({model, changed, allowed, reason, workflow, open}) {
	return html`<div class="actions editor-bar">
		<${Action} kind="main" allowed=${allowed} reason=${reason} onClick=${() => open('save')}>${workflow ? t('editor.save', {version: 'v' + (workflow.version + 1)}) : t('editor.save_new')}</${Action}>
		<button type="button" disabled=${!model.canUndo} onClick=${model.undo}>↶ ${t('editor.undo')}</button>
		<button type="button" disabled=${!model.canRedo} onClick=${model.redo}>↷ ${t('editor.redo')}</button>
		${workflow && html`<button type="button" onClick=${() => open('compare')}>${t('editor.compare')}</button>`}
		<a href=${address(workflow ? '/workflows/' + workflow.id : '/workflows', {tenant: route.value.params.tenant})}>${t(changed ? 'editor.leave' : 'close')}</a>
	</div>`;
}

// The draft against the version that it began with, or another.
function CompareDialog({workflow, base, mine, onClose}) {
	const [n, choose] = useState(workflow.version);
	const versions = useLoad(options => get(`workflows/${workflow.id}/versions`, options), [workflow.id]);
	const other = useLoad(options => n === workflow.version ? Promise.resolve({tree: base})
		: get(`workflows/${workflow.id}/versions/${n}`, options).then(one => ({tree: canonical(parse(one.definition))})), [n]);

	return html`<${Dialog} title=${t('version.compare', {from: 'v' + n, to: t('editor.draft')})} onClose=${onClose}>
		<label>${t('version')}<select name="version" value=${String(n)} onChange=${event => choose(Number(event.target.value))}>
			${(versions.data?.versions ?? [{version: n}]).map(one => html`<option value=${String(one.version)}>${isolated('v' + one.version)}${one.saved_by ? ` · ${named(one.saved_by)}` : ''}${one.note ? ` · ${named(one.note)}` : ''}</option>`)}</select></label>
		<${Loaded} state=${other}>${({tree}) => html`<${Difference} before=${tree} after=${mine}/>`}</${Loaded}>
	</${Dialog}>`;
}

// What the parts of the page get: the tree, how to change it, what is known about it.
function useEditor({model, catalogue, workflow, tenant, setView, view}) {
	const focus = useFocus();
	const {step: wanted, run} = route.value.params;
	const [first] = useState(() => (at(model.tree, ['steps'])?.items ?? []).findIndex(step => textAt(step, ['name']) === wanted));
	const steps = useSteps(model, focus, first);
	const samples = useSample(model.tree, tenant, run);
	const checks = useChecks(model, tenant, samples.sample);
	const runAs = proposed(workflow);
	const tables = useLoad(options => runAs ? get(`tables?${new URLSearchParams({run_as: runAs})}`, options) : Promise.resolve(null), [runAs]);
	const inputs = (checks.steps ?? []).map(one => one.input && !one.input.truncated ? parse(one.input.text) : null);
	const outputs = Object.fromEntries((checks.steps ?? []).filter(one => one.output && !one.output.truncated).map(one => [one.step_name, parse(one.output.text)]));
	const names = (at(model.tree, ['steps'])?.items ?? []).map(step => textAt(step, ['name']));

	useEffect(() => {
		if (first >= 0)
			focus(idOf(['steps', first]));
	}, []);

	const editor = {...catalogue, ...steps, ...checks, tree: model.tree, edit: model.edit, broken: model.broken, checkError: checks.error,
		isNew: !workflow, id: workflow?.id, gone: first < 0 && wanted, tenant, runAs, tables: tables.data?.tables ?? [], held: model.held, view,
		focus: (path, suffix) => focus(idOf(path) + (suffix ? '-' + suffix : '')),
		sampleOf(path) {
			const node = at(model.tree, path);

			return checks.previewCurrent && path[0] === 'steps' && path[2] === 'params' && node?.kind === 'string' && node.value.includes('{{')
				&& inputs[path[1]] ? at(inputs[path[1]], path.slice(3)) : undefined;
		},
		pathsFor: path => path[0] === 'search' ? eventPaths(samples.sample?.tree) : pathsOf(samples.sample?.tree, path[0] === 'steps' ? names.slice(0, path[1]).map(name => ({name, tree: outputs[name]})) : []),
		goTo(problem) {
			const step = /^steps\[(\d+)\]/.exec(problem.path);

			if (view === 'json') {
				const code = document.getElementById('code');
				const [{node}] = positionsOf(model.json, [problem]);

				code.focus();
				code.setSelectionRange(node.start, node.end);
				return;
			}
			setView('form');
			if (step)
				steps.open(Number(step[1]));
			focus(...around(problem.path));
		}};

	return {editor, samples};
}

// base: {workflow or null, tree}: what is saved.
function EditorPage({first, catalogue, latest}) {
	const [base, setBase] = useState(first);
	const model = useModel(base.tree);
	const [view, setView] = useState('form');
	const [dialog, open] = useState(null);
	const [tenant, setTenant] = useState(base.workflow?.tenant_id ?? first.tenant);
	const {workflow} = base;
	const id = workflow?.id ?? 'new';
	const version = workflow?.version ?? 0;
	const {editor, samples} = useEditor({model, catalogue, workflow, tenant, view, setView});
	const text = model.broken ? model.text : print(model.tree);
	const changed = Boolean(model.broken) || text !== print(base.tree);
	const drafts = useDrafts(id, changed ? text : null, version);
	const errors = editor.problems.some(one => one.severity === 'error');
	const {operate} = me.value.capabilities;
	const may = operate && (!workflow || workflow.may_run_as);
	const allowed = may && (changed || !workflow) && !model.broken && !editor.held && editor.current && !errors && Boolean(tenant);
	const reason = !operate ? needs('operate') : !may ? needsRole(workflow.run_as)
		: workflow && !changed ? t('editor.unchanged') : !editor.current && !model.broken && !editor.held ? t('editor.checking')
		: !errors && !model.broken && !editor.held && !tenant ? t('editor.no_tenant') : t('editor.not_valid');

	function keys(event) {
		const undo = event.code === 'KeyZ' && !event.shiftKey;

		if (!(event.ctrlKey || event.metaKey) || event.altKey || !['KeyZ', 'KeyY'].includes(event.code) || event.target.closest('dialog, aside'))
			return;
		event.preventDefault();
		if (undo)
			model.undo();
		else
			model.redo();
	}

	// A draft of an older version goes on from that one, so that what was saved since is
	// not overwritten.
	async function takeDraft(draft) {
		try {
			if (workflow && draft.version !== version) {
				const old = await get(`workflows/${id}/versions/${draft.version}`);

				setBase({...base, workflow: {...workflow, version: old.version}, tree: canonical(parse(old.definition))});
			}
			model.type(draft.text);
			drafts.take(draft);
		} catch (error) {
			toast(said(error), 'error');
		}
	}

	function saved({id: of, version: now}) {
		drafts.done();
		toast(t('editor.saved', {version: 'v' + now}));
		const {tenant: asked, run} = route.value.params;

		if (run)
			go('/runs/' + run, {retry: 'current', tenant: asked});
		else
			go('/workflows/' + of, {tenant: asked});
	}

	function merged({workflow: theirs, tree}) {
		setBase({...base, workflow: theirs, tree: canonical(parse(theirs.definition))});
		model.edit(() => tree);
		open(null);
		toast(t('merge.done', {version: 'v' + theirs.version}));
	}

	return html`<div class=${`wf-editor view-${view}`} onKeyDown=${keys}>
		<div class="run-head"><h1>${workflow ? html`<${Text} text=${textAt(model.tree, ['name']) || workflow.name}/>` : t('editor.new')}</h1>
			<span class="dim">${workflow && `v${version}`}${changed && html` <span class="arrow">→</span> ${t('editor.draft')}`}</span></div>
		${latest && workflow && latest.workflow.version > version && html`<div class="banner" role="status"><${Saved} ...${latest}/>
			<button type="button" onClick=${() => open('merge')}>${t('merge.open')}</button></div>`}
		${editor.gone && html`<p class="note">${t('editor.step_gone', {step: editor.gone})}</p>`}
		<${Offers} drafts=${drafts} onTake=${takeDraft}/>
		${!workflow && (me.value.tenants.length > 1 || me.value.more_tenants) && html`<${TenantChoice} kind="stacked" label=${html`<span>${t('tenant')}</span>`} none="–" value=${tenant} onChoose=${setTenant}/>`}
		<${Bar} model=${model} changed=${changed} allowed=${allowed} reason=${reason} workflow=${workflow} open=${open}/>
		<div id="checked"><${ProblemList} editor=${editor}/></div>
		<div class="views" role="group" aria-label=${t('editor.views')}>${VIEWS.map(name => html`<button type="button" class=${'view-' + name} aria-pressed=${String(view === name)} onClick=${() => setView(name)}>${t('editor.' + name)}</button>`)}</div>
		<div class="editor-columns">
			<div class="editor-main">${view === 'json' ? html`<${Code} editor=${editor} json=${model.json} type=${model.type}/>` : html`<${Form} editor=${editor}/>`}</div>
			<${Sample} editor=${editor} state=${samples}>${workflow && html`<h3>${t('fire')}</h3><p class="dim">${t('fire.real')}</p>
				<${Fire} workflow=${workflow} changed=${changed} payload=${() => samples.choice === 'pasted' ? samples.pasted : samples.one.payload ?? '{}'}/>`}</${Sample}>
		</div>
		${dialog === 'save' && html`<${SaveDialog} workflow=${workflow} tenant=${tenant} base=${base.tree} tree=${model.tree} warnings=${editor.problems.length}
			onClose=${() => open(null)} onSaved=${saved} onChanged=${() => open('merge')}/>`}
		${dialog === 'merge' && html`<${MergeDialog} id=${workflow.id} base=${base.tree} mine=${model.tree} onClose=${() => open(null)} onMerged=${merged}/>`}
		${dialog === 'compare' && html`<${CompareDialog} workflow=${workflow} base=${base.tree} mine=${model.tree} onClose=${() => open(null)}/>`}
	</div>`;
}

function tenantOf() {
	const {bound, tenant, tenants, more_tenants: many} = me.value;
	const {params} = route.value;

	if (bound === 'one')
		return tenant;
	if (many)
		return params.tenant ?? null;
	return tenants.find(one => one.id === params.tenant)?.id ?? (tenants.length === 1 ? tenants[0].id : null);
}

// What is edited first: the workflow of an id, or for a new one a copy, an example, or
// nothing.
async function begin(id, {copy, example}, options) {
	if (id !== 'new' || copy)
		return get('workflows/' + (id === 'new' ? copy : id), options);
	return {workflow: null, example: example ? canonical(parse(await readExample(example))) : null};
}

function Begun({id, params}) {
	const isNew = id === 'new';
	const state = useLoad(options => begin(id, params, options), [id], {every: isNew ? 0 : 30000});
	const begun = useRef(null);
	const tenant = state.data?.workflow?.tenant_id ?? tenantOf();
	const catalogue = useLoad(options => get('actions' + (tenant ? `?tenant=${tenant}` : ''), options), [tenant]);

	// What is edited stays, whatever is read anew; a poll tells only who has saved.
	if (state.data && !begun.current) {
		const {workflow, example} = state.data;
		const tree = workflow ? canonical(parse(workflow.definition)) : example ?? EMPTY;

		begun.current = {workflow: isNew ? null : workflow, tenant,
			tree: isNew && workflow ? put(tree, ['name'], make(`${workflow.name} (2)`)) : tree};
	}
	return html`<${Loaded} state=${state.data ? catalogue : state}>${actions => html`<${EditorPage} first=${begun.current} catalogue=${actions} latest=${state.data}/>`}</${Loaded}>`;
}

export function Editor({id}) {
	const {params} = route.value;
	const {copy, example, empty, tenant} = params;

	return html`<p><a href=${address('/workflows', {tenant})}>${t('nav.workflows')}</a></p>
		${id === 'new' && !copy && !example && !empty ? html`<${Start}/>`
			: html`<${Begun} key=${`${id} ${copy} ${example}`} id=${id} params=${params}/>`}`;
}
