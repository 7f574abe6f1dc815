// Workflows: what there is, how it goes, when it fires by itself, on or off; filters by
// what it uses, which are in the address.

import {html, useState} from '../../vendor/ui.js';
import {t, number, list} from '../i18n.js';
import {route, address, change} from '../router.js';
import {get, post} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Csv} from '../ui/csv.js';
import {needs} from '../ui/grant.js';
import {Action, ActionLink, Loaded, When} from '../ui/parts.js';
import {Text, named} from '../ui/value.js';
import {StopDialog} from './stop.js';
import {switchOn} from './workflow.js';

const ICONS = {webhook: '⇄', send_email: '✉', whatsapp_notify: '✉', team_notify: '✉',
	find_record: '▤', insert_record: '▤', update_record: '▤', query: '▤'};
const MOST_ICONS = 6;
const MOST_COUNTED = 200;

// What each filter looks at: the values that a workflow has.
const used = key => workflow => workflow.steps.map(step => step[key]).filter(one => typeof one === 'string');
const FILTERS = {event: workflow => [workflow.trigger_type], action: used('action'), connection: used('connection'), table: used('table')};

function chosen(workflows, params) {
	return workflows.filter(one => (!params.scheduled || one.scheduled) &&
		Object.keys(FILTERS).every(name => !params[name] || FILTERS[name](one).includes(params[name])));
}

function Filters({workflows}) {
	const {params} = route.value;
	const options = name => [...new Set([...workflows.flatMap(FILTERS[name]), ...params[name] ? [params[name]] : []])].sort();

	return html`<div class="filters" role="group" aria-label=${t('filters')}>
		${Object.keys(FILTERS).map(name => html`<label key=${name}><span>${t('workflows.by.' + name)}</span>
			<select name=${name} value=${params[name] ?? ''} onChange=${event => change({[name]: event.target.value})}>
				<option value="">${t('filter.any')}</option>
				${options(name).map(one => html`<option value=${one}>${named(one)}</option>`)}
			</select></label>`)}
		<label class="choice"><input type="checkbox" name="scheduled" checked=${Boolean(params.scheduled)} onChange=${event => change({scheduled: event.target.checked ? '1' : ''})}/> ${t('workflows.scheduled')}</label>
	</div>`;
}

function Steps({steps}) {
	return html`<span class="icons" aria-hidden="true">${steps.slice(0, MOST_ICONS).map(({action}) => ICONS[action] ?? '▶').join(' ')}</span>
		<span class="dim"> (${number(steps.length)})</span><span class="hidden"> ${list([...new Set(used('action')({steps}))])}</span>`;
}

function Day({workflow, counts}) {
	if (!counts)
		return html`<span class="dim">–</span>`;

	const failed = {workflow: workflow.id, status: 'failed', since: 'day', tenant: route.value.params.tenant};
	const more = (n, capped) => number(n) + (capped ? '+' : '');

	return html`<span>${more(counts.completed, counts.capped)} ✓</span>
		${counts.failed > 0 && html` <a class="bad" href=${address('/runs', failed)}>${more(Math.min(counts.failed, 1000), counts.failed > 1000)} ✕<span class="hidden"> ${t('run.status.failed')}</span></a>`}`;
}

function Row({workflow, counts, next, now, reload}) {
	const [dialog, open] = useState(false);
	const {operate} = me.value.capabilities;
	const fires = workflow.is_active && !workflow.paused && workflow.next_at;

	return html`<tr>
		<th scope="row"><a href=${address('/workflows/' + workflow.id, {tenant: route.value.params.tenant})}><bdi>${workflow.name}</bdi></a>
			${workflow.tenant_name && html`<span class="dim"> · <bdi>${workflow.tenant_name}</bdi></span>`}
			${workflow.description && html`<div class="dim"><${Text} text=${workflow.description}/></div>`}</th>
		<td class="name" data-label=${t('workflow.event')}><span dir="ltr">${workflow.trigger_type}</span></td>
		${next && html`<td data-label=${t('schedule.next')}>${fires ? html`<${When} at=${workflow.next_at}/> <span class="dim">(<${When} at=${workflow.next_at} now=${now}/>)</span>` : html`<span class="dim">–</span>`}</td>`}
		<td data-label=${t('workflow.steps')}><${Steps} steps=${workflow.steps}/></td>
		<td data-label=${t('workflow.day')}><${Day} workflow=${workflow} counts=${counts}/></td>
		<td class="name" data-label=${t('workflow.changed')}>v${workflow.version} <bdi>${workflow.updated_by}</bdi> <${When} at=${workflow.updated_at} now=${now}/></td>
		<td data-label=${t('workflow.state')}><span class="status">${workflow.paused ? t('workflow.paused') : workflow.is_active ? t('workflow.on') : t('workflow.off')}</span></td>
		<td>${workflow.is_active
			? html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => open(true)}>${t('stop')}</${Action}>`
			: html`<${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => switchOn(workflow, reload)}>${t('workflow.switch_on')}</${Action}>`}
			${dialog && html`<${StopDialog} tenant=${workflow.tenant_id} workflow=${workflow} onClose=${() => open(false)} onDone=${() => { open(false); reload(); }}/>`}</td>
	</tr>`;
}

function List({workflows, now, reload}) {
	const {params} = route.value;
	const shown = chosen(workflows, params);
	const ids = shown.slice(0, MOST_COUNTED).map(one => one.id);
	const counted = useLoad(options => post('workflows/counts', {ids}, {...options, slot: 'counts'}), [ids.join()], {every: 30000});
	const counts = new Map((counted.data?.counts ?? []).map(one => [one.id, one]));
	const next = shown.some(one => one.scheduled);

	return html`<${Filters} workflows=${workflows}/>
		${shown.length === 0 ? html`<p class="empty">${t('workflows.none_such')} <button type="button" onClick=${() => change({event: '', action: '', connection: '', table: '', scheduled: ''})}>${t('workflows.all')}</button></p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('workflow')}</th><th scope="col">${t('workflow.event')}</th>${next && html`<th scope="col">${t('schedule.next')}</th>`}
				<th scope="col">${t('workflow.steps')}</th><th scope="col">${t('workflow.day')}</th><th scope="col">${t('workflow.changed')}</th>
				<th scope="col">${t('workflow.state')}</th><th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
				<tbody>${shown.map(workflow => html`<${Row} key=${workflow.id} workflow=${workflow} counts=${counts.get(workflow.id)} next=${next} now=${now} reload=${reload}/>`)}</tbody></table>`}`;
}

export function Workflows() {
	const {tenant} = route.value.params;
	const state = useLoad(options => get('workflows' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'list'}), [tenant], {every: 10000});
	const all = state.data?.workflows ?? [];
	const shown = chosen(all, route.value.params);

	return html`<div class="run-head"><h1>${t('nav.workflows')}</h1>
			<${ActionLink} allowed=${me.value.capabilities.operate} reason=${needs('operate')} href=${address('/workflows/new', {tenant})}>${t('workflows.new')}</${ActionLink}>
			<${Csv} list="workflows" filter=${{tenant, ids: shown.length < all.length ? shown.map(one => one.id) : undefined}}/></div>
		<${Loaded} state=${state}>${({workflows, now}) => workflows.length === 0 ? html`<p class="empty">${t('workflows.none')}</p>`
			: html`<${List} workflows=${workflows} now=${now} reload=${state.reload}/>`}</${Loaded}>`;
}
