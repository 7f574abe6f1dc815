// Light, dark, or as the system has it.

import {signal, effect} from '../vendor/ui.js';

export const theme = signal(localStorage.getItem('wf-theme') ?? 'auto');

export function chooseTheme(name) {
	localStorage.setItem('wf-theme', name);
	theme.value = name;
}

effect(() => { document.documentElement.dataset.theme = theme.value; });
