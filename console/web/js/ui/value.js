// Values of users, shown harmless: as text only, with marks that would change the
// direction of what follows made visible, and links only if they are https or mail.

import {html} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {parse, print} from '../json.js';
import {download} from '../api.js';
import {toast} from './toast.js';

export const HIDDEN = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u200b\ufeff]/;
const PARTS = /([\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u200b\ufeff])/;

function code(character) {
	return 'U+' + character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
}

// Text with its hidden marks as words.
export function Text({text}) {
	if (!HIDDEN.test(text))
		return html`<bdi dir="auto">${text}</bdi>`;
	return html`<bdi dir="auto">${text.split(PARTS).map(part => HIDDEN.test(part)
		? html`<span class="mark">${code(part)}</span>` : part)}</bdi>`;
}

function Link({text}) {
	if (/^https:\/\/[^\s"<>]{1,2000}$/.test(text))
		return html`<a href=${text} target="_blank" rel="noopener noreferrer"><${Text} text=${text}/></a>`;
	return html`<${Text} text=${text}/>`;
}

function Scalar({node}) {
	if (node.kind === 'string')
		return html`<span class="v-string"><${Link} text=${node.value}/></span>`;
	return html`<span class=${'v-' + node.kind}>${node.text ?? String(node.value ?? null)}</span>`;
}

function Member({name, node, path, open}) {
	const scalar = node.kind !== 'object' && node.kind !== 'array';
	const children = node.members ?? node.items?.map((item, i) => ({key: String(i), node: item}));
	const label = html`<span class="v-key"><${Text} text=${name}/></span>`;

	if (scalar || children.length === 0)
		return html`<li>${label}: ${scalar ? html`<${Scalar} node=${node}/>`
			: html`<span class="v-null">${node.kind === 'object' ? '{}' : '[]'}</span>`}</li>`;
	return html`<li><details open=${open}><summary>${label}
		<span class="dim"> ${number(children.length)}</span></summary>
		<${Tree} node=${node} path=${path}/></details></li>`;
}

function Tree({node, path = '', open = false}) {
	const children = node.members ?? node.items.map((item, i) => ({key: String(i), node: item}));

	return html`<ul class="tree" dir="ltr">${children.map(({key, node: child}) =>
		html`<${Member} key=${key} name=${key} node=${child} path=${path} open=${open}/>`)}</ul>`;
}

function tree(text) {
	try {
		return parse(text);
	} catch {
		return null;
	}
}

async function copy(text) {
	await navigator.clipboard.writeText(text);
	toast(t('value.copied'));
}

// value: {text, size, truncated} or null; from: the address of the whole.
export function Value({value, from, name}) {
	if (!value)
		return html`<span class="dim">${t('value.none')}</span>`;

	const node = value.truncated ? null : tree(value.text);
	const nested = node && (node.kind === 'object' || node.kind === 'array');

	return html`<div class="value">
		${nested ? html`<${Tree} node=${node} open=${value.text.length < 4000}/>`
			: node ? html`<${Scalar} node=${node}/>`
				: html`<pre dir="ltr"><${Text} text=${value.text}/></pre>`}
		${value.truncated && html`<p class="note">${t('value.truncated', {size: number(value.size)})}</p>`}
		<p class="small-actions">
			<button type="button" class="quiet" onClick=${() => copy(node ? print(node) : value.text)}>${t('value.copy')}</button>
			${from && html`<button type="button" class="quiet" onClick=${() => download(from, name)
				.catch(error => toast(error.hint ?? error.message, 'error'))}>${t('value.download')}</button>`}
		</p>
	</div>`;
}
