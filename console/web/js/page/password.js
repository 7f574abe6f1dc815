// A new password for the role that is signed in.

import {html, useRef, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {changePassword, isUnknown} from '../api.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {Problem} from '../ui/parts.js';
import {toast} from '../ui/toast.js';

const FIELDS = {old: 'current-password', new: 'new-password', again: 'new-password'};

export function Password({onClose}) {
	const form = useRef(null);
	const [state, set] = useState({busy: false, error: null, differ: false});

	async function submit(event) {
		event.preventDefault();

		const {old, new: chosen, again} = form.current.elements;

		if (chosen.value !== again.value) {
			set({busy: false, error: null, differ: true});
			again.focus();
			return;
		}
		set({busy: true, error: null, differ: false});
		try {
			const {ended} = await changePassword(old.value, chosen.value);

			toast(t('password.changed') + (ended ? ' ' + t('password.ended', {n: ended}) : ''));
			onClose();
		} catch (error) {
			set({busy: false, error, differ: false});
			if (error.code === 'wrong_password') {
				old.value = '';
				old.focus();
			}
		}
	}

	return html`<${Dialog} title=${t('password')} onClose=${onClose}>
		<form ref=${form} onSubmit=${submit}>
			<input name="role" autocomplete="username" value=${me.value.role} readonly hidden/>
			${Object.entries(FIELDS).map(([name, kind]) => html`<label>${t('password.' + name)}
				<input name=${name} type="password" required autocomplete=${kind} dir="ltr" aria-invalid=${name === 'again' && state.differ ? 'true' : null}
					aria-describedby=${name === 'again' && state.differ ? 'differ' : null}/></label>`)}
			<p class="dim">${t('password.what')}</p>
			${state.differ && html`<p class="problem" role="alert" id="differ">${t('password.differ')}</p>`}
			${state.error && html`<${Problem} error=${state.error}/>`}
			${isUnknown(state.error) && html`<p class="note" role="status">${t('password.unknown')}</p>`}
			<div class="dialog-actions">
				<button type="button" onClick=${onClose}>${t('close')}</button>
				<button type="submit" class="main" disabled=${state.busy}>${state.busy ? t('busy') : t('password.button')}</button>
			</div>
		</form>
	</${Dialog}>`;
}
