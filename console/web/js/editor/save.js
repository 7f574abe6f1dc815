// Saving: why, what changes, with whose rights; and what to do if somebody else has
// saved meanwhile.

import {html, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {get, isUnknown, post} from '../api.js';
import {changes, merge} from '../compare.js';
import {canonical, parse, print, textAt} from '../json.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Changes, Sides, sentence} from '../ui/changes.js';
import {Dialog} from '../ui/dialog.js';
import {Difference} from '../ui/difference.js';
import {needsRole} from '../ui/grant.js';
import {Lack, Loaded, Problem} from '../ui/parts.js';
import {named} from '../ui/value.js';
import {Saved} from '../page/theirs.js';
import {outcomeOf, useOutcome} from './outcome.js';

// Of a new workflow the shared role; else the one it has.
export function proposed(workflow) {
	const roles = me.value.run_as;

	return workflow?.run_as ?? (roles.find(one => one.is_default) ?? roles.find(one => one.is_current))?.role ?? null;
}

function RunAs({value, onChange}) {
	const roles = me.value.run_as;
	const chosen = roles.find(one => one.role === value);
	const shared = roles.find(one => one.is_default);

	return html`<label>${t('save.run_as')}<select value=${value} onChange=${event => onChange(event.target.value)}>
			${!chosen && value && html`<option value=${value}>${named(value)}</option>`}
			${roles.map(one => html`<option value=${one.role}>${named(one.role)}${one.is_default ? ` (${t('save.shared')})` : one.is_current ? ` (${t('save.yourself')})` : ''}</option>`)}
		</select></label>
		${chosen?.is_current && (shared || roles.length > 1) && html`<p class="note">${t('save.own_role')}</p>`}
		${!chosen && value && html`<div class="note"><${Lack} reason=${needsRole(value)}/></div>`}`;
}

// What both have changed: mine or theirs, one by one.
function Conflict({conflict, choice, onChoose, name}) {
	const {change} = conflict;

	return html`<fieldset class="conflict"><legend>${sentence(change)}</legend>
		<${Sides} before=${conflict.gone ? undefined : conflict.theirs} after=${change.kind === 'removed' ? undefined : change.after} field=${change.field} labels=${[t('conflict.theirs'), t('conflict.mine')]}/>
		${['theirs', 'mine'].map(one => html`<label class="choice"><input type="radio" name=${name} checked=${choice === one} onChange=${() => onChoose(one)}/> ${t('conflict.take.' + one)}</label>`)}
	</fieldset>`;
}

// base, mine: trees; onMerged({workflow, tree}): my changes on what is saved now.
export function MergeDialog({id, base, mine, onClose, onMerged}) {
	const state = useLoad(options => get('workflows/' + id, options), [id]);
	const [choices, choose] = useState({});

	return html`<${Dialog} title=${t('merge')} onClose=${onClose}>
		<${Loaded} state=${state}>${data => {
			const theirs = canonical(parse(data.workflow.definition));
			const {tree, conflicts} = merge(base, mine, theirs);
			const decided = conflicts.every((one, i) => choices[i]);
			const result = () => conflicts.reduce((all, one, i) => choices[i] === 'mine' ? one.make(all) : all, tree);

			return html`<${Saved} ...${data}/>
				<details open><summary>${t('merge.theirs')}</summary><${Difference} before=${base} after=${theirs}/></details>
				<details><summary>${t('merge.mine')}</summary><${Difference} before=${base} after=${mine}/></details>
				${conflicts.length > 0 && html`<p><strong>${t('merge.conflicts', {n: conflicts.length})}</strong></p>`}
				${conflicts.map((one, i) => html`<${Conflict} key=${i} name=${`conflict-${i}`} conflict=${one} choice=${choices[i]} onChoose=${what => choose({...choices, [i]: what})}/>`)}
				<div class="dialog-actions"><button type="button" onClick=${onClose}>${t('merge.keep')}</button>
					<button type="button" class="main" disabled=${!decided} onClick=${() => onMerged({workflow: data.workflow, tree: result()})}>${t('merge.button')}</button></div>`;
		}}</${Loaded}>
	</${Dialog}>`;
}

// Saves once.  If the answer is lost, with the connection or with the session, it is read
// whether that is saved: lost is what was sent, until it is known; told: what is said then.
function useSave({workflow, tenant, tree, onSaved, onChanged}) {
	const [state, set] = useState({busy: false, error: null, lost: null, told: null});

	async function save({runAs, note}) {
		const sent = {id: workflow?.id ?? null, base: workflow?.version ?? 0, tenant, name: textAt(tree, ['name']), definition: print(tree), note};

		set({busy: true, error: null, lost: null, told: null});
		try {
			const body = {definition: sent.definition, run_as: runAs, note};
			const answer = workflow ? await post(`workflows/${workflow.id}/save`, {...body, base_version: workflow.version})
				: await post('workflows', {...body, tenant});

			onSaved({id: workflow?.id ?? answer.id, version: answer.version});
		} catch (error) {
			if (error.code === 'changed') {
				// it may be what the same person has saved before, not knowing it
				const {saved} = await outcomeOf(sent).catch(() => ({saved: null}));

				(saved ? onSaved : onChanged)(saved);
				return;
			}
			set({busy: false, error, lost: isUnknown(error) || error.status === 401 ? sent : null, told: null});
		}
	}

	useOutcome(state.lost, ({saved, changed, error}) => {
		if (saved)
			onSaved(saved);
		else if (changed)
			onChanged();
		else
			set({busy: false, error: error ?? null, lost: null, told: t(error ? 'write.unknown' : 'save.not_saved')});
	});
	return {...state, save};
}

// onSaved({id, version}); onChanged(): somebody else has saved.
export function SaveDialog({workflow, tenant, base, tree, warnings, onClose, onSaved, onChanged}) {
	const [note, setNote] = useState('');
	const [runAs, setRunAs] = useState(proposed(workflow));
	const state = useSave({workflow, tenant, tree, onSaved, onChanged});
	const list = changes(base, tree);
	const renamed = workflow && list.some(one => one.step === null && one.field === 'name');
	const next = 'v' + ((workflow?.version ?? 0) + 1);
	const may = !state.busy && !state.lost;

	return html`<${Dialog} title=${t('save.title', {version: next})} onClose=${onClose}><form onSubmit=${event => { event.preventDefault(); if (may) state.save({runAs, note: note.trim() || null}); }}>
		<label>${t('editor.note')}<input dir="auto" autocomplete="off" maxlength="1000" value=${note} onInput=${event => setNote(event.target.value)}/></label>
		${workflow ? html`<h3>${t('save.changes')}</h3><${Changes} changes=${list}/>` : ''}
		${renamed && html`<p class="note">${t('save.renamed')}</p>`}
		${warnings > 0 && html`<p class="note">⚠ ${t('editor.warnings', {n: warnings})}</p>`}
		<${RunAs} value=${runAs} onChange=${setRunAs}/>
		${state.error && html`<${Problem} error=${state.error}/>`}
		<div role="status">${(state.lost || state.told) && html`<p class="note">${state.told ?? t('save.looking')}</p>`}</div>
		<div class="dialog-actions"><button type="button" onClick=${onClose}>${t('close')}</button>
			<button type="submit" class="main" aria-disabled=${may ? null : 'true'}>${state.busy ? t('busy') : t('save.button', {version: next})}</button></div>
	</form></${Dialog}>`;
}
