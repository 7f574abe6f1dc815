// Who has saved meanwhile: said if a save comes too late.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {get} from '../api.js';
import {useLoad} from '../load.js';
import {Loaded, When} from '../ui/parts.js';
import {Text} from '../ui/value.js';

export function Saved({workflow, now}) {
	return html`<p class="note">${t('editor.theirs', {who: workflow.saved_by, version: 'v' + workflow.version})} <${When} at=${workflow.saved_at} now=${now}/>
		${workflow.note && html` · <${Text} text=${workflow.note}/>`}</p>`;
}

// Reads what is saved now, and says so.
export function Pending({id}) {
	const state = useLoad(options => get('workflows/' + id, options), [id]);

	return html`<${Loaded} state=${state}>${data => html`<${Saved} ...${data}/>`}</${Loaded}>`;
}
