// Conditions in words, as the page of a workflow and its changes say them.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {at, child, print, textAt} from '../json.js';
import {Text} from '../ui/value.js';

export const OPS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'not_in', 'contains', 'starts_with', 'ends_with',
	'matches', 'exists', 'not_exists', 'empty', 'not_empty', 'before', 'after'];
export const WITHOUT_VALUE = ['exists', 'not_exists', 'empty', 'not_empty'];

// The text of a node in one line.
export function brief(node) {
	if (!node)
		return '';
	return node.kind === 'string' ? node.value : print(node).replace(/\n\s*/g, ' ');
}

export function InWords({node}) {
	for (const word of ['all', 'any']) {
		if (child(node, word)?.kind === 'array')
			return html`<ul class=${'condition ' + word}>${child(node, word).items.map((one, i) =>
				html`<li>${i > 0 && html`<span class="dim">${t('condition.' + word)}</span> `}<${InWords} node=${one}/></li>`)}</ul>`;
	}
	if (child(node, 'not'))
		return html`${t('condition.not')} <${InWords} node=${child(node, 'not')}/>`;

	const op = textAt(node, ['op']);

	if (!child(node, 'field') || !OPS.includes(op))
		return html`<code dir="ltr"><${Text} text=${brief(node)}/></code>`;
	return html`<span dir="ltr"><${Text} text=${textAt(node, ['field'])}/></span> ${t('op.' + op)} <${Text}
		text=${brief(at(node, ['value']) ?? at(node, ['value_field']))}/>`;
}
