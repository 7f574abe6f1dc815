// Who is signed in.  The token is kept in the browser; the cookie, which the
// page cannot read, is the other half.

import {signal, batch} from '../vendor/ui.js';

export const token = signal(localStorage.getItem('wf-token'));
export const me = signal(null);

// Why the session has ended, while the page stays as it is: expired, lost,
// ended, no_session.
export const ended = signal(null);

// One more after each sign-in, so that pages read again.
export const generation = signal(0);

export function signedIn(answer) {
	localStorage.setItem('wf-token', answer.token);
	// another person's page is not shown to this one
	if (me.value && me.value.role !== answer.role)
		forget();
	batch(() => {
		token.value = answer.token;
		ended.value = null;
		generation.value += 1;
	});
}

// Nothing of what was shown or typed stays.
export function forget() {
	sessionStorage.clear();
	batch(() => {
		me.value = null;
		token.value = null;
		ended.value = null;
	});
	localStorage.removeItem('wf-token');
}

addEventListener('storage', event => {
	if (event.key === 'wf-token' && event.newValue)
		token.value = event.newValue;
});
