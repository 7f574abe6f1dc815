// What is edited: a tree, and the JSON that somebody types, which may not parse for a
// while.  Each edit is a patch; the last 100 can be undone, whichever view made them.

import {useState} from '../../vendor/ui.js';
import {JsonError, at, brokenPath, canonical, lineOf, parse, print, put} from '../json.js';
import {escaped} from '../ui/value.js';

const MOST = 100;
const TOGETHER = 2000;

// The JSON of a tree as it is shown: what would change the direction of the text
// around it is written as an escape.
export function shown(tree) {
	return escaped(print(canonical(tree)));
}

// The place whose text is no JSON yet, and the line of its error in the JSON of all; null:
// there is none.
function heldIn(tree) {
	const path = brokenPath(tree);

	if (!path)
		return null;

	// what is printed has no such character elsewhere
	const ordered = canonical(tree);
	const before = print(put(ordered, path, {kind: 'broken', text: '\0'}));

	return {path, line: lineOf(before, before.indexOf('\0')) + at(ordered, path).line - 1};
}

function start(tree) {
	return {tree, past: [], future: [], text: null, broken: null, mark: null, at: 0};
}

// The next state.  Edits of one place that follow each other are one to undo.
function after(state, tree, mark, text) {
	const now = Date.now();
	const goes_on = mark && mark === state.mark && now - state.at < TOGETHER;

	if (tree === state.tree)
		return {...state, text, broken: null};
	return {tree, text, broken: null, mark, at: now, future: [],
		past: goes_on ? state.past : [...state.past.slice(1 - MOST), state.tree]};
}

function typed(state, text) {
	try {
		return after(state, parse(text), 'json', text);
	} catch (error) {
		if (!(error instanceof JsonError))
			throw error;
		return {...state, text, broken: {code: error.code, word: error.word, line: lineOf(text, error.position)}};
	}
}

function undone(state) {
	if (state.broken)
		return {...state, text: null, broken: null};
	if (state.past.length === 0)
		return state;
	return {...state, tree: state.past.at(-1), past: state.past.slice(0, -1), future: [state.tree, ...state.future], text: null, mark: null};
}

function redone(state) {
	if (state.broken || state.future.length === 0)
		return state;

	const [tree, ...future] = state.future;

	return {...state, tree, future, past: [...state.past, state.tree], text: null, mark: null};
}

export function useModel(first) {
	const [state, set] = useState(() => start(first));

	return {
		...state,
		held: heldIn(state.tree),
		json: state.text ?? shown(state.tree),
		edit: (change, mark) => set(old => old.broken ? old : after(old, change(old.tree), mark, null)),
		type: text => set(old => typed(old, escaped(text))),
		undo: () => set(undone),
		redo: () => set(redone),
		canUndo: Boolean(state.broken) || state.past.length > 0,
		canRedo: !state.broken && state.future.length > 0,
	};
}
