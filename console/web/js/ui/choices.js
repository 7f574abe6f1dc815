// The choices of the person that stay in the browser: language and colours.

import {html} from '../../vendor/ui.js';
import {t, language, chooseLanguage, names, offered} from '../i18n.js';
import {theme, chooseTheme} from '../theme.js';

export function Language() {
	return html`<label class="language"><span class="hidden">${t('language')}</span>
		<select value=${language.value} onChange=${event => chooseLanguage(event.target.value)}>
			${offered.value.map(code => html`<option value=${code} lang=${code}>${names[code]}</option>`)}
		</select></label>`;
}

export function Theme() {
	return html`<label class="theme"><span class="hidden">${t('theme')}</span>
		<select value=${theme.value} onChange=${event => chooseTheme(event.target.value)}>
			${['auto', 'light', 'dark'].map(name => html`<option value=${name}>${t('theme.' + name)}</option>`)}
		</select></label>`;
}
