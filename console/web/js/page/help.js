// What the keys do, and where a search looks.

import {html} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {keysOn, switchKeys} from '../keys.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';

export function Help({onClose}) {
	return html`<${Dialog} title=${t('help')} onClose=${onClose}>
		<p>${t('help.search')}</p>
		<dl class="facts">
			<dt><kbd>/</kbd></dt><dd>${t('help.key.search')}</dd>
			<dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>${t('help.key.rows')}</dd>
			<dt><kbd>r</kbd></dt><dd>${t('help.key.retry')}</dd>
			<dt><kbd>?</kbd></dt><dd>${t('help.key.help')}</dd>
			<dt><kbd>Tab</kbd> <kbd>Enter</kbd></dt><dd>${t('help.key.move')}</dd>
			<dt><kbd>Esc</kbd></dt><dd>${t('help.key.escape')}</dd>
			<dt><kbd>Ctrl</kbd> <kbd>Space</kbd></dt><dd>${t('help.key.complete')}</dd>
			<dt><kbd>Alt</kbd> <kbd>↑</kbd> <kbd>↓</kbd></dt><dd>${t('help.key.step')}</dd>
			<dt><kbd>Ctrl</kbd> <kbd>Z</kbd></dt><dd>${t('help.key.undo')}</dd>
		</dl>
		<label class="choice"><input type="checkbox" checked=${keysOn.value} onChange=${event => switchKeys(event.target.checked)}/> ${t('help.keys')}</label>
		<p class="dim">${t('help.keys.what')}</p>
		<p class="dim"><span dir="ltr">wf_console ${me.value.versions.console} · workflow_engine ${me.value.versions.extension} · PostgreSQL ${me.value.versions.server}</span></p>
	</${Dialog}>`;
}
