// What was changed and not saved, kept in the tab by workflow and version until it is
// saved, thrown away, or its owner signs out.

function key(id, version) {
	return `wf-draft:${id}:${version}`;
}

// The newest draft of a workflow, {text, at, version}, or null: it may have been begun
// on an older version.
export function findDraft(id) {
	const start = key(id, '');
	const drafts = Object.keys(sessionStorage).filter(one => one.startsWith(start)).map(one =>
		({...JSON.parse(sessionStorage.getItem(one)), version: Number(one.slice(start.length))}));

	return drafts.sort((a, b) => a.at < b.at ? 1 : -1)[0] ?? null;
}

export function keepDraft(id, version, text) {
	try {
		sessionStorage.setItem(key(id, version), JSON.stringify({text, at: new Date().toISOString()}));
	} catch {
		// There is no room: the page goes on without.
	}
}

export function dropDraft(id, version) {
	sessionStorage.removeItem(key(id, version));
}
