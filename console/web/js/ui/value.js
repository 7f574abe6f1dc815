// Texts of users, shown harmless: with marks that would change the direction of what
// follows made visible.

import {html} from '../../vendor/ui.js';

export const HIDDEN = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u200b\ufeff]/;
const PARTS = /([\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u200b\ufeff])/;

function code(character) {
	return 'U+' + character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
}

// The same for what takes no elements, such as a choice of a list.
export function visible(text) {
	return text.split(PARTS).map(part => HIDDEN.test(part) ? code(part) : part).join('');
}

// Text with its hidden marks as words.
export function Text({text}) {
	if (!HIDDEN.test(text))
		return html`<bdi dir="auto">${text}</bdi>`;
	return html`<bdi dir="auto">${text.split(PARTS).map(part => HIDDEN.test(part)
		? html`<span class="mark">${code(part)}</span>` : part)}</bdi>`;
}
