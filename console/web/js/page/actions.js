// What steps can do: each action with its parameters, and who uses it.  To be read
// only: an action is registered by the application (wf_register_action).

import {html} from '../../vendor/ui.js';
import {t, has, language} from '../i18n.js';
import {parameters} from '../../i18n/ar-actions.js';
import {route, address} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {Find, query} from '../ui/find.js';
import {Loaded} from '../ui/parts.js';
import {Text} from '../ui/value.js';

const KINDS = ['http', 'smtp', 'function'];

function wordsOf(action, name, param) {
	const own = action.kind !== 'function' && language.value === 'ar' ? parameters[name] : null;

	return {label: own?.[0] ?? param.label ?? name, help: own?.[1] ?? param.help};
}

// The words of the engine's own actions are the page's; of others, the catalogue's.
function title(action) {
	return has('action.' + action.name) ? t('action.' + action.name) : action.name;
}

function typeOf(type) {
	return String(type ?? 'any').split('|').map(one => has('type.' + one) ? t('type.' + one) : one).join(` ${t('type.or')} `);
}

function Param({action, name, param}) {
	const {label, help} = wordsOf(action, name, param);

	return html`<tr><th scope="row"><${Text} text=${label}/>${param.required && html` <span class="dim">(${t('editor.required')})</span>`}
			${label !== name && html`<br/><span class="id dim" dir="ltr"><${Text} text=${name}/></span>`}</th>
		<td data-label=${t('action.type')}>${param.enum ? html`<span class="id" dir="ltr"><${Text} text=${param.enum.map(String).join(' | ')}/></span>` : typeOf(param.type)}</td>
		<td data-label=${t('action.help')}>${help && html`<${Text} text=${help}/>`}
			${param.default && html`<div class="dim">${t('action.default')} <code class="example" dir="ltr"><${Text} text=${param.default}/></code></div>`}
			${param.example && html`<div class="dim">${t('action.example')} <code class="example" dir="ltr"><${Text} text=${param.example}/></code></div>`}</td></tr>`;
}

function Params({action}) {
	const params = Object.entries(action.params).filter(([name]) => !name.startsWith('$'))
		.sort(([a, x], [b, y]) => (x.order ?? 1000) - (y.order ?? 1000) || a.localeCompare(b));

	if (params.length === 0)
		return html`<p class="dim">${t('action.no_params')}</p>`;
	return html`<table class="cards"><thead><tr><th scope="col">${t('action.param')}</th><th scope="col">${t('action.type')}</th><th scope="col">${t('action.help')}</th></tr></thead>
		<tbody>${params.map(([name, param]) => html`<${Param} key=${name} action=${action} name=${name} param=${param}/>`)}</tbody></table>`;
}

function Users({use}) {
	if (!use)
		return html`<p class="dim">${t('action.unused')}</p>`;
	return html`<p>${t('used_by')}: ${use.used_by.map((one, i) => html`${i > 0 ? ' · ' : ''}<a href=${address('/workflows/' + one.definition_id)}><${Text} text=${one.workflow_name}/></a>${one.tenant_name && html` <span class="dim">(<${Text} text=${one.tenant_name}/>)</span>`}`)}
		${use.workflows > use.used_by.length && html` · ${t('used_by.more', {n: use.workflows - use.used_by.length})}`}</p>`;
}

function One({action, use}) {
	return html`<details class="step"><summary><strong><${Text} text=${title(action)}/></strong> <span class="id dim" dir="ltr"><${Text} text=${action.name}/></span> · <span class="dim">${KINDS.includes(action.kind) ? t('action.kind.' + action.kind) : t('action.kind.database')} · ${use ? t('action.uses', {n: use.workflows}) : t('action.unused')}</span></summary>
		${action.description && !(language.value === 'ar' && has('action.' + action.name)) && html`<p dir="auto"><${Text} text=${action.description}/></p>`}
		<${Users} use=${use}/><${Params} action=${action}/></details>`;
}

export function Actions() {
	const {tenant, find = ''} = route.value.params;
	const catalogue = useLoad(options => get(query('actions', {tenant}), {...options, slot: 'list'}), [tenant]);
	const uses = useLoad(options => get(query('actions/uses', {tenant}), {...options, slot: 'uses'}), [tenant]);
	const wanted = action => `${action.name} ${title(action)} ${action.description ?? ''}`.toLowerCase().includes(find.toLowerCase());

	return html`<h1>${t('settings.actions')}</h1><p class="dim">${t('actions.what')}</p>
		<${Find} label=${t('find.name')}/>
		<${Loaded} state=${catalogue}>${({actions}) => html`<${Loaded} state=${uses}>${data => {
			const shown = actions.filter(wanted);

			return shown.length === 0 ? html`<p class="empty">${t('find.none')}</p>`
				: html`<p class="dim">${t('actions.n', {n: shown.length})}</p>${shown.map(action => html`<${One} key=${action.name} action=${action} use=${data.uses[action.name]}/>`)}`;
		}}</${Loaded}>`}</${Loaded}>`;
}
