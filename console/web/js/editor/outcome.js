// What became of a save whose answer was lost: what is saved now is read as soon as the
// console answers, and compared with what was sent.

import {useEffect} from '../../vendor/ui.js';
import {get} from '../api.js';
import {canonical, parse, print} from '../json.js';
import {generation, me} from '../session.js';

const LONGEST = 15000;
// It will not be told, however often it is asked for.
const NEVER = [403, 404];

const spelled = definition => print(canonical(parse(definition)));

function isMine(version, sent) {
	return version.saved_by === me.value.role && (version.note ?? null) === sent.note &&
		spelled(version.definition) === spelled(sent.definition);
}

// What was new is found by its name, which no other one of the tenant has.
async function find({tenant, name}, options) {
	const {workflows} = await get(`workflows?tenant=${tenant}`, options);

	return workflows.find(one => one.name === name)?.id ?? null;
}

// sent: {id, or null of a new one, with its tenant and name; base, the version that it was
// begun on; definition, note}.  {saved, if it was: {id, version}; changed: somebody else
// has saved}
export async function outcomeOf(sent, options) {
	const id = sent.id ?? await find(sent, options);
	const version = sent.base + 1;

	if (id === null)
		return {saved: null, changed: false};

	const {workflow} = await get('workflows/' + id, options);

	if (workflow.version < version)
		return {saved: null, changed: false};

	const one = workflow.version === version ? workflow : await get(`workflows/${id}/versions/${version}`, options);
	const mine = isMine(one, sent);

	return {saved: mine ? {id, version} : null, changed: !mine && sent.id !== null};
}

// Tells it of what was sent last, unless that is null.  Without a session it waits for the
// next one.
export function useOutcome(sent, tell) {
	useEffect(() => {
		if (!sent)
			return undefined;

		const abort = new AbortController();
		let wait = 1000;
		let timer;

		async function look() {
			try {
				tell(await outcomeOf(sent, {signal: abort.signal}));
			} catch (error) {
				if (abort.signal.aborted || error.status === 401)
					return;
				if (NEVER.includes(error.status)) {
					tell({saved: null, changed: false, error});
					return;
				}
				wait = Math.min(LONGEST, 2 * wait);
				timer = setTimeout(look, wait);
			}
		}

		look();
		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	}, [sent, generation.value]);
}
