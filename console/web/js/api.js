// Calls of the API (console/README.md).  An error is an ApiError; when the session
// has ended, the sign-in dialog opens over the page.

import {heard} from './idle.js';
import {token, ended, follow} from './session.js';

export class ApiError extends Error {
	constructor(status, error) {
		super(error.message);
		Object.assign(this, {status, code: error.code, sqlstate: error.sqlstate,
			detail: error.detail, hint: error.hint});
	}
}

// What has these codes has not come from a server that works: it is worth trying again.
export const DOWN = ['unavailable', 'unreachable', 'too_many_connections', 'timeout'];

// Was something done, though the answer does not say so?  The answer was lost, or the
// connection to the database was while it was under way.
export function isUnknown(error) {
	return ['unreachable', 'lost'].includes(error?.code);
}

// What a proxy says by itself has no code: the console is behind it and does not answer,
// or the proxy takes less than the console would.
const OF_PROXY = {413: 'too_large', 502: 'unreachable', 503: 'unreachable', 504: 'unreachable'};

function draw() {
	const bytes = crypto.getRandomValues(new Uint8Array(8));

	return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

const tab = draw();

// What the network brings, or that it has brought nothing whole.
async function arrival(promise) {
	try {
		return await promise;
	} catch (error) {
		if (error.name === 'AbortError')
			throw error;
		throw new ApiError(0, {code: 'unreachable', message: String(error.message)});
	}
}

async function send(path, {method, headers, body, signal}) {
	const response = await arrival(fetch(path, {method, headers, body, signal, cache: 'no-store'}));

	if (response.ok)
		return response;

	const answer = await response.json().catch(() => null);

	throw new ApiError(response.status, answer?.error ??
		{code: OF_PROXY[response.status] ?? 'internal', message: `HTTP ${response.status}`});
}

// How many requests this tab has sent.
let sent = 0;

// What is asked now.
const asked = new Set();

async function request(method, path, {body, secret, slot, poll, signal} = {}) {
	const headers = {'X-WF-Tab': tab};

	// one may overtake another: the newest counts, whichever arrives last
	if (slot)
		Object.assign(headers, {'X-WF-Slot': slot, 'X-WF-Order': String(++sent)});
	if (poll)
		headers['X-WF-Poll'] = '1';
	if (method === 'POST')
		headers['Content-Type'] = secret ? 'application/x-wf-login' : 'application/json';
	// a poll waits for its turn: of a busy session it would be refused
	while (poll && asked.size > 0)
		await Promise.allSettled(asked);
	follow();

	const mine = token.value;

	// of a session that another tab has ended, nothing is asked
	if (mine === null)
		throw new ApiError(401, {code: 'no_session', message: ''});
	headers['X-WF-Token'] = mine;

	const answer = send('/api/' + path,
		{method, headers, signal, body: secret ?? (body && JSON.stringify(body))});

	asked.add(answer);
	try {
		const response = await answer;

		if (token.value === mine)
			heard(response.headers.get('X-WF-Idle'));
		return response;
	} catch (error) {
		follow();
		// what was asked before another tab signed in tells nothing of the session of now
		if (error.status === 401 && token.value === mine)
			ended.value = error.code;
		throw error;
	} finally {
		asked.delete(answer);
	}
}

// How far the server's clock is ahead of the browser's, in milliseconds.
let ahead = 0;

// A moment by the clock of the server, so long ago.
export function timeAgo(ms = 0) {
	return new Date(Date.now() + ahead - ms).toISOString();
}

async function json(response) {
	const answer = await arrival(response.json());

	if (answer.now)
		ahead = new Date(answer.now) - Date.now();
	return answer;
}

export async function get(path, options) {
	return json(await request('GET', path, options));
}

// The answer as it is, whose numbers keep their spelling.
export async function getText(path, options) {
	return arrival((await request('GET', path, options)).text());
}

export async function post(path, body, options) {
	return json(await request('POST', path, {...options, body}));
}

// Gives the answer to the person as a file.
export async function download(path, name, body) {
	const blob = await arrival((await request(body ? 'POST' : 'GET', path, {body})).blob());
	const link = document.createElement('a');

	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export async function login(role, password) {
	const response = await send('/api/login', {
		method: 'POST',
		headers: {'Content-Type': 'application/x-wf-login'},
		body: role + '\n' + password,
	});

	return arrival(response.json());
}

// {changed, ended}: how many other sessions of the role it has ended.
export async function changePassword(old, password) {
	return json(await request('POST', 'password', {secret: old + '\n' + password}));
}

// What a mail becomes; frame is the id by which a frame may ask for its HTML, once.
export async function previewMail(body, options) {
	const response = await request('POST', 'templates/preview', {...options, body});

	return {...await json(response), frame: response.headers.get('X-WF-Preview')};
}
