// The button that gives a list to the person as a file for a spreadsheet.

import {html, useState} from '../../vendor/ui.js';
import {t, has} from '../i18n.js';
import {toast} from './toast.js';

// list: of csv.js; filter: what of it.
export function Csv({list, filter}) {
	const [busy, setBusy] = useState(false);

	async function save() {
		setBusy(true);
		try {
			const {saveList} = await import('../csv.js');

			await saveList(list, filter);
		} catch (error) {
			const key = error.code === 'too_much' ? 'csv.too_much' : 'error.' + error.code;

			toast(has(key) ? t(key) : error.message, 'error');
		} finally {
			setBusy(false);
		}
	}

	return html`<button type="button" class="quiet" disabled=${busy} onClick=${save}>${busy ? t('busy') : t('csv')}</button>`;
}
