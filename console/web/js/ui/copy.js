// What is to be copied: a button beside a statement or a line for the shell.  It is copied
// as it is, so there is no mark of direction in it.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {toast} from './toast.js';
import {visible} from './value.js';

export async function copy(text) {
	await navigator.clipboard.writeText(text);
	toast(t('value.copied'));
}

export function Statement({text}) {
	return html`<div class="statement"><code dir="ltr">${visible(text)}</code>
		<button type="button" onClick=${() => copy(text)}>${t('value.copy')}</button></div>`;
}
