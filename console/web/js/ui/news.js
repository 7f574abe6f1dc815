// Tells those who hear the page how many failures have come since it was read before.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';

// n: how many there are; null while something else is read than before, of which there is
// nothing to tell.
export function News({n}) {
	const last = useRef(null);
	const [news, tell] = useState({n: 0, turn: 0});

	useEffect(() => {
		const more = n === null || last.current === null ? 0 : n - last.current;

		last.current = n;
		if (more > 0 || n === null)
			tell(old => ({n: more, turn: old.turn + 1}));
	}, [n]);
	// the same number twice is told twice: it is another element
	return html`<p class="hidden" role="status">${news.n > 0 && html`<span key=${news.turn}>${t('news.failures', {n: news.n})}</span>`}</p>`;
}
