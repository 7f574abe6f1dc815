// What PostgreSQL says about a definition while somebody types: its problems, and what
// a run with the sample would do.

import {useEffect, useRef, useState} from '../../vendor/ui.js';
import {post} from '../api.js';
import {at, locate, make, print, put, rename, spell} from '../json.js';
import {generation} from '../session.js';

const WAIT = 500;

// Asks so long after the last change of what is asked; null is not asked.  An older
// answer never replaces a newer one.
function useAsked(path, body) {
	const [state, set] = useState({answer: null, error: null, of: null});
	const last = useRef(0);
	const key = body && JSON.stringify(body);

	useEffect(() => {
		if (!key)
			return undefined;

		const turn = ++last.current;
		const abort = new AbortController();
		const timer = setTimeout(() => {
			post(path, JSON.parse(key), {slot: path, signal: abort.signal}).then(
				answer => turn === last.current && set({answer, error: null, of: key}),
				error => turn === last.current && error.name !== 'AbortError' && set({answer: null, error, of: key}));
		}, WAIT);

		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	}, [key, generation.value]);
	return {...state, current: state.of === key};
}

export function useChecks(model, tenant, sample) {
	const definition = print(model.tree);
	const checked = useAsked('validate', model.broken || model.held ? null : {definition, tenant});
	const problems = checked.answer?.problems ?? [];
	const valid = checked.current && checked.answer && !problems.some(one => one.severity === 'error');
	const previewed = useAsked('preview', valid && sample ? {definition, tenant, ...sample.ask} : null);

	return {problems, times: checked.answer?.times ?? null, valid: Boolean(valid), current: checked.current, error: checked.error,
		steps: previewed.answer?.steps ?? null, previewError: previewed.error, previewCurrent: previewed.current && Boolean(valid)};
}

// The problems of a place: deep, those of what is in it as well.
export function problemsAt(problems, path, deep) {
	const text = spell(path);

	return problems.filter(one => one.path === text ||
		(deep && one.path.startsWith(text) && /^[.[]/.test(one.path.slice(text.length))));
}

// Of a text the part at a place that counts characters from 1, as PostgreSQL does.
function replaceAt(text, position, wrong, right) {
	const before = Array.from(text).slice(0, position - 1).join('');

	return text.startsWith(wrong, before.length) ? before + right + text.slice(before.length + wrong.length) : null;
}

// What "Did you mean" would do, and to what: {word, change, path} or null.
export function correction(tree, problem) {
	const word = /^Did you mean "([^"]+)"\?/.exec(problem.hint ?? '')?.[1];
	const wrong = /"([^"]+)"/.exec(problem.message)?.[1];

	if (!word || !wrong)
		return null;

	const {node, path} = locate(tree, problem.path);

	if (spell(path) !== problem.path)
		return null;
	if (path.at(-1) === wrong && !at(tree, [...path.slice(0, -1), word]))
		return {word, change: old => rename(old, path.slice(0, -1), wrong, word), path: spell([...path.slice(0, -1), word])};
	if (node.kind !== 'string')
		return null;

	const text = node.value === wrong ? word : problem.pos ? replaceAt(node.value, problem.pos, wrong, word) : null;

	return text === null ? null : {word, change: old => put(old, path, make(text)), path: problem.path};
}
