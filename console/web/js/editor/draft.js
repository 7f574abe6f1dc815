// What was changed and not saved, kept in the tab until it is saved, thrown away, or
// somebody else signs in.  Each opening of a page keeps what is typed in a place of its
// own, so that it replaces no draft that is offered and not decided on yet.

import {html, useEffect, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {me} from '../session.js';
import {When} from '../ui/parts.js';
import {toast} from '../ui/toast.js';

const START = 'wf-draft:';

// The drafts of which thing, or of all: {key, role, version, at, text}.
function read(of = '') {
	return Object.keys(sessionStorage).filter(key => key.startsWith(START + of))
		.map(key => ({...JSON.parse(sessionStorage.getItem(key)), key}));
}

let told = false;

// Where there is no room the page goes on without, and says so once.
function keep(key, draft) {
	try {
		sessionStorage.setItem(key, JSON.stringify({...draft, at: new Date().toISOString()}));
		told = false;
	} catch {
		if (!told)
			toast(t('draft.no_room'), 'error');
		told = true;
	}
}

// Two people may use one tab after each other: nobody finds what another one has typed.
export function dropOthers(role) {
	read().filter(one => one.role !== role).forEach(one => sessionStorage.removeItem(one.key));
}

// The drafts of one thing.  of: what is edited; text: what is to be kept, or null if
// nothing is changed; version: the one that it was begun on.  What is taken goes on in its
// own place, and what was typed before that is offered in turn.
export function useDrafts(of, text, version) {
	const [{role}] = useState(me.value);
	const find = key => read(of + ':').filter(one => one.role === role && one.key !== key).sort((a, b) => a.at < b.at ? 1 : -1);
	const [own, setOwn] = useState(() => `${START}${of}:${Math.random().toString(36).slice(2)}`);
	const [offered, offer] = useState(() => find(own));

	useEffect(() => {
		if (text === null)
			sessionStorage.removeItem(own);
		// nothing is left behind by a page that its role has just left
		else if (me.value?.role === role)
			keep(own, {role, version, text});
	}, [own, text, version]);
	return {
		offered,
		take(draft) {
			setOwn(draft.key);
			offer(find(draft.key));
		},
		drop(draft) {
			sessionStorage.removeItem(draft.key);
			offer(find(own));
		},
		// nothing of it is to be kept, though the page still shows what was typed
		done: () => sessionStorage.removeItem(own),
	};
}

// What was kept in the tab, the newest first.
export function Offers({drafts, onTake}) {
	return drafts.offered.map(draft => html`<div class="note draft" role="status" key=${draft.key}>
		<p id=${draft.key}>${t('draft.offer')} <${When} at=${draft.at}/>${draft.version > 0 && ` (v${draft.version})`}</p>
		<p class="small-actions"><button type="button" aria-describedby=${draft.key} onClick=${() => onTake(draft)}>${t('draft.take')}</button>
			<button type="button" class="quiet" aria-describedby=${draft.key} onClick=${() => drafts.drop(draft)}>${t('draft.drop')}</button></p></div>`);
}
