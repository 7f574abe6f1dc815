// Small parts that many pages show.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, has, isolated, moment, relative} from '../i18n.js';
import {me} from '../session.js';
import {copy, Statement} from './copy.js';
import {Dialog} from './dialog.js';
import {lacking, oneLine} from './grant.js';
import {toast} from './toast.js';
import {Text} from './value.js';

const ICONS = {
	queued: '◷', running: '▶', waiting: '◔', completed: '✓', failed: '✕',
	cancelled: '⊘', skipped: '–', pending: '○', unknown: '?', lost: '⚠',
};

// A status by icon and word.  kind is 'run' or 'step': Arabic words have a gender.
export function Status({status, kind = 'run'}) {
	return html`<span class=${'status s-' + status}><span aria-hidden="true">${ICONS[status] ?? '?'}</span> ${t(`${kind}.status.${status}`)}</span>`;
}

// A moment; the tooltip has it exactly.
export function When({at, now}) {
	return html`<time dateTime=${at} title=${at}>${now ? relative(at, now) : moment(at)}</time>`;
}

// What went wrong, in the words of the page.  Whose name is taken is known by the
// constraint, which is called the same in every language of the server.
function wordsOf({code, message}) {
	const [, taken] = /"workflow_(definitions|connections|templates)_tenant_id_name_key"/.exec(message) ?? [];
	const key = [`error.${code}.${taken}`, `error.${code}`].find(has);

	return t(key ?? 'error.internal');
}

// These say that something is wrong, and the server's sentence what.
const VAGUE = ['invalid', 'bad_value', 'state'];

// That sentence; the detail of a broken constraint is the whole row, and is not shown.
export function sentenceOf({code, sqlstate, message, detail}) {
	return VAGUE.includes(code) ? (!sqlstate?.startsWith('23') && detail) || message : null;
}

// The same where nothing can be opened, with what the server says to do, or has said
// where our words say less.
export function said(error) {
	const unknown = error.code === 'internal' || !has(`error.${error.code}`);
	const lack = lacking(error);
	const theirs = error.hint ?? (unknown ? error.message : sentenceOf(error));

	// a statement is to be copied, so no mark of direction is around it
	if (lack)
		return `${wordsOf(error)} ${oneLine(lack)}`;
	return theirs ? `${wordsOf(error)} ${isolated(theirs)}` : wordsOf(error);
}

// Why a role may not do something, and the statement that helps, to be copied.
export function Lack({reason}) {
	return html`<p>${reason.text}</p><${Statement} text=${reason.sql}/>`;
}

// What the server says to do; a line for the shell is to be copied.
function Hint({code, hint}) {
	if (code === 'too_much' && hint?.startsWith('psql '))
		return html`<p>${t('error.too_much.psql')}</p><${Statement} text=${hint}/>`;
	return hint && html`<p class="hint"><${Text} text=${hint}/></p>`;
}

// And in full: PostgreSQL's words are one click away.
export function Problem({error, retry}) {
	const sentence = sentenceOf(error);
	const original = [error.sqlstate, error.message, error.detail].filter(Boolean).join(' · ');
	const lack = lacking(error);

	return html`<div class="problem" role="alert">
		<p>${wordsOf(error)}</p>
		${sentence && sentence.split('\n').map(line => html`<p><${Text} text=${line}/></p>`)}
		${lack ? html`<${Lack} reason=${lack}/>` : html`<${Hint} ...${error}/>`}
		<details><summary>${t('details')}</summary>
			<p dir="ltr"><${Text} text=${original}/></p>
			<button type="button" class="quiet" onClick=${() => copy(original)}>${t('value.copy')}</button>
		</details>
		${retry && html`<button type="button" onClick=${retry}>${t('again')}</button>`}
	</div>`;
}

// Says that something is read if that takes a while, and offers to stop it if it takes long.
function Waiting({stop}) {
	const [late, set] = useState(0);

	useEffect(() => {
		const timers = [300, 2000].map((ms, i) => setTimeout(() => set(i + 1), ms));

		return () => timers.forEach(clearTimeout);
	}, []);
	return html`<p class="loading" role="status">${late > 0 && t('loading')}
		${late > 1 && html`${' '}<button type="button" onClick=${stop}>${t('loading.stop')}</button>`}</p>`;
}

// What a page shows while it reads, or if it could not.
export function Loaded({state, children}) {
	const waiting = state.loading && html`<${Waiting} stop=${state.stop}/>`;

	if (state.error && !state.data && !state.loading)
		return html`<${Problem} error=${state.error} retry=${state.reload}/>`;
	if (!state.data)
		return waiting;
	return html`${waiting}${state.error && state.error.status !== 401 && html`<${Problem} error=${state.error} retry=${state.reload}/>`}${children(state.data)}`;
}

// A button that the role or the state may not allow: it stays in the order of
// focus, and says why: as a tooltip, to a screen reader, and if it is pressed, since a
// finger sees no tooltip; what is to be copied then stands in a window.  On a standby
// nothing is changed.  Of two clicks the second does nothing while what the first has
// begun, a promise, is under way.  reason: a text, or {text, sql}.
export function Action({allowed, reason, onClick, kind = '', children}) {
	const may = allowed && !me.value.standby;
	const why = me.value.standby ? t('standby') : reason;
	const begun = useRef(false);
	const [asked, ask] = useState(false);

	async function click() {
		if (begun.current)
			return;
		if (!may) {
			if (why?.sql)
				ask(true);
			else if (why)
				toast(why, 'error');
			return;
		}
		begun.current = true;
		try {
			await onClick();
		} finally {
			begun.current = false;
		}
	}

	return html`<button type="button" class=${kind} aria-disabled=${may ? null : 'true'} title=${may ? null : oneLine(why)}
		onClick=${click}>${children}${!may && why && html`<span class="hidden"> (${oneLine(why)})</span>`}</button>
		${asked && why?.sql && html`<${Dialog} title=${t('why_not')} onClose=${() => ask(false)}><${Lack} reason=${why}/></${Dialog}>`}`;
}

// A link to a page on which something is made; a button that says why where one may not.
export function ActionLink({allowed, reason, href, children}) {
	return allowed && !me.value.standby ? html`<a href=${href}>${children}</a>`
		: html`<${Action} allowed=${false} reason=${reason}>${children}</${Action}>`;
}
