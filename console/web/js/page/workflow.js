// One workflow: what it does step by step, and its versions: who saved them, why,
// what differs, and putting one back.

import {html, useState} from '../../vendor/ui.js';
import {t, number, capped} from '../i18n.js';
import {address, route} from '../router.js';
import {get, post} from '../api.js';
import {at, canonical, child, parse, print, textAt} from '../json.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Fire} from '../editor/fire.js';
import {Dialog} from '../ui/dialog.js';
import {Difference} from '../ui/difference.js';
import {needs, needsRole} from '../ui/grant.js';
import {Action, ActionLink, Loaded, When} from '../ui/parts.js';
import {toast} from '../ui/toast.js';
import {Value} from '../ui/tree.js';
import {Text} from '../ui/value.js';
import {brief, InWords} from './condition.js';
import {Buttons, tellOf, useWrite} from './repair.js';
import {Pauses, StopDialog} from './stop.js';
import {Pending} from './theirs.js';

function Step({step, number: n}) {
	const condition = child(step, 'condition');
	const params = child(step, 'params')?.members ?? [];

	return html`<li class="step">
		<div class="step-head"><span class="step-number">${number(n)}</span>
			<h3><bdi>${textAt(step, ['name'])}</bdi></h3><span class="dim" dir="ltr">${textAt(step, ['action'])}</span></div>
		${condition && html`<div>${t('editor.only_if')} <${InWords} node=${condition}/></div>`}
		<dl class="facts">${params.map(({key, node}) => html`<dt dir="ltr"><${Text} text=${key}/></dt><dd><${Text} text=${brief(node)}/></dd>`)}</dl>
		${textAt(step, ['on_error']) === 'continue' && html`<p class="dim">${t('editor.on_error.continue')}</p>`}
	</li>`;
}

export async function switchOn(workflow, reload) {
	try {
		await post(`workflows/${workflow.id}/active`, {active: true, base_version: workflow.version});
		toast(t('workflow.switched_on', {name: workflow.name}));
	} catch (error) {
		tellOf(error);
	}
	reload();
}

function version(workflow, n) {
	return options => get(`workflows/${workflow.id}/versions/${n}`, options);
}

// What has to be changed in a version to make it the one of now.
function CompareDialog({workflow, n, onClose}) {
	const state = useLoad(version(workflow, n), [n]);

	return html`<${Dialog} title=${t('version.compare', {from: 'v' + n, to: 'v' + workflow.version})} onClose=${onClose}>
		<${Loaded} state=${state}>${({definition}) => html`
			<${Difference} before=${parse(definition)} after=${parse(workflow.definition)}/>
			<details><summary>${t('run.definition', {version: 'v' + n})}</summary><pre dir="ltr"><${Text} text=${print(canonical(parse(definition)))}/></pre></details>`}</${Loaded}>
	</${Dialog}>`;
}

// The old JSON is saved as a new version, unless somebody has saved meanwhile.
function PutBackDialog({workflow, n, onClose, onDone}) {
	const old = useLoad(version(workflow, n), [n]);
	const [note, setNote] = useState(t('version.put_back.note', {version: 'v' + n}).replace(/[\u2068\u2069]/g, ''));
	const state = useWrite(async () => {
		const {version: saved} = await post(`workflows/${workflow.id}/save`,
			{definition: old.data.definition, base_version: workflow.version, note: note.trim() || null});

		toast(t('editor.saved', {version: 'v' + saved}));
	}, onDone);

	return html`<${Dialog} title=${t('version.put_back', {from: 'v' + n, to: 'v' + (workflow.version + 1)})} onClose=${onClose}>
		<${Loaded} state=${old}>${({definition}) => html`<${Difference} before=${parse(workflow.definition)} after=${parse(definition)}/>`}</${Loaded}>
		<p class="dim">${t('version.put_back.what', {role: workflow.run_as})}</p>
		<label>${t('editor.note')}<input dir="auto" maxlength="1000" value=${note} onInput=${event => setNote(event.target.value)}/></label>
		${state.error?.code === 'changed' && html`<${Pending} id=${workflow.id}/>`}
		<${Buttons} state=${state} onClose=${onClose} disabled=${!old.data} label=${t('version.put_back.button', {version: 'v' + (workflow.version + 1)})}/>
	</${Dialog}>`;
}

