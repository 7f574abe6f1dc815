// What differs between two definitions: in words, and below them the lines of the JSON.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {changes} from '../compare.js';
import {shown} from '../editor/model.js';
import {compareLines} from '../lines.js';
import {Changes} from './changes.js';

const SAID = {'-': 'lines.removed', '+': 'lines.added'};
const NEAR = 3;

// Lines that are the same are left out, but for some around the others.
function near(lines, i) {
	return lines.slice(Math.max(0, i - NEAR), i + NEAR + 1).some(one => one.sign !== ' ');
}

function Lines({before, after}) {
	const lines = compareLines(shown(before), shown(after));
	const kept = lines.map((line, i) => near(lines, i) ? line : null);

	return html`<div class="lines-of" dir="ltr" tabIndex="0" role="region" aria-label=${t('lines')}>${kept.map((line, i) => line
		? html`<div class=${`line ${{'-': 'out', '+': 'in'}[line.sign] ?? ''}`}><span aria-hidden="true">${line.sign} </span>${SAID[line.sign] && html`<span class="hidden">${t(SAID[line.sign])}: </span>`}${line.text}</div>`
		: kept[i - 1] && html`<div class="dim">…</div>`)}</div>`;
}

export function Difference({before, after}) {
	const list = changes(before, after);

	return html`<${Changes} changes=${list}/>
		${list.length > 0 && html`<details><summary>${t('lines')}</summary><${Lines} before=${before} after=${after}/></details>`}`;
}
