// A value of JSON as a tree: its types, a search in it, the path of each part to copy
// for a template, and the text as it is.

import {html, useState} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';
import {parse, print, spell} from '../json.js';
import {download} from '../api.js';
import {copy} from './copy.js';
import {Problem} from './parts.js';
import {Text} from './value.js';

const SEARCH_FROM = 300;

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

function childrenOf(node) {
	return node.members?.map(({key, node: value}) => ({part: key, node: value}))
		?? node.items?.map((value, part) => ({part, node: value})) ?? [];
}

// What of the tree has the text in a name or a value, with all that is around it; null:
// nothing has.
function narrowed(node, text) {
	if (!node.members && !node.items)
		return String(node.value ?? node.text ?? null).toLowerCase().includes(text) ? node : null;

	const found = childrenOf(node).map(({part, node: value}) => ({part,
		node: String(part).toLowerCase().includes(text) ? value : narrowed(value, text)})).filter(one => one.node);

	return found.length ? {...node, found} : null;
}

// A name; if root says what templates call the value, a button that copies its path.
function Name({part, path, root}) {
	const words = html`<${Text} text=${String(part)}/>`;

	return root ? html`<${CopyPath} path=${path} root=${root}>${words}</${CopyPath}>` : html`<span class="v-key">${words}</span>`;
}

// label: what it is called if what it shows is no word.
function CopyPath({path, root, label, children}) {
	const template = `{{ ${spell([...root, ...path])} }}`;
	const what = t('value.copy_path', {path: template});

	return html`<button type="button" class="v-key" title=${what} aria-label=${label ? what : null} onClick=${() => copy(template)}>${children}</button>`;
}

function Member({part, node, path, root, open}) {
	const children = node.found ?? childrenOf(node);
	const name = html`<${Name} part=${part} path=${path} root=${children.length ? null : root}/>`;

	if (node.kind !== 'object' && node.kind !== 'array')
		return html`<li>${name} <${Scalar} node=${node}/> <span class="v-type">${t('editor.kind.' + node.kind)}</span></li>`;

	const [before, after] = node.kind === 'object' ? '{}' : '[]';

	if (children.length === 0)
		return html`<li>${name} <span class="v-null">${before}${after}</span></li>`;
	// beside it, since what opens it can hold no button
	return html`<li class="v-nested"><details open=${open}><summary>${name}
		<span class="dim"> ${before}${number(children.length)}${after}</span></summary>
		<${Tree} node=${node} path=${path} root=${root} open=${open}/></details>
		${root && html`<${CopyPath} path=${path} root=${root} label>⧉</${CopyPath}>`}</li>`;
}

function Tree({node, path, root, open}) {
	return html`<ul class="tree" dir="ltr">${(node.found ?? childrenOf(node)).map(({part, node: child}) =>
		html`<${Member} key=${part} part=${part} node=${child} path=${[...path, part]} root=${root} open=${open}/>`)}</ul>`;
}

function treeOf(text) {
	try {
		return parse(text);
	} catch {
		return null;
	}
}

function Shown({node, text, root, raw}) {
	const [wanted, want] = useState('');
	const nested = node?.kind === 'object' || node?.kind === 'array';

	if (raw || !node)
		return html`<pre dir="ltr" tabIndex="0"><${Text} text=${node ? print(node) : text}/></pre>`;
	if (!nested)
		return html`<${Scalar} node=${node}/>`;

	const shown = wanted ? narrowed(node, wanted.toLowerCase()) : node;

	return html`
		${text.length > SEARCH_FROM && html`<label class="v-search"><span class="hidden">${t('value.search')}</span>
			<input type="search" dir="auto" placeholder=${t('value.search')} onInput=${event => want(event.target.value.trim())}/></label>`}
		${shown ? html`<${Tree} key=${wanted ? 'found' : 'all'} node=${shown} path=${[]} root=${root} open=${wanted !== '' || text.length < 4000}/>`
			: html`<p class="dim" role="status">${t('value.not_found')}</p>`}`;
}

// value: {text, size, truncated} or null; from: the address of the whole; root: what
// templates call it, as a path such as ['trigger'].
export function Value({value, from, name, root}) {
	const [raw, setRaw] = useState(false);
	const [error, fail] = useState(null);

	if (!value)
		return html`<span class="dim">${t('value.none')}</span>`;

	const node = value.truncated ? null : treeOf(value.text);

	async function save() {
		fail(null);
		try {
			await download(from, name);
		} catch (one) {
			fail(one);
		}
	}

	return html`<div class="value">
		<${Shown} node=${node} text=${value.text} root=${root} raw=${raw}/>
		${value.truncated && html`<p class="note">${t('value.truncated', {size: number(value.size)})}</p>`}
		<p class="small-actions">
			<button type="button" class="quiet" onClick=${() => copy(node ? print(node) : value.text)}>${t('value.copy')}</button>
			${node && html`<button type="button" class="quiet" aria-pressed=${String(raw)} onClick=${() => setRaw(!raw)}>${t('value.raw')}</button>`}
			${from && html`<button type="button" class="quiet" onClick=${save}>${t('value.download')}</button>`}
		</p>
		${error && html`<${Problem} error=${error}/>`}
	</div>`;
}
