// The button that gives a list to the person as a file for a spreadsheet.

import {html, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {said} from './parts.js';
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
			toast(error.code === 'too_much' ? t('csv.too_much') : said(error), 'error');
		} finally {
			setBusy(false);
		}
	}

	return html`<button type="button" class="quiet" disabled=${busy} onClick=${save}>${busy ? t('busy') : t('csv')}</button>`;
}
