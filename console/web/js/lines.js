// What differs between two texts, line by line.  Pure.

const MOST_CELLS = 4000000;

// How long the longest common subsequence of a from i and b from j is, for each i and j.
function lengths(a, b) {
	const width = b.length + 1;
	const table = new Uint32Array((a.length + 1) * width);

	for (let i = a.length - 1; i >= 0; i--) {
		for (let j = b.length - 1; j >= 0; j--)
			table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1
				: Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
	}
	return (i, j) => table[i * width + j];
}

// The middle, where something differs.
function differing(a, b) {
	if (a.length * b.length > MOST_CELLS)
		return [...a.map(text => ({sign: '-', text})), ...b.map(text => ({sign: '+', text}))];

	const length = lengths(a, b);
	const all = [];
	let [i, j] = [0, 0];

	while (i < a.length || j < b.length) {
		if (i < a.length && j < b.length && a[i] === b[j]) {
			all.push({sign: ' ', text: a[i++]});
			j++;
		} else if (j === b.length || (i < a.length && length(i + 1, j) >= length(i, j + 1)))
			all.push({sign: '-', text: a[i++]});
		else
			all.push({sign: '+', text: b[j++]});
	}
	return all;
}

// [{sign, text}]: sign is ' ', '-' (only in before) or '+' (only in after).
export function compareLines(before, after) {
	const [a, b] = [before.split('\n'), after.split('\n')];
	let start = 0;
	let end = 0;

	while (start < Math.min(a.length, b.length) && a[start] === b[start])
		start++;
	while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end])
		end++;

	const same = text => ({sign: ' ', text});

	return [...a.slice(0, start).map(same), ...differing(a.slice(start, a.length - end), b.slice(start, b.length - end)),
		...a.slice(a.length - end).map(same)];
}
