// A search in a list.  What is asked for stands in the address, so that "back" and a
// reload keep it.

import {html, useRef} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, change} from '../router.js';

// An address of the API with those parameters that are given.
export function query(path, params) {
	const given = new URLSearchParams(Object.entries(params).filter(([, value]) => value)).toString();

	return given ? `${path}?${given}` : path;
}

export function Find({label, children}) {
	const {find = ''} = route.value.params;
	const input = useRef(null);

	function submit(event) {
		event.preventDefault();
		change({find: input.current.value.trim(), after: '', before: ''});
	}

	return html`<form class="filters" onSubmit=${submit}>
		<label><span>${label}</span><input ref=${input} type="search" name="find" dir="auto" maxlength="200" defaultValue=${find} key=${find}/></label>
		<button type="submit">${t('find')}</button>${children}</form>`;
}
