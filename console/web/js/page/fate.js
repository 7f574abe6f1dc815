// What is not known of an attempt that failed.  Its words are those of the engine.

// 'unknown': the answer to its request was lost; 'lost': its worker ended before it did, or
// because of it; null: it is known.
export function fateOf(error) {
	if (/^delivery unknown/.test(error ?? ''))
		return 'unknown';
	return /^its worker ended|so its worker was ended$/.test(error ?? '') ? 'lost' : null;
}
