// The page's address after "#": a path and parameters, which are all that a page
// needs to show the same again after "back" or a reload.

import {signal} from '../vendor/ui.js';

function read() {
	const [path, query = ''] = location.hash.slice(1).split('?', 2);

	return {
		path: path || '/',
		params: Object.fromEntries(new URLSearchParams(query)),
	};
}

export const route = signal(read());

addEventListener('hashchange', () => { route.value = read(); });

export function address(path, params = {}) {
	const kept = Object.entries(params).filter(([, value]) => value);
	const query = new URLSearchParams(kept).toString();

	return '#' + path + (query ? '?' + query : '');
}

export function go(path, params) {
	location.hash = address(path, params);
}

// The same page with other parameters; '' removes one.
export function change(params) {
	const {path, params: old} = route.value;

	go(path, {...old, ...params});
}
