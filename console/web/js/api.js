// Calls of the API (console/README.md).  An error is an ApiError; when the session
// has ended, the sign-in dialog opens over the page.

import {token, ended, follow} from './session.js';

export class ApiError extends Error {
	constructor(status, error) {
		super(error.message);
		Object.assign(this, {status, code: error.code, sqlstate: error.sqlstate,
			detail: error.detail, hint: error.hint});
	}
}

function draw() {
	const bytes = crypto.getRandomValues(new Uint8Array(8));

	return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

const tab = draw();

async function send(path, {method, headers, body, signal}) {
	let response;

	try {
		response = await fetch(path, {method, headers, body, signal, cache: 'no-store'});
	} catch (error) {
		if (error.name === 'AbortError')
			throw error;
		throw new ApiError(0, {code: 'unreachable', message: String(error.message)});
	}
	if (response.ok)
		return response;

	const answer = await response.json().catch(() => null);

	throw new ApiError(response.status, answer?.error ??
		{code: 'internal', message: `HTTP ${response.status}`});
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
		return await answer;
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
	const answer = await response.json();

	if (answer.now)
		ahead = new Date(answer.now) - Date.now();
	return answer;
}

export async function get(path, options) {
	return json(await request('GET', path, options));
}

// The answer as it is, whose numbers keep their spelling.
export async function getText(path, options) {
	return (await request('GET', path, options)).text();
}

export async function post(path, body, options) {
	return json(await request('POST', path, {...options, body}));
}

// Gives the answer to the person as a file.
export async function download(path, name, body) {
	const blob = await (await request(body ? 'POST' : 'GET', path, {body})).blob();
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

	return response.json();
}

// {changed, ended}: how many other sessions of the role it has ended.
export async function changePassword(old, password) {
	return (await request('POST', 'password', {secret: old + '\n' + password})).json();
}

// What a mail becomes; frame is the id by which a frame may ask for its HTML, once.
export async function previewMail(body, options) {
	const response = await request('POST', 'templates/preview', {...options, body});

	return {...await response.json(), frame: response.headers.get('X-WF-Preview')};
}
