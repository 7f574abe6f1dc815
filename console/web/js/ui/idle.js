// Says that the session is about to end, with the button that lets it go on: on the page,
// and in each window over it, behind which the page takes no click.

import {html, signal, useEffect, useRef} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {get} from '../api.js';
import {idle} from '../idle.js';
import {ended} from '../session.js';

const LOOK = 1000;
// While it is said, what another tab has done is asked for so often, in seconds.
const OLD = 15;

// In minutes, while it is to be said; null: there is time.
const left = signal(null);
// The session becomes no longer by what is done: it is as old as one may be.
const last = signal(false);

let asking = false;
let asked = 0;

// Nobody is told what is not so: somebody may be busy in another tab, which is known
// after a question.
async function ask() {
	const age = Math.min(idle().age, (Date.now() - asked) / 1000);

	if (age <= (left.value === null ? 1 : OLD))
		return;
	asking = true;
	asked = Date.now();
	await get('me', {poll: true, slot: 'idle'}).catch(() => {});
	asking = false;
}

async function look() {
	if (asking || document.visibilityState !== 'visible')
		return;
	if (idle().near && !ended.value)
		await ask();

	const {near, seconds} = idle();

	left.value = near && !ended.value ? Math.max(1, Math.ceil(seconds / 60)) : null;
	last.value = last.value && near;
}

// Once for the whole page.
export function useIdle() {
	useEffect(() => {
		const timer = setInterval(look, LOOK);

		return () => clearInterval(timer);
	}, []);
}

async function stay() {
	try {
		await get('me', {slot: 'stay'});
		last.value = idle().near;
	} catch {
		// It is still said, so that one can try again.
	}
	await look();
}

export function Idle() {
	const before = useRef(null);

	async function click() {
		await stay();
		// the button goes: back to where one was
		if (left.value === null || last.value)
			(before.current?.isConnected ? before.current : document.querySelector('main'))?.focus();
	}

	return html`<div class="idle" role="status">${left.value !== null && html`<p class="banner"><span>${t(last.value ? 'idle.last' : 'idle', {n: left.value})}</span>
		${!last.value && html`<button type="button" class="main" onFocus=${event => { before.current = event.relatedTarget; }} onClick=${click}>${t('idle.stay')}</button>`}</p>`}</div>`;
}
