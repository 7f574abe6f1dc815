// Settings: what is needed rarely, each on a page of its own.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, address} from '../router.js';
import {later} from '../later.js';

const Operations = later(async () => (await import('./operations.js')).Operations);
const Schedules = later(async () => (await import('./schedules.js')).Schedules);
const Tenants = later(async () => (await import('./tenants.js')).Tenants);
const Templates = later(async () => (await import('./templates.js')).Templates);
const Template = later(async () => (await import('./template.js')).Template);
const Connections = later(async () => (await import('./connections.js')).Connections);
const Actions = later(async () => (await import('./actions.js')).Actions);
const Places = later(async () => (await import('./places.js')).Places);
const About = later(async () => (await import('./about.js')).About);

const SECTIONS = {operations: Operations, schedules: Schedules, tenants: Tenants,
	templates: Templates, connections: Connections, actions: Actions, places: Places, about: About};

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