function Versions({workflow, allowed, reason, reload}) {
	const state = useLoad(options => get(`workflows/${workflow.id}/versions`, options), [workflow.id, workflow.version], {every: 30000});
	// the page of a run asks for what has changed since its version
	const {compare} = route.value.params;
	const [dialog, open] = useState(/^[1-9]\d{0,8}$/.test(compare) && Number(compare) < workflow.version ? {what: 'compare', n: Number(compare)} : null);
	const Open = {compare: CompareDialog, put_back: PutBackDialog}[dialog?.what];

	return html`<section><h2>${t('versions')}</h2>
		<${Loaded} state=${state}>${({versions}) => html`<table class="cards"><thead><tr>
				<th scope="col">${t('version')}</th><th scope="col">${t('version.saved')}</th><th scope="col">${t('version.note')}</th>
				<th scope="col">${t('version.under_way')}</th><th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
			<tbody>${versions.map(one => html`<tr key=${one.version}>
				<th scope="row">v${one.version}${one.version === workflow.version && html` <span class="dim">${t('version.now')}</span>`}</th>
				<td data-label=${t('version.saved')}><bdi>${one.saved_by}</bdi> <${When} at=${one.saved_at}/></td>
				<td data-label=${t('version.note')}>${one.note ? html`<${Text} text=${one.note}/>` : '–'}</td>
				<td data-label=${t('version.under_way')}>${capped(one.under_way)}</td>
				<td>${one.version !== workflow.version && html`<span class="group-actions">
					<button type="button" onClick=${() => open({what: 'compare', n: one.version})}>${t('version.compare.button')}<span class="hidden"> v${one.version}</span></button>
					<${Action} allowed=${allowed} reason=${reason} onClick=${() => open({what: 'put_back', n: one.version})}>${t('version.put_back.open')}<span class="hidden"> v${one.version}</span></${Action}></span>`}</td>
			</tr>`)}</tbody></table>`}</${Loaded}>
		${Open && html`<${Open} workflow=${workflow} n=${dialog.n} onClose=${() => open(null)} onDone=${() => { open(null); reload(); }}/>`}
	</section>`;
}

function Page({workflow, now, reload}) {
	const [stop, showStop] = useState(false);
	const {operate} = me.value.capabilities;
	const tree = canonical(parse(workflow.definition));
	const allowed = operate && workflow.may_run_as;
	const reason = operate ? needsRole(workflow.run_as) : needs('operate');
	const {tenant} = route.value.params;
	const paused = workflow.pauses.length > 0;

	return html`
		<p><a href=${address('/workflows', {tenant})}>${t('nav.workflows')}</a></p>
		<div class="run-head"><h1><${Text} text=${workflow.name}/></h1>
			<span class="status">${paused ? t('workflow.paused') : workflow.is_active ? t('workflow.on') : t('workflow.off')}</span></div>
		${textAt(tree, ['description']) && html`<p><${Text} text=${textAt(tree, ['description'])}/></p>`}
		<p class="dim">${t('workflow.event')} <span dir="ltr">${workflow.trigger_type}</span>${workflow.tenant_name && html` · <bdi>${workflow.tenant_name}</bdi>`}
			${' · '}v${workflow.version} <bdi>${workflow.saved_by}</bdi> <${When} at=${workflow.saved_at}/>
			${workflow.note && html` · <${Text} text=${workflow.note}/>`}
			${' · '}${t('editor.run_as')} <bdi>${workflow.run_as}</bdi></p>
		${!workflow.is_active && html`<p>${t('workflow.changed')} <bdi>${workflow.updated_by}</bdi> <${When} at=${workflow.updated_at} now=${now}/></p>`}
		<${Pauses} pauses=${workflow.pauses} now=${now} onDone=${reload}/>
		${!workflow.run_as_exists && html`<p class="problem">${t('workflow.no_role')}</p>`}
		<div class="actions">
			<${Action} kind="main" allowed=${allowed} reason=${reason} onClick=${() => { location.hash = address(`/workflows/${workflow.id}/edit`, {tenant}); }}>${t('editor.edit')}</${Action}>
			${workflow.is_active
				? html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => showStop(true)}>${t('stop')}</${Action}>`
				: html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => switchOn(workflow, reload)}>${t('workflow.switch_on')}</${Action}>`}
			<${Fire} workflow=${workflow}/>
			<a href=${address('/runs', {workflow: workflow.id, tenant})}>${t('nav.runs')}</a>
			<${ActionLink} allowed=${operate} reason=${needs('operate')} href=${address('/workflows/new', {copy: workflow.id, tenant})}>${t('editor.copy')}</${ActionLink}>
		</div>
		<section><h2>${t('workflow.steps')}</h2>
			<ol class="steps">${(at(tree, ['steps'])?.items ?? []).map((step, i) => html`<${Step} key=${i} step=${step} number=${i + 1}/>`)}</ol>
			<details><summary>${t('run.definition', {version: 'v' + workflow.version})}</summary>
				<${Value} value=${{text: print(tree), size: workflow.definition.length, truncated: false}}/></details></section>
		<${Versions} workflow=${workflow} allowed=${allowed} reason=${reason} reload=${reload}/>
		${stop && html`<${StopDialog} tenant=${workflow.tenant_id} workflow=${workflow} onClose=${() => showStop(false)} onDone=${() => { showStop(false); reload(); }}/>`}`;
}

export function Workflow({id}) {
	const state = useLoad(options => get('workflows/' + id, {...options, slot: 'workflow'}), [id], {every: 10000});

	return html`<${Loaded} state=${state}>${({now, workflow}) => html`<${Page} workflow=${workflow} now=${now} reload=${state.reload}/>`}</${Loaded}>`;
}
