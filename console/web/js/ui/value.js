// Texts of users, shown harmless: with marks that would change the direction of what
// follows made visible.

import {html} from '../../vendor/ui.js';
import {isolated} from '../i18n.js';

export const HIDDEN = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u200b\ufeff]/;
const PARTS = new RegExp(`(${HIDDEN.source})`);
const EACH = new RegExp(HIDDEN, 'g');

function code(character) {
	return 'U+' + character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
}

// The same for what takes no elements, such as a choice of a list.
export function visible(text) {
	return text.split(PARTS).map(part => HIDDEN.test(part) ? code(part) : part).join('');
}

// A name of somebody's as a choice of a list, among words of ours.
export function named(text) {
	return isolated(visible(text));
}

// The same for JSON that is edited, which may write a character as an escape: its data stays
// what it was.
export function escaped(json) {
	return json.replace(EACH, character => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'));
}

// What stands in a field of JSON after somebody has typed or pasted.  The caret stays
// where it is in the text.
export function typedJson(field) {
	const caret = escaped(field.value.slice(0, field.selectionStart)).length;

	if (HIDDEN.test(field.value)) {
		field.value = escaped(field.value);
		field.setSelectionRange(caret, caret);
	}
	return field.value;
}

// Text with its hidden marks as words.
export function Text({text}) {
	if (!HIDDEN.test(text))
		return html`<bdi dir="auto">${text}</bdi>`;
	return html`<bdi dir="auto">${text.split(PARTS).map(part => HIDDEN.test(part)
		? html`<span class="mark">${code(part)}</span>` : part)}</bdi>`;
}
