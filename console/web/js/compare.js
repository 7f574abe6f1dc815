// What differs between two definitions, in words of steps and fields; and putting the
// changes of one person on what another has saved meanwhile.
//
// A change is {kind, step, field, before, after, ...}: kind is changed, added, removed
// or moved; step is the name of the step, null of the definition itself; field is the
// path inside of it, as text.

import {at, child, insert, move, put, remove, same, spell, textAt} from './json.js';

const STEPS = ['steps'];

function steps(tree) {
	return at(tree, STEPS)?.items ?? [];
}

function nameOf(step) {
	return textAt(step, ['name']);
}

function nodesOf(node) {
	return node?.kind === 'object' ? node.members : [];
}

// The fields that differ, each with its path; objects are gone into.
function* fields(a, b, path = [], skip = []) {
	const keys = new Set([...nodesOf(b), ...nodesOf(a)].map(({key}) => key));

	for (const key of keys) {
		const [before, after] = [child(a, key), child(b, key)];

		if (skip.includes(key) || same(before, after))
			continue;
		if (before?.kind === 'object' && after?.kind === 'object')
			yield* fields(before, after, [...path, key]);
		else
			yield {path: [...path, key], before, after};
	}
}

// Which step of a became which of b: by name, else by place.
function pairs(a, b) {
	const [before, after] = [steps(a), steps(b)];
	const found = new Map();

	after.forEach((step, i) => {
		const old = before.findIndex(one => nameOf(one) === nameOf(step));

		if (old >= 0 && ![...found.values()].includes(old))
			found.set(i, old);
	});
	after.forEach((step, i) => {
		if (!found.has(i) && before[i] && ![...found.values()].includes(i) &&
			textAt(step, ['action']) === textAt(before[i], ['action']))
			found.set(i, i);
	});
	return found;
}

// The members of the longest ascending part stay; the others were moved.
function moved(places) {
	const length = [];
	const previous = [];
	let best = -1;

	places.forEach((place, i) => {
		length[i] = 1;
		previous[i] = -1;
		for (let j = 0; j < i; j++) {
			if (places[j] < place && length[j] + 1 > length[i]) {
				length[i] = length[j] + 1;
				previous[i] = j;
			}
		}
		if (best < 0 || length[i] > length[best])
			best = i;
	});

	const stay = new Set();

	for (let i = best; i >= 0; i = previous[i])
		stay.add(i);
	return places.map((place, i) => i).filter(i => !stay.has(i));
}

export function changes(a, b) {
	const all = [];
	const found = pairs(a, b);
	const [before, after] = [steps(a), steps(b)];

	for (const {path, before: old, after: now} of fields(a, b, [], STEPS))
		all.push({kind: 'changed', step: null, path, field: spell(path), before: old, after: now});
	before.forEach((step, i) => {
		if (![...found.values()].includes(i))
			all.push({kind: 'removed', step: nameOf(step), old: nameOf(step), before: step});
	});
	after.forEach((step, i) => {
		const old = before[found.get(i)];

		if (!old) {
			all.push({kind: 'added', step: nameOf(step), after: step, index: i});
			return;
		}
		for (const field of fields(old, step))
			all.push({kind: 'changed', step: nameOf(step), old: nameOf(old), field: spell(field.path), ...field, whole: step});
	});

	const common = after.map((step, i) => i).filter(i => found.has(i));

	for (const i of moved(common.map(one => found.get(one))))
		all.push({kind: 'moved', step: nameOf(after[common[i]]), old: nameOf(before[found.get(common[i])]), index: common[i]});
	return all;
}

function indexOf(tree, name) {
	return steps(tree).findIndex(step => nameOf(step) === name);
}

// Where a step of mine belongs in the tree: after the nearest of its predecessors.
function placeIn(tree, mine, index) {
	for (let i = index - 1; i >= 0; i--) {
		const place = indexOf(tree, nameOf(steps(mine)[i]));

		if (place >= 0)
			return place + 1;
	}
	return 0;
}

// How a change is made, whatever is there.
function doing(change, mine) {
	const {kind, path, after, index} = change;
	const name = change.old ?? change.step;

	switch (kind) {
		case 'removed':
			return tree => remove(tree, [...STEPS, indexOf(tree, name)]);
		case 'added':
			return tree => {
				const here = indexOf(tree, change.step);

				return here >= 0 ? put(tree, [...STEPS, here], after)
					: insert(tree, STEPS, placeIn(tree, mine, index), after);
			};
		case 'moved':
			return tree => {
				const from = [change.old, change.step].map(one => indexOf(tree, one)).find(i => i >= 0);

				if (from === undefined)
					return tree;

				const to = placeIn(tree, mine, index);

				return move(tree, STEPS, from, to > from ? to - 1 : to);
			};
		default:
			return tree => {
				const here = [name, change.step].map(one => indexOf(tree, one)).find(i => i >= 0);
				const whole = change.step === null ? path : [...STEPS, here, ...path];

				if (change.step !== null && here === undefined)
					return insert(tree, STEPS, steps(tree).length, change.whole);
				return after ? put(tree, whole, after) : remove(tree, whole);
			};
	}
}

// What the others have there, or undefined: nothing.
function theirsOf(change, theirs) {
	if (change.step === null)
		return at(theirs, change.path);

	const step = steps(theirs)[indexOf(theirs, change.old ?? change.step)];

	return change.kind === 'changed' ? step && at(step, change.path) : step;
}

// Puts what changed from base to mine on theirs.  What only one of the two has changed
// is made at once; of the rest, which is returned as conflicts {change, theirs, make},
// the person decides: make(tree) is mine.
export function merge(base, mine, theirs) {
	const conflicts = [];
	let tree = theirs;

	for (const change of changes(base, mine)) {
		const make = doing(change, mine);
		const there = theirsOf(change, theirs);
		const gone = change.kind === 'changed' && change.step !== null && indexOf(theirs, change.old) < 0;

		if (change.kind === 'removed' && !there)
			continue;
		if (!gone && change.kind !== 'moved' && same(there, change.after))
			continue;
		if (change.kind === 'moved' || (!gone && same(there, change.before)))
			tree = make(tree);
		else
			conflicts.push({change, theirs: there, gone, make});
	}
	return {tree, conflicts};
}
