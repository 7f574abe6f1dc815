// Workflows: what there is, how it goes, on or off.

import {html, useState} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {route, address} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Csv} from '../ui/csv.js';
import {Action, Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';
import {StopDialog} from './stop.js';
import {switchOn} from './workflow.js';

function Row({workflow, reload}) {
	const [dialog, open] = useState(false);
	const {operate} = me.value.capabilities;
	const failed = {workflow: workflow.id, status: 'failed', since: 'hour', tenant: route.value.params.tenant};

	return html`<tr>
		<th scope="row"><a href=${address('/workflows/' + workflow.id, {tenant: route.value.params.tenant})}><bdi>${workflow.name}</bdi></a>
			${workflow.tenant_name && html`<span class="dim"> · <bdi>${workflow.tenant_name}</bdi></span>`}
			${workflow.description && html`<div class="dim"><${Text} text=${workflow.description}/></div>`}</th>
		<td data-label=${t('workflow.event')}><span dir="ltr">${workflow.trigger_type}</span></td>
		<td data-label=${t('workflow.steps')}>${number(workflow.steps.length)}</td>
		<td data-label=${t('workflow.hour')}>${number(workflow.completed_1h)} ✓
			${workflow.failed_1h > 0 && html` <a class="bad" href=${address('/runs', failed)}>${number(workflow.failed_1h)} ✕</a>`}</td>
		<td data-label=${t('workflow.changed')}>v${workflow.version} <bdi>${workflow.updated_by}</bdi> <${When} at=${workflow.updated_at}/></td>
		<td data-label=${t('workflow.state')}>${workflow.paused ? t('workflow.paused') : workflow.is_active ? t('workflow.on') : t('workflow.off')}</td>
		<td>${workflow.is_active
			? html`<${Action} allowed=${operate} reason=${t('needs.operate')} onClick=${() => open(true)}>${t('stop')}</${Action}>`
			: html`<${Action} allowed=${operate} reason=${t('needs.operate')} onClick=${() => switchOn(workflow, reload)}>${t('workflow.switch_on')}</${Action}>`}
			${dialog && html`<${StopDialog} tenant=${workflow.tenant_id} workflow=${workflow} onClose=${() => open(false)} onDone=${() => { open(false); reload(); }}/>`}</td>
	</tr>`;
}

export function Workflows() {
	const {tenant} = route.value.params;
	const state = useLoad(options => get('workflows' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'list'}), [tenant], {every: 5000});

	return html`<div class="run-head"><h1>${t('nav.workflows')}</h1>
			${me.value.capabilities.operate && html`<a href=${address('/workflows/new', {tenant})}>${t('workflows.new')}</a>`}
			<${Csv} list="workflows" filter=${{tenant}}/></div>
		<${Loaded} state=${state}>${({workflows}) => workflows.length === 0 ? html`<p class="empty">${t('workflows.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('workflow')}</th><th scope="col">${t('workflow.event')}</th><th scope="col">${t('workflow.steps')}</th>
				<th scope="col">${t('workflow.hour')}</th><th scope="col">${t('workflow.changed')}</th><th scope="col">${t('workflow.state')}</th>
				<th scope="col"><span class="hidden">${t('actions')}</span></th></tr></thead>
				<tbody>${workflows.map(workflow => html`<${Row} key=${workflow.id} workflow=${workflow} reload=${state.reload}/>`)}</tbody></table>`}</${Loaded}>`;
}
