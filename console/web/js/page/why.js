// Why a step was skipped: its condition in words, and what it looked at.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {locate, parse, spell} from '../json.js';
import {Text} from '../ui/value.js';
import {brief, InWords} from './condition.js';

const MOST = 10;

function tree(value) {
	try {
		return value && !value.truncated ? parse(value.text) : null;
	} catch {
		return null;
	}
}

// The paths that a condition names; of a jsonpath those that can be read off its text.
function pathsOf(node) {
	switch (node?.kind) {
		case 'object':
			return node.members.flatMap(({key, node: value}) =>
				['field', 'value_field'].includes(key) && value.kind === 'string' ? [value.value]
					: ['all', 'any', 'not'].includes(key) ? pathsOf(value) : []);
		case 'array':
			return node.items.flatMap(pathsOf);
		case 'string':
			return node.value.match(/\b(trigger|steps)(\.[A-Za-z0-9_]+|\[\d+\]|\."[^"]*")+/g) ?? [];
		default:
			return [];
	}
}

// What the path names in the run: a node, null if it is not there, undefined if the page
// does not have it whole.
function valueAt(run, path) {
	const [, step, rest] = path.match(/^steps\.([A-Za-z0-9_-]+)\.output\.?(.*)$/) ?? [];
	const whole = step ? tree(run.steps.find(one => one.step_name === step)?.output)
		: path.startsWith('trigger') ? tree(run.payload) : null;

	if (!whole)
		return undefined;

	const wanted = step ? rest : path.replace(/^trigger\.?/, '');
	const found = locate(whole, wanted);

	return spell(found.path) === wanted ? found.node : null;
}

export function Why({run, step}) {
	const condition = tree(step.condition);

	if (!condition)
		return null;

	const looked = [...new Set(pathsOf(condition))].slice(0, MOST).map(path => [path, valueAt(run, path)])
		.filter(([, node]) => node !== undefined);

	return html`<div class="note">${t('step.only_if')} <${InWords} node=${condition}/>
		${looked.length > 0 && html`<ul class="plain">${looked.map(([path, node]) => html`<li>${t('step.it_was')}${' '}<span dir="ltr"><${Text} text=${path}/></span>:${' '}${node ? html`<strong><${Text} text=${brief(node).slice(0, 200)}/></strong>` : t('value.missing')}</li>`)}</ul>`}
	</div>`;
}
