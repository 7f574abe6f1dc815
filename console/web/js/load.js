// useLoad(read, keys, {every}): what read() has answered, read anew when one of
// the keys changes, after a new sign-in, and every so many milliseconds while the
// tab is visible: a number, or a function of what was answered and of the error.
// What somebody has stopped is not asked for again by itself.  read gets {signal,
// poll}; an older answer never replaces a newer one.

import {useEffect, useRef, useState} from '../vendor/ui.js';
import {generation, ended} from './session.js';

const BUSY = ['busy', 'superseded'];

export function useLoad(read, keys, {every} = {}) {
	const [state, set] = useState({data: null, error: null, loading: true});
	const current = useRef(null);
	const newest = useRef(null);

	async function load(poll) {
		if (poll && current.current)
			return;

		const abort = new AbortController();

		current.current?.abort();
		current.current = abort;
		if (!poll)
			set(old => ({...old, loading: true}));
		try {
			const data = await read({signal: abort.signal, poll});

			if (current.current === abort)
				set({data, error: null, loading: false});
		} catch (error) {
			if (current.current === abort && !BUSY.includes(error.code) &&
				error.name !== 'AbortError')
				set(old => ({data: old.data, error, loading: false}));
			// requests may overtake one another: what was asked last is to be shown
			if (current.current === abort && error.code === 'superseded') {
				current.current = null;
				load(poll);
			}
		} finally {
			if (current.current === abort)
				current.current = null;
		}
	}

	useEffect(() => {
		load(false);
		return () => {
			current.current?.abort();
			current.current = null;
		};
	}, [...keys, generation.value]);

	const rest = ended.value || state.error?.code === 'stopped';
	const wait = rest ? 0 : typeof every === 'function' ? every(state.data, state.error) : every;

	newest.current = load;
	// it goes on through whatever is drawn anew meanwhile
	useEffect(() => {
		const timer = wait && setInterval(() => {
			if (document.visibilityState === 'visible')
				newest.current(true);
		}, wait);

		return () => clearInterval(timer);
	}, [wait]);

	// Gives up waiting; the statement is cancelled.
	function stop() {
		current.current?.abort();
		current.current = null;
		set(old => ({...old, loading: false, error: {code: 'stopped', message: ''}}));
	}

	return {...state, stop, reload: () => load(false)};
}
