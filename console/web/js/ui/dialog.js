// A modal dialog: the browser's own element, which keeps the focus inside and
// closes on Escape.

import {html, useEffect, useRef} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {Idle} from './idle.js';

let count = 0;

// onClose is called for Escape and the close button; without it the dialog stays
// until its owner takes it away.
export function Dialog({title, onClose, children}) {
	const element = useRef(null);
	const id = useRef(`dialog-${++count}`);

	useEffect(() => {
		const before = document.activeElement;
		const shown = element.current;

		shown.showModal();
		return () => {
			// what lies outside of a modal dialog takes no focus while it is open
			shown.close();
			before?.focus?.();
			// what has opened it may be gone, now or with this drawing of the page
			setTimeout(() => document.activeElement === document.body && document.querySelector('main')?.focus({preventScroll: true}));
		};
	}, []);

	function cancel(event) {
		event.preventDefault();
		onClose?.();
	}

	return html`<dialog ref=${element} aria-labelledby=${id.current} onCancel=${cancel}>
		<header><h2 id=${id.current}>${title}</h2>
			${onClose && html`<button type="button" class="quiet" aria-label=${t('close')} onClick=${onClose}>×</button>`}
		</header>
		<${Idle}/>
		${children}
	</dialog>`;
}
