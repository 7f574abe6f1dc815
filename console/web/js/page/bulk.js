// Many runs retried or cancelled: those of a filter, or those that were chosen.  They are
// counted first; then this page drives batches, so that closing it stops after one.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, capped, number} from '../i18n.js';
import {address} from '../router.js';
import {post, timeAgo} from '../api.js';
import {useLoad} from '../load.js';
import {Dialog} from '../ui/dialog.js';
import {Loaded, Problem} from '../ui/parts.js';
import {Text} from '../ui/value.js';
import {STATUSES, Unknown} from './repair.js';

const BATCH = 500;
// So many need a tick.
const MANY = 100;
export const RETRIED = ['failed', 'cancelled', 'waiting'];
export const CANCELLED = ['queued', 'running', 'waiting'];
const DONE = {retry: 'retried', cancel: 'cancelled'};

// --- A batch: {done, changed, failed, next}; next is null after the last one.

async function batchOfIds(what, ids, after, version) {
	const from = after ?? 0;
	const {outcomes} = await post(`runs/${what}`, {ids: ids.slice(from, from + BATCH),
		...(what === 'retry' && {on_version: version})});
	const wanted = DONE[what];
	const done = outcomes.filter(one => one.outcome === wanted).length;
	const changed = outcomes.filter(one => one.outcome !== wanted && STATUSES.includes(one.outcome)).length;

	return {done, changed, next: from + BATCH < ids.length ? from + BATCH : null,
		errors: outcomes.filter(one => one.outcome !== wanted && !STATUSES.includes(one.outcome)).map(one => one.outcome)};
}

async function batchOfFilter(what, filter, after, version) {
	const {done, skipped, next} = await post(`runs/${what}-next`, {filter, after, limit: BATCH,
		...(what === 'retry' && {on_version: version})});

	return {done, changed: skipped ?? 0, errors: [], next};
}

const BEGIN = {running: false, done: 0, changed: 0, errors: [], ended: false, stopped: false, error: null};

// Batches until all that were there when it began were tried, or until told to stop.
function useBatches(next) {
	const [state, set] = useState(BEGIN);
	const stop = useRef(false);

	async function run() {
		let now = {...BEGIN, running: true};
		let after = null;

		stop.current = false;
		set(now);
		try {
			do {
				const batch = await next(after);

				after = batch.next;
				now = {...now, done: now.done + batch.done, changed: now.changed + batch.changed,
					errors: [...now.errors, ...batch.errors]};
				set(now);
			} while (after !== null && !stop.current);
			set({...now, running: false, ended: true, stopped: after !== null});
		} catch (error) {
			set({...now, running: false, ended: true, error});
		}
	}

	// a person who leaves the page ends it after the batch under way
	useEffect(() => () => { stop.current = true; }, []);
	return {...state, run, stop: () => { stop.current = true; }};
}

// --- The count

async function countOf(what, filter, options) {
	const one = status => post('runs/count', {filter: {...filter, status}}, options);

	if (what === 'retry' || filter.status)
		return one(filter.status ?? 'failed');

	// of cancelling without a status all that have not ended
	const all = [];

	for (const status of CANCELLED)
		all.push(await one(status));
	return {count: all.reduce((sum, {count}) => sum + count, 0), capped: all.some(each => each.capped),
		older: all.reduce((sum, {older}) => sum + older, 0)};
}

function Summary({what, batches, total, link}) {
	const {done, changed, errors, running} = batches;

	return html`<p role="status">${t(`bulk.${what}.${running ? 'progress' : 'ended'}`, {done, changed, failed: errors.length})}
		${batches.stopped && html` ${t('bulk.stopped')}`}</p>
		<progress max=${Math.max(total, 1)} value=${done + changed + errors.length} aria-label=${t('bulk.' + what)}></progress>
		${errors.length > 0 && html`<details><summary>${t('details')}</summary>
			<ul>${[...new Set(errors)].slice(0, 20).map(text => html`<li dir="ltr"><${Text} text=${text}/></li>`)}</ul></details>`}
		${!running && link && html`<p><a href=${address('/runs', link)}>${t('bulk.look')}</a></p>`}`;
}

// what: 'retry' or 'cancel'.  ids: those that were chosen, or filter: as of runs/count.
// facts: what else is to be known before it is done.  link: the parameters of a list that
// shows them.
export function BulkDialog({what, ids, filter, facts, link, onClose}) {
	// what comes after this moment was not counted
	const [fixed] = useState(() => filter && {...filter, until: filter.until ?? timeAgo()});
	const count = useLoad(options => ids ? Promise.resolve({count: ids.length, capped: false, older: 0}) : countOf(what, fixed, options), []);
	const [version, setVersion] = useState('current');
	const [sure, setSure] = useState(false);
	const batches = useBatches(after => ids ? batchOfIds(what, ids, after, version) : batchOfFilter(what, fixed, after, version));
	const total = count.data?.count ?? 0;
	const begun = batches.running || batches.ended;
	const shown = count.data?.capped ? capped(10001) : number(total);

	return html`<${Dialog} title=${t('bulk.' + what)} onClose=${batches.running ? null : onClose}>
		${facts}
		<${Loaded} state=${count}>${data => html`<p><strong>${t('retry_all.count', {n: data.count, count: shown})}</strong>
			${data.older > 0 && html` · ${t('retry_all.older', {n: data.older})}`}</p>`}</${Loaded}>
		${what === 'retry' ? html`<fieldset disabled=${begun}><legend>${t('retry.version')}</legend>
			${['current', 'own'].map(name => html`<label class="choice"><input type="radio" name="version" checked=${version === name} onChange=${() => setVersion(name)}/> ${t('retry_all.version.' + name)}</label>`)}
		</fieldset>` : html`<p>${t('cancel.what')}</p>`}
		${total > MANY && !begun && html`<label class="choice"><input type="checkbox" checked=${sure} onChange=${event => setSure(event.target.checked)}/> ${t('retry_all.sure', {n: total, count: shown})}</label>`}
		${begun && html`<${Summary} what=${what} batches=${batches} total=${total} link=${link}/>`}
		${batches.error && html`<${Problem} error=${batches.error}/>`}
		<${Unknown} error=${batches.error}/>
		<div class="dialog-actions">
			${batches.running ? html`<button type="button" onClick=${batches.stop}>${t('retry_all.stop')}</button>`
				: html`<button type="button" onClick=${onClose}>${t('close')}</button>`}
			${!batches.ended && html`<button type="button" class=${what === 'retry' ? 'main' : 'danger'} disabled=${batches.running || total === 0 || (total > MANY && !sure)}
				onClick=${batches.run}>${t(`bulk.${what}.button`, {n: total, count: shown})}</button>`}
		</div>
	</${Dialog}>`;
}
