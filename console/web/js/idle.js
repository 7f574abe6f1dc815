// When the session ends if nothing is done: each answer of the server says how long that
// is.  It is the same for all tabs, and what one of them asks by itself is no activity.

import {effect} from '../vendor/ui.js';
import {token} from './session.js';

// Of a session that lasts long the last two minutes are said, of others a quarter.
const MOST_WARNED = 120;

// By the clock of the browser, in milliseconds; null: not known.
let ends = null;

// The longest that was heard of this session, in seconds.
let longest = 0;
let heardAt = 0;

effect(() => {
	if (token.value === null)
		[ends, longest] = [null, 0];
});

export function heard(seconds) {
	if (!seconds || token.value === null)
		return;
	heardAt = Date.now();
	longest = Math.max(longest, Number(seconds));
	ends = heardAt + 1000 * seconds;
}

// How long it lasts and how old this knowledge is, in seconds; near: that is to be said.
export function idle() {
	const seconds = (ends - Date.now()) / 1000;

	return {seconds, near: ends !== null && seconds <= Math.min(MOST_WARNED, longest / 4), age: (Date.now() - heardAt) / 1000};
}
