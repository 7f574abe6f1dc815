// What was changed and not saved, kept in the tab by workflow and version until it is
// saved, thrown away, or its owner signs out.

function key(id, version) {
	return `wf-draft:${id}:${version}`;
}

export function readDraft(id, version) {
	try {
		return JSON.parse(sessionStorage.getItem(key(id, version)));
	} catch {
		return null;
	}
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
