// Problems of a definition, in the words of the language; PostgreSQL's own are beside
// them.

import {html} from '../../vendor/ui.js';
import {t, language} from '../i18n.js';
import {at, locate, spell, textAt} from '../json.js';
import {arabic} from '../../i18n/ar-problems.js';
import {fieldName} from '../ui/changes.js';
import {Text} from '../ui/value.js';
import {correction, problemsAt} from './checks.js';

const catalogues = {ar: arabic};

// What a message has in quotes: the words of the user, and of the language.
function quoted(message) {
	return Array.from(message.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, word]) => word);
}

export function words({code, message}) {
	const text = catalogues[language.value]?.[code];
	const values = quoted(message);

	if (!text || /\{([12])\}/.test(text) && [...text.matchAll(/\{([12])\}/g)].some(([, n]) => values[n - 1] === undefined))
		return message;
	return text.replace(/\{([12])\}/g, (whole, n) => `\u2068${values[n - 1]}\u2069`);
}

export function ProblemText({editor, problem}) {
	const fix = correction(editor.tree, problem);
	const text = words(problem);
	// the button is gone then: its field gets the focus
	const mend = () => { editor.edit(fix.change); editor.goTo({path: fix.path}); };

	return html`<div class=${'field-problem ' + problem.severity}>
		<span aria-hidden="true">${problem.severity === 'error' ? '✕' : '⚠'}</span> <span class="hidden">${t('problem.' + problem.severity)}: </span>
		${text === problem.message ? html`<bdi dir="auto">${text}</bdi>` : text}
		${fix ? html` <button type="button" onClick=${mend}>${t('problem.fix', {word: fix.word})}</button>`
			: problem.hint && html` <span class="dim"><bdi dir="auto">${problem.hint}</bdi></span>`}
		${text !== problem.message && html`<details><summary>${t('details')}</summary><p dir="ltr"><${Text} text=${`${problem.message} ${problem.code}`}/></p></details>`}
	</div>`;
}

// The problems of exactly this place, which no field of its own shows.
export function ProblemsOf({editor, path}) {
	return problemsAt(editor.problems, path).map(problem => html`<${ProblemText} editor=${editor} problem=${problem}/>`);
}

// Where a problem is, in words: the step, and the field in it.
function Place({editor, problem}) {
	const {path} = locate(editor.tree, problem.path);
	const step = path[0] === 'steps' && typeof path[1] === 'number' ? textAt(at(editor.tree, path.slice(0, 2)), ['name']) || String(path[1] + 1) : null;
	const field = step === null ? problem.path : problem.path.replace(/^steps\[\d+\]\.?(params\.)?/, '');

	return html`<bdi>${step}</bdi>${step !== null && field && ' › '}<bdi>${fieldName(field)}</bdi>`;
}

// What was typed into a field and is no JSON yet: there is nothing to check before it is.
function Held({editor}) {
	const {path, line} = editor.held;
	const problem = {path: spell(path)};

	return html`<div class="checked bad"><p role="status">${t('editor.held')}</p>
		${editor.view === 'json' ? html`<p>${t('editor.json_broken', {line})}</p>` : html`<ul class="plain"><li><button type="button" class="quiet" onClick=${() => editor.goTo(problem)}>
			<span aria-hidden="true">✕</span> <${Place} editor=${editor} problem=${problem}/></button></li></ul>`}</div>`;
}

// All of them, each a way to its field.
export function ProblemList({editor}) {
	const {problems, current, valid, broken, held, checkError} = editor;
	const errors = problems.filter(one => one.severity === 'error').length;

	if (broken)
		return html`<div class="problem" role="status">${t('editor.broken', {line: broken.line})} <span class="dim">${t('json.' + broken.code, {word: broken.word})}</span></div>`;
	if (held)
		return html`<${Held} editor=${editor}/>`;
	if (checkError)
		return html`<p class="problem" role="status">${t('error.' + checkError.code)} <span class="dim"><bdi>${checkError.message}</bdi></span></p>`;
	return html`<div class=${'checked ' + (errors ? 'bad' : problems.length ? 'warn' : 'good')}>
		<p role="status">${!current ? t('editor.checking') : problems.length === 0 && valid ? `✓ ${t('editor.valid')}`
			: errors ? t('editor.errors', {n: errors}) : t('editor.warnings', {n: problems.length})}</p>
		${problems.length > 0 && html`<ul class="plain">${problems.map(problem => html`<li>
			<button type="button" class="quiet" onClick=${() => editor.goTo(problem)}><span aria-hidden="true">${problem.severity === 'error' ? '✕' : '⚠'}</span> <${Place} editor=${editor} problem=${problem}/>: ${words(problem)}</button></li>`)}</ul>`}
	</div>`;
}
