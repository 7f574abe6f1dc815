// Settings: what is needed rarely, each on a page of its own.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, address} from '../router.js';
import {Operations} from './operations.js';
import {Schedules} from './schedules.js';
import {Tenants} from './tenants.js';
import {Templates} from './templates.js';
import {Template} from './template.js';
import {Connections} from './connections.js';
import {About} from './about.js';

const SECTIONS = {operations: Operations, schedules: Schedules, tenants: Tenants,
	templates: Templates, connections: Connections, about: About};

export function Settings({path}) {
	const [, , name = 'operations', id] = path.split('/');
	const {tenant} = route.value.params;
	const Section = name === 'templates' && id ? Template : SECTIONS[name];

	return html`
		<nav class="tabs" aria-label=${t('nav.settings')}>
			${Object.keys(SECTIONS).map(one => html`<a href=${address('/settings/' + one, {tenant})}
				aria-current=${one === name ? 'page' : null}>${t('settings.' + one)}</a>`)}
		</nav>
		${Section ? html`<${Section} id=${id} key=${path}/>` : html`<p>${t('page.unknown')}</p>`}`;
}
