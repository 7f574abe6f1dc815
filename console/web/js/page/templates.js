// The mail templates.

import {html} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {route, address, go} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Find, query} from '../ui/find.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

function Row({template}) {
	const {tenant} = route.value.params;

	return html`<tr>
		<th scope="row"><a href=${address('/settings/templates/' + template.id, {tenant})}><${Text} text=${template.name}/></a></th>
		<td data-label=${t('tenant')}>${template.tenant_id ? html`<${Text} text=${template.tenant_name ?? template.tenant_id}/>` : t('tenant.all')}</td>
		<td data-label=${t('mail.subject')}><${Text} text=${template.subject ?? '–'}/></td>
		<td data-label=${t('used_by')}>${number(template.workflows)}</td>
		<td class="name" data-label=${t('workflow.changed')}>v${template.version} ${template.changed_by && html`<${Text} text=${template.changed_by}/> <${When} at=${template.changed_at}/>`}</td>
	</tr>`;
}

export function Templates() {
	const {tenant, find} = route.value.params;
	const {operate} = me.value.capabilities;
	const state = useLoad(options => get(query('templates', {tenant, q: find}), {...options, slot: 'list'}), [tenant, find]);

	return html`<h1>${t('settings.templates')}</h1>
		<${Find} label=${t('find.name')}><${Action} allowed=${operate} reason=${needs('operate')} onClick=${() => go('/settings/templates/new', {tenant})}>+ ${t('template.new')}</${Action}></${Find}>
		<${Loaded} state=${state}>${({templates, more}) => templates.length === 0 ? html`<p class="empty">${t(find ? 'find.none' : 'templates.none')}</p>`
			: html`<table class="cards"><thead><tr>
				<th scope="col">${t('name')}</th><th scope="col">${t('tenant')}</th><th scope="col">${t('mail.subject')}</th>
				<th scope="col">${t('used_by')}</th><th scope="col">${t('workflow.changed')}</th></tr></thead>
				<tbody>${templates.map(template => html`<${Row} key=${template.id} template=${template}/>`)}</tbody></table>
				${more && html`<p class="note">${t('find.more', {n: templates.length})}</p>`}`}</${Loaded}>`;
}
