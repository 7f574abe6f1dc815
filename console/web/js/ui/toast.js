// Short messages at the edge of the page, read out by screen readers: politely,
// or at once if something went wrong.

import {effect, html, signal} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {token} from '../session.js';

const shown = signal([]);
let count = 0;

// what was said to one role is not left on the screen for the next
effect(() => {
	if (token.value === null)
		shown.value = [];
});

export function toast(text, kind = 'info') {
	const id = ++count;

	shown.value = [...shown.value.slice(-3), {id, text, kind}];
	setTimeout(() => dismiss(id), kind === 'error' ? 15000 : 5000);
}

function dismiss(id) {
	shown.value = shown.value.filter(one => one.id !== id);
}

function List({kind}) {
	return shown.value.filter(one => one.kind === kind).map(one =>
		html`<p key=${one.id} class=${'toast ' + kind}><span>${one.text}</span>
			<button type="button" class="quiet" aria-label=${t('close')} onClick=${() => dismiss(one.id)}>×</button></p>`);
}

export function Toasts() {
	return html`<div class="toasts">
		<div aria-live="polite"><${List} kind="info"/></div>
		<div aria-live="assertive"><${List} kind="error"/></div>
	</div>`;
}
