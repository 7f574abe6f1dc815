// The mail templates.

import {html} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {route, address} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

function Row({template}) {
	const {tenant} = route.value.params;

	return html`<tr>
		<th scope="row"><a href=${address('/settings/templates/' + template.id, {tenant})}><bdi>${template.name}</bdi></a></th>
		<td data-label=${t('tenant')}>${template.tenant_id ? html`<bdi>${template.tenant_name ?? template.tenant_id}</bdi>` : t('tenant.all')}</td>
		<td data-label=${t('mail.subject')}><${Text} text=${template.subject ?? '–'}/></td>
		<td data-label=${t('used_by')}>${number(template.workflows)}</td>
		<td data-label=${t('workflow.changed')}>v${template.version} ${template.changed_by && html`<bdi>${template.changed_by}</bdi> <${When} at=${template.changed_at}/>`}</td>
	</tr>`;
}

export function Templates() {
	const {tenant} = route.value.params;
	const state = useLoad(options => get('templates' + (tenant ? `?tenant=${tenant}` : ''), {...options, slot: 'list'}), [tenant]);

	return html`<h1>${t('settings.templates')}</h1>
		${me.value.capabilities.operate && html`<p><a class="button" href=${address('/settings/templates/new', {tenant})}>+ ${t('template.new')}</a></p>`}
		<${Loaded} state=${state}>${({templates}) => templates.length === 0 ? html`<p class="empty">${t('templates.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('name')}</th><th scope="col">${t('tenant')}</th><th scope="col">${t('mail.subject')}</th>
				<th scope="col">${t('used_by')}</th><th scope="col">${t('workflow.changed')}</th></tr></thead>
				<tbody>${templates.map(template => html`<${Row} key=${template.id} template=${template}/>`)}</tbody></table>`}</${Loaded}>`;
}
