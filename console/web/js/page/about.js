// Versions, workers, the settings that matter, and the licences of what is bundled.

import {html, useState} from '../../vendor/ui.js';
import {t, has, number, list} from '../i18n.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

function Workers({workers}) {
	if (workers.length === 0)
		return html`<p class="note">${t('health.no_worker')}</p>`;
	return html`<table class="cards"><thead><tr><th scope="col">${t('worker.pid')}</th><th scope="col">${t('workflow.state')}</th>
		<th scope="col">${t('worker.in_flight')}</th><th scope="col">${t('worker.runs')}</th><th scope="col">${t('worker.since')}</th><th scope="col">${t('error')}</th></tr></thead>
		<tbody>${workers.map(one => html`<tr key=${one.pid}><th scope="row" data-label=${t('worker.pid')}>${one.pid}</th><td data-label=${t('workflow.state')}>${has('worker.state.' + one.state) ? t('worker.state.' + one.state) : one.state}</td>
			<td data-label=${t('worker.in_flight')}>${number(one.in_flight)}</td><td data-label=${t('worker.runs')}>${one.runs_done === null ? '–' : number(one.runs_done)}</td>
			<td data-label=${t('worker.since')}>${one.started_at ? html`<${When} at=${one.started_at}/>` : '–'}</td><td data-label=${t('error')}><${Text} text=${one.last_error ?? '–'}/></td></tr>`)}</tbody></table>`;
}

function Licences() {
	const [text, set] = useState(null);

	async function open(event) {
		if (event.target.open && text === null)
			set(await fetch(new URL('../../vendor/LICENCES', import.meta.url)).then(answer => answer.text()));
	}

	return html`<details onToggle=${open}><summary>${t('about.licences')}</summary>
		${text === null ? html`<p class="dim">${t('loading')}</p>` : html`<pre dir="ltr" tabIndex="0">${text}</pre>`}</details>`;
}

export function About() {
	const {versions, role, capabilities} = me.value;
	const health = useLoad(options => get('health', options), [], {every: 5000});
	const about = useLoad(options => get('about', options), []);

	return html`<h1>${t('settings.about')}</h1>
		<dl class="facts">
			<dt>wf_console</dt><dd>${versions.console}</dd>
			<dt>workflow_engine</dt><dd>${versions.extension}</dd>
			<dt>PostgreSQL</dt><dd>${versions.server}</dd>
			<dt>${t('about.you')}</dt><dd><${Text} text=${role}/> (${list(Object.keys(capabilities).filter(name => capabilities[name]))})</dd>
		</dl>
		<section><h2>${t('about.workers')}</h2><${Loaded} state=${health}>${data => html`<${Workers} workers=${data.workers}/>`}</${Loaded}></section>
		<section><h2>${t('about.settings')}</h2><${Loaded} state=${about}>${({settings}) => html`<table class="cards">
			<thead><tr><th scope="col">${t('name')}</th><th scope="col">${t('about.setting')}</th></tr></thead>
			<tbody>${settings.map(one => html`<tr key=${one.name}><th scope="row"><span class="id" dir="ltr">${one.name}</span><br/><span class="dim" lang="en" dir="ltr">${one.help}</span></th>
				<td><bdi dir="ltr">${one.setting || '–'}</bdi></td></tr>`)}</tbody></table>`}</${Loaded}></section>
		<section><h2>${t('about.licences')}</h2><${Licences}/></section>`;
}
