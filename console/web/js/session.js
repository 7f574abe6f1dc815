// Who is signed in.  The token is kept in the browser beside the role that it is of; the
// cookie, which the page cannot read, is the other half.  All tabs of the browser share
// both, so a page follows what another tab has done to them.
//
// A page works for one role alone: what it shows, what was typed into it and what it is
// doing are that role's.  For another one it is loaded anew.

import {signal, batch} from '../vendor/ui.js';

const KEY = 'wf-token';

export const token = signal(null);
export const me = signal(null);

// Why the session has ended, while the page stays as it is: expired, lost,
// ended, no_session.
export const ended = signal(null);

// One more after each sign-in, so that pages read again.
export const generation = signal(0);

// Whom this page works for, from the first sign-in on.
let role = null;
// It is about to be loaded anew, and does nothing more.
let leaving = false;

// What the browser has now, whichever tab has put it there.
function stored() {
	const [, value, name] = /^(\w+) (.+)$/.exec(localStorage.getItem(KEY)) ?? [];

	return {value: value ?? null, name};
}

// Nothing of what was shown or typed stays.
function clear() {
	sessionStorage.clear();
	batch(() => {
		me.value = null;
		token.value = null;
		ended.value = null;
	});
}

// A change may be heard of late, by a tab that the browser has let stand still, or not at
// all: so this is called before each request as well.
export function follow() {
	const {value, name} = stored();

	if (leaving || value === token.value)
		return;
	if (value === null) {
		clear();
	} else if (role !== null && role !== name) {
		leaving = true;
		clear();
		// once nothing is shown any more that would ask whether to leave
		setTimeout(() => location.reload());
	} else {
		role = name;
		batch(() => {
			token.value = value;
			ended.value = null;
			generation.value += 1;
		});
	}
}

export function signedIn(answer) {
	localStorage.setItem(KEY, `${answer.token} ${answer.role}`);
	follow();
}

// Signs out the other tabs too, unless somebody has signed in there meanwhile.
export function forget() {
	const mine = token.value;

	clear();
	if (stored().value === mine)
		localStorage.removeItem(KEY);
	follow();
}

follow();
addEventListener('storage', event => {
	// null: all of it was removed
	if (event.key === KEY || event.key === null)
		follow();
});
addEventListener('pageshow', follow);
document.addEventListener('visibilitychange', follow);
