// What differs between two definitions, as a list in words.

import {html} from '../../vendor/ui.js';
import {t, has} from '../i18n.js';
import {print} from '../json.js';
import {InWords} from '../page/condition.js';
import {Text} from './value.js';

// A field in the words of the form, if it has some.
export function fieldName(field) {
	const key = `field.${field}`;

	return has(key) ? t(key) : field;
}

function Side({node, field}) {
	if (!node)
		return html`<span class="dim">${t('value.none')}</span>`;
	if (field === 'condition')
		return html`<${InWords} node=${node}/>`;
	if (node.kind === 'string')
		return html`<${Text} text=${node.value}/>`;
	return html`<code dir="ltr"><${Text} text=${print(node)}/></code>`;
}

export function Sides({before, after, field, labels = [t('change.before'), t('change.after')]}) {
	return html`<dl class="sides">
		<dt>${labels[0]}</dt><dd><${Side} node=${before} field=${field}/></dd>
		<dt>${labels[1]}</dt><dd><${Side} node=${after} field=${field}/></dd>
	</dl>`;
}

export function sentence({kind, step, field}) {
	if (kind === 'changed')
		return step === null ? t('change.of_all', {field: fieldName(field)}) : t('change.changed', {step, field: fieldName(field)});
	return t('change.' + kind, {step});
}

export function Changes({changes}) {
	if (changes.length === 0)
		return html`<p class="empty">${t('change.none')}</p>`;
	return html`<ul class="changes">${changes.map(change => html`<li>
		<strong>${sentence(change)}</strong>
		${change.kind === 'changed' && html`<${Sides} ...${change}/>`}
		${change.kind === 'added' && html`<${Side} node=${change.after}/>`}
	</li>`)}</ul>`;
}
