// later(read): a component whose module is fetched when it is shown for the first
// time, so that the first screen does not wait for pages that nobody has opened.
// read() answers the component.

import {html, useEffect, useState} from '../vendor/ui.js';
import {t} from './i18n.js';

export function later(read) {
	let component = null;

	return function Later(props) {
		const [, shown] = useState(component !== null);
		const [failed, fail] = useState(false);

		useEffect(() => {
			if (component)
				return undefined;

			let gone = false;

			read().then(one => {
				component = one;
				if (!gone)
					shown(true);
			}, () => gone || fail(true));
			return () => { gone = true; };
		}, []);

		if (component)
			return html`<${component} ...${props}/>`;
		// After an update of the console its modules have other addresses, and a
		// browser may remember that a module was not there: only the whole page helps.
		if (failed)
			return html`<div class="problem" role="alert"><p>${t('page.not_loaded')}</p>
				<button type="button" onClick=${() => location.reload()}>${t('page.reload')}</button></div>`;
		return html`<p class="loading" role="status">${t('loading')}</p>`;
	};
}
