// Languages: the words of the page, numbers, times and the direction.
//
// t('key', {name: value}) is the text of the key in the language that is set;
// a value is isolated, so that a name in another direction does not move the
// words around it; an array is the list of its values.  A text that depends on a number n is an object with one
// text for each plural form that the language has.

import {signal, effect} from '../vendor/ui.js';
import en from '../i18n/en.js';
import ar from '../i18n/ar.js';

const catalogues = {en, ar};
const locales = {en: 'en-u-nu-latn-ca-gregory', ar: 'ar-u-nu-latn-ca-gregory'};
const directions = {en: 'ltr', ar: 'rtl'};
export const names = {en: 'English', ar: 'العربية'};

const ISOLATE = '\u2068';
const END = '\u2069';
// What would end the isolation of a value, or begin another direction in it.
const MARKS = /[\u202a-\u202e\u2066-\u2069]/g;

// The languages that may be chosen: after the sign-in those of the configuration.
export const offered = signal(Object.keys(catalogues));

// The one that was chosen, else that of the browser, else the first.
function preferred() {
	const wanted = [localStorage.getItem('wf-language'), ...(navigator.languages ?? []).map(name => name.slice(0, 2))];

	return wanted.find(name => offered.value.includes(name)) ?? offered.value[0];
}

export const language = signal(preferred());

export function offer(languages) {
	const known = languages.filter(name => name in catalogues);

	if (known.length > 0) {
		offered.value = known;
		language.value = preferred();
	}
}

export function chooseLanguage(name) {
	localStorage.setItem('wf-language', name);
	language.value = name;
}

effect(() => {
	document.documentElement.lang = language.value;
	document.documentElement.dir = directions[language.value];
});

const cache = new Map();

// One formatter a language and purpose: making one is slow.
function formatter(purpose, make) {
	const key = `${language.value} ${purpose}`;

	if (!cache.has(key))
		cache.set(key, make(locales[language.value]));
	return cache.get(key);
}

export function number(n) {
	return formatter('number', locale => new Intl.NumberFormat(locale)).format(n);
}

// A count that the server stops at 10,001.
export function capped(n) {
	return n > 10000 ? number(10000) + '+' : number(n);
}

function words(key, values) {
	let text = catalogues[language.value][key] ?? en[key];

	if (text === undefined)
		return key;
	if (typeof text === 'object') {
		const form = formatter('plural', locale => new Intl.PluralRules(locale))
			.select(Number(values?.n ?? 0));

		text = text[form] ?? text.other;
	}
	return text;
}

// A value among others where no element can hold it, as in an option of a list.
export function isolated(value) {
	return ISOLATE + String(value).replace(MARKS, '\ufffd') + END;
}

// Several names, one after the other.
export function list(names) {
	return names.map(isolated).join(words('list.comma'));
}

export function has(key) {
	return key in en;
}

export function t(key, values) {
	return words(key, values).replace(/\{(\w+)\}/g, (whole, name) => {
		const value = values?.[name];

		if (/^tenants?$/i.test(name))
			return tenant(name);
		if (value === undefined || value === null)
			return '';
		if (Array.isArray(value))
			return list(value);
		return typeof value === 'number' ? number(value) : isolated(value);
	});
}

// What the configuration calls a tenant, by language: {one, many}; null: our words.
export const tenantLabel = signal(null);

// {tenant}, {tenants}, and with a capital letter {Tenant}, {Tenants}.
function tenant(name) {
	const kind = name.endsWith('s') ? 'many' : 'one';
	const text = tenantLabel.value?.[language.value]?.[kind] ?? words('tenant.' + kind);

	return name.startsWith('T') ? text[0].toLocaleUpperCase(language.value) + text.slice(1) : text;
}

const MINUTE = 60000;
const DAY = 24 * 60 * MINUTE;

// A moment: only the time if it is today, else the date as well.
export function moment(iso) {
	const at = new Date(iso);
	const today = at.toDateString() === new Date().toDateString();

	return formatter(today ? 'time' : 'date', locale => new Intl.DateTimeFormat(locale,
		today ? {hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false}
			: {year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit',
				minute: '2-digit', hour12: false})).format(at);
}

// How long ago or from now, by the clock of the server.
export function relative(iso, now) {
	const ms = new Date(iso) - new Date(now);
	const size = Math.abs(ms);
	const [unit, length] = size < MINUTE ? ['second', 1000]
		: size < 60 * MINUTE ? ['minute', MINUTE]
			: size < DAY ? ['hour', 60 * MINUTE] : ['day', DAY];

	return formatter('relative', locale =>
		new Intl.RelativeTimeFormat(locale, {numeric: 'auto'}))
		.format(Math.round(ms / length), unit);
}

// A length of time in milliseconds.
export function duration(ms) {
	const [unit, value] = ms < 1000 ? ['millisecond', Math.round(ms)]
		: ms < MINUTE ? ['second', Math.round(ms / 100) / 10]
			: ms < 60 * MINUTE ? ['minute', Math.round(ms / 6000) / 10]
				: ms < DAY ? ['hour', Math.round(ms / 360000) / 10]
					: ['day', Math.round(ms / DAY * 10) / 10];

	return formatter(unit, locale => new Intl.NumberFormat(locale,
		{style: 'unit', unit, unitDisplay: 'short'})).format(value);
}
