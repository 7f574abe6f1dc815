// Single keys of lists.  They act only if something in the list has the focus, go by the
// place of the key, so that they work with every layout, and can be switched off.

import {signal} from '../vendor/ui.js';

export const keysOn = signal(localStorage.getItem('wf-keys') !== 'off');

// Whether the help is open.
export const help = signal(false);

export function switchKeys(on) {
	localStorage.setItem('wf-keys', on ? 'on' : 'off');
	keysOn.value = on;
}

// Whether somebody types, or the key has a meaning of its own.
export function isTaken(event) {
	return event.ctrlKey || event.metaKey || event.altKey || event.isComposing ||
		event.target.closest('textarea, select, dialog, input:not([type=checkbox])') !== null;
}

// A handler for a list: j and k go to the next and the former of what the selector names,
// and the others call what they are given, with the one that has the focus.
export function listKeys(selector, others = {}) {
	return event => {
		if (!keysOn.value || isTaken(event))
			return;
		if (event.key === '?' || event.shiftKey) {
			help.value = help.value || event.key === '?' || event.code === 'Slash';
			return;
		}

		const all = [...event.currentTarget.querySelectorAll(selector)];
		const row = event.target.closest('li');
		const at = all.findIndex(one => row?.contains(one));
		const step = {KeyJ: 1, KeyK: -1}[event.code];

		if (step && at >= 0)
			all[at + step]?.focus();
		else if (others[event.code] && at >= 0)
			others[event.code](all[at]);
		else
			return;
		event.preventDefault();
	};
}
