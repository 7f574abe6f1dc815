// Bars: how many in each of the last minutes, and the same as a table for who cannot
// see them; and a bar beside a number.

import {html} from '../../vendor/ui.js';
import {t, number} from '../i18n.js';

const HEIGHT = 40;

function total(list, key) {
	return list.reduce((sum, one) => sum + one[key], 0);
}

// minutes: [{ago, completed, failed, other}], of which some may be left out; the newest
// stands at the end of the line.
export function Minutes({minutes, count}) {
	const highest = Math.max(1, ...minutes.map(one => one.completed + one.failed + one.other));
	const parts = ({completed, failed, other}) => [['completed', completed], ['other', other], ['failed', failed]];
	const bar = one => {
		let top = HEIGHT;

		return parts(one).map(([kind, n]) => {
			// what failed is seen even if it is one of many
			const height = n && Math.max(kind === 'failed' ? 1.5 : 0.5, HEIGHT * n / highest);

			top -= height;
			return n > 0 && html`<rect class=${'b-' + kind} x=${count - 1 - one.ago + 0.1} y=${Math.max(0, top)} width="0.8" height=${height}/>`;
		});
	};
	const sums = Object.fromEntries(['completed', 'failed', 'other'].map(key => [key, total(minutes, key)]));

	return html`<svg class="bars" viewBox=${`0 0 ${count} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${t('bars.sum', sums)}>
			${minutes.map(bar)}</svg>
		<p class="legend"><span class="b-completed">▬</span> ${t('run.status.completed')} ${number(sums.completed)} · <span class="b-failed">▬</span> ${t('run.status.failed')} ${number(sums.failed)} · <span class="b-other">▬</span> ${t('bars.other')} ${number(sums.other)}</p>
		<details><summary>${t('bars.table')}</summary><table><thead><tr><th scope="col">${t('bars.ago')}</th><th scope="col">${t('run.status.completed')}</th>
			<th scope="col">${t('run.status.failed')}</th><th scope="col">${t('bars.other')}</th></tr></thead>
			<tbody>${minutes.map(one => html`<tr key=${one.ago}><th scope="row">${number(one.ago)}</th><td>${number(one.completed)}</td><td>${number(one.failed)}</td><td>${number(one.other)}</td></tr>`)}</tbody></table></details>`;
}

// A bar of a share between 0 and 1.
export function Share({share}) {
	return html`<svg class="bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true"><rect width=${Math.max(1, Math.round(100 * share))} height="2"/></svg>`;
}
