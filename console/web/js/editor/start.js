// What a new workflow begins with: an empty form, a copy of another, or an example.

import {html, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {address, change, route} from '../router.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {Loaded} from '../ui/parts.js';
import {named} from '../ui/value.js';
import {EXAMPLES} from './examples.js';

// The text of an example.
export async function readExample(name) {
	const response = EXAMPLES.includes(name) ? await fetch(new URL(`../../examples/${name}.json`, import.meta.url)) : null;

	if (!response?.ok)
		throw Object.assign(new Error(name), {code: 'not_found'});
	return response.text();
}

function Copy() {
	const {tenant} = route.value.params;
	const state = useLoad(options => get('workflows' + (tenant ? `?tenant=${tenant}` : ''), options), [tenant]);
	const [id, choose] = useState('');

	return html`<${Loaded} state=${state}>${({workflows}) => html`<form class="filters" onSubmit=${event => { event.preventDefault(); change({copy: id}); }}>
		<label><span>${t('workflow')}</span><select name="copy" value=${id} onChange=${event => choose(event.target.value)}>
			<option value="">–</option>
			${workflows.map(one => html`<option value=${one.id}>${named(one.name)}${one.tenant_name ? ` · ${named(one.tenant_name)}` : ''}</option>`)}</select></label>
		<button type="submit" disabled=${!id}>${t('start.copy.button')}</button></form>`}</${Loaded}>`;
}

export function Start() {
	const {tenant} = route.value.params;
	const to = more => address('/workflows/new', {tenant, ...more});

	return html`<div class="run-head"><h1>${t('editor.new')}</h1></div>
		<section><h2>${t('start.empty')}</h2><p><a class="button" href=${to({empty: '1'})}>${t('start.empty.button')}</a></p></section>
		<section><h2>${t('start.copy')}</h2><${Copy}/></section>
		<section><h2>${t('start.example')}</h2><p class="dim">${t('start.example.what')}</p>
			<ul class="examples">${EXAMPLES.map(name => html`<li><h3><a href=${to({example: name})}>${t('example.' + name)}</a></h3><p>${t(`example.${name}.what`)}</p></li>`)}</ul></section>`;
}
