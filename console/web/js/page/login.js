// Signing in: a page of its own, and a dialog over a page whose session has ended.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, has, moment} from '../i18n.js';
import {DOWN, login} from '../api.js';
import {me, signedIn, forget} from '../session.js';
import {Language} from '../ui/choices.js';
import {Dialog} from '../ui/dialog.js';
import {Problem} from '../ui/parts.js';

const LONGEST = 15000;

function Form({role, button}) {
	const form = useRef(null);
	const [error, fail] = useState(null);
	const [busy, setBusy] = useState(false);
	const [down, setDown] = useState(null);

	async function attempt() {
		const {role: name, password} = form.current.elements;

		setBusy(true);
		fail(null);
		try {
			signedIn(await login(name.value, password.value));
			form.current?.reset();
		} catch (problem) {
			// no server answers: it is tried again by itself, with what was typed; and when it
			// is back, others come with their names from the same address
			if (DOWN.includes(problem.code) || (down && problem.code === 'throttled')) {
				setDown(old => ({code: problem.code === 'timeout' ? 'unavailable' : problem.code, since: old?.since ?? new Date().toISOString(), wait: Math.min(LONGEST, 2 * (old?.wait ?? 1000))}));
			} else {
				setDown(null);
				fail(problem);
				password.value = '';
				password.focus();
			}
		} finally {
			setBusy(false);
		}
	}

	function submit(event) {
		event.preventDefault();
		setDown(null);
		attempt();
	}

	useEffect(() => {
		const timer = down && setTimeout(attempt, down.wait);

		return () => clearTimeout(timer);
	}, [down]);

	// a person who opens the page types at once; in the dialog the name is known, and
	// showModal goes by autofocus
	useEffect(() => form.current.elements[role ? 'password' : 'role'].focus(), []);

	return html`<form ref=${form} class="signin" onSubmit=${submit} onInput=${() => setDown(null)}>
		<label>${t('login.role')}
			<input name="role" required autocomplete="username" autocapitalize="none" spellcheck=${false} dir="ltr" defaultValue=${role ?? ''}/></label>
		<label>${t('login.password')}
			<input name="password" type="password" required autofocus=${Boolean(role)} autocomplete="current-password" dir="ltr"/></label>
		${down && html`<p class="note" role="status">${t('error.' + down.code)} ${t('login.trying', {since: moment(down.since)})}</p>`}
		${error && html`<${Problem} error=${error}/>`}
		<button type="submit" class="main" disabled=${busy}>${busy ? t('login.busy') : button}</button>
	</form>`;
}

function Reason({code}) {
	const key = `ended.${code}`;

	return code && has(key) ? html`<p class="note">${t(key)}</p>` : null;
}

export function SignIn({reason}) {
	return html`<main class="signin-page">
		<h1>workflow_engine</h1>
		<${Reason} code=${reason}/>
		<${Form} button=${t('login')}/>
		<${Language}/>
	</main>`;
}

// The page stays below it, as it is; the same role goes on where it was.
export function SignInAgain({reason}) {
	return html`<${Dialog} title=${t('login.again')}>
		<${Reason} code=${reason}/>
		<p>${t('login.kept')}</p>
		<${Form} role=${me.value.role} button=${t('login')}/>
		<button type="button" class="quiet" onClick=${forget}>${t('signout')}</button>
	</${Dialog}>`;
}
