// The frame around the pages: product, search, tenant, language, theme, role; and
// the sign-in dialog over a page whose session has ended.

import {html, render, useEffect, useRef, useState} from '../vendor/ui.js';
import {t, language, offer, tenantLabel} from './i18n.js';
import {route, go, address, change} from './router.js';
import {get, post} from './api.js';
import {help, isTaken, keysOn} from './keys.js';
import {token, me, ended, generation, forget} from './session.js';
import {later} from './later.js';
import {dropOthers} from './editor/draft.js';
import './theme.js';
import {SignIn, SignInAgain} from './page/login.js';
import {Overview} from './page/overview.js';
import {Language, Theme} from './ui/choices.js';
import {Idle, useIdle} from './ui/idle.js';
import {Toasts} from './ui/toast.js';
import {Problem} from './ui/parts.js';
import {TenantChoice} from './ui/tenant.js';

const Runs = later(async () => (await import('./page/runs.js')).Runs);
const Run = later(async () => (await import('./page/run.js')).Run);
const Failures = later(async () => (await import('./page/failures.js')).Failures);
const Workflows = later(async () => (await import('./page/workflows.js')).Workflows);
const Workflow = later(async () => (await import('./page/workflow.js')).Workflow);
const Editor = later(async () => (await import('./page/editor.js')).Editor);
const Settings = later(async () => (await import('./page/settings.js')).Settings);
const Help = later(async () => (await import('./page/help.js')).Help);
const Password = later(async () => (await import('./page/password.js')).Password);

const PAGES = [
	{path: '/', key: 'nav.overview', icon: '◉', page: Overview},
	{path: '/runs', key: 'nav.runs', icon: '☰', page: Runs},
	{path: '/failures', key: 'nav.failures', icon: '✕', page: Failures},
	{path: '/workflows', key: 'nav.workflows', icon: '⇶', page: Workflows},
	{path: '/settings', key: 'nav.settings', icon: '⚙', page: Settings, inner: true},
];

// The page of an address; inner: it has pages of its own below its address.
function pageOf(path) {
	return PAGES.find(one => one.path === path || (one.inner && path.startsWith(one.path + '/')));
}

function page(path) {
	const run = path.match(/^\/runs\/([0-9a-f-]{36})$/);

	if (run)
		return html`<${Run} id=${run[1]} key=${run[1]}/>`;

	const workflow = path.match(/^\/workflows\/([0-9a-f-]{36})$/);

	if (workflow)
		return html`<${Workflow} id=${workflow[1]} key=${workflow[1]}/>`;

	const editor = path.match(/^\/workflows\/(?:(new)|([0-9a-f-]{36})\/edit)$/);

	if (editor)
		return html`<${Editor} id=${editor[1] ?? editor[2]} key=${path}/>`;

	const known = pageOf(path);

	return known ? html`<${known.page} path=${path}/>` : html`<p>${t('page.unknown')}</p>`;
}

function Search() {
	const {params} = route.value;
	const input = useRef(null);

	useEffect(() => {
		const focus = event => {
			if (keysOn.value && (event.key === '/' || (event.code === 'Slash' && !event.shiftKey)) && !isTaken(event)) {
				event.preventDefault();
				input.current.focus();
			}
		};

		addEventListener('keydown', focus);
		return () => removeEventListener('keydown', focus);
	}, []);

	function submit(event) {
		event.preventDefault();
		go('/runs', {...(route.value.path === '/runs' ? params : {}), before: '',
			q: input.current.value.trim(), tenant: params.tenant});
	}

	return html`<form class="search" role="search" onSubmit=${submit}>
		<input ref=${input} type="search" name="q" dir="auto" aria-label=${t('search')} placeholder=${t('search.example')}
			defaultValue=${params.q ?? ''} key=${params.q ?? ''}/>
		<button type="submit">${t('search')}</button>
	</form>`;
}

function Tenant() {
	const {bound, tenants, more_tenants: many} = me.value;

	if (bound !== 'all' || (tenants.length < 2 && !many))
		return null;
	return html`<${TenantChoice} kind="tenant" name="shown-tenant" label=${html`<span class="hidden">${t('tenant')}</span>`} none=${t('tenant.all')}
		value=${route.value.params.tenant} onChoose=${id => change({tenant: id ?? '', before: '', after: ''})}/>`;
}

async function signOut() {
	try {
		await post('logout', {});
	} catch {
		// The session may have ended by itself; what is kept here goes anyway.
	}
	forget();
}

function Frame() {
	const {path, params} = route.value;
	const [menu, showMenu] = useState(false);
	const [password, showPassword] = useState(false);

	useEffect(() => showMenu(false), [path]);
	useEffect(() => {
		const current = pageOf(path);

		document.title = `${current ? t(current.key) : t(path.startsWith('/workflows/') ? 'workflow' : 'run')} · workflow_engine`;
	}, [path, language.value]);

	return html`
		<a class="skip" href="#main" onClick=${event => {
			event.preventDefault();
			document.querySelector('main').focus();
		}}>${t('skip')}</a>
		<header class="top">
			<a class="product" href=${address('/', {tenant: params.tenant})}>workflow_engine</a>
			<${Search}/>
			<button type="button" class="menu" aria-expanded=${String(menu)} aria-controls="who" onClick=${() => showMenu(!menu)}>☰<span class="hidden"> ${t('menu')}</span></button>
			<div class=${menu ? 'who open' : 'who'} id="who">
				<${Tenant}/><${Language}/><${Theme}/>
				<button type="button" class="quiet" onClick=${() => { help.value = true; }} aria-label=${t('help')}>?</button>
				<button type="button" class="quiet role" title=${t('password')} onClick=${() => showPassword(true)}><bdi>${me.value.role}</bdi><span class="hidden"> ${t('password')}</span></button>
				<button type="button" class="quiet" onClick=${signOut}>${t('signout')}</button>
			</div>
		</header>
		<nav aria-label=${t('nav')}>
			${PAGES.map(one => html`<a href=${address(one.path, {tenant: params.tenant})}
				aria-current=${one === pageOf(path) ? 'page' : null}><span aria-hidden="true">${one.icon}</span> ${t(one.key)}</a>`)}
		</nav>
		<main tabIndex="-1">
			${me.value.standby && html`<p class="banner">${t('standby')}</p>`}
			${page(path)}
		</main>
		${help.value && html`<${Help} onClose=${() => { help.value = false; }}/>`}
		${password && html`<${Password} onClose=${() => showPassword(false)}/>`}`;
}

// A standby changes nothing, whatever the role may.
function signedInAs(answer) {
	const {view} = answer.capabilities;

	dropOthers(answer.role);
	tenantLabel.value = answer.tenant_label;
	offer(answer.languages);
	me.value = answer.standby ? {...answer, capabilities: {view, operate: false, admin: false, fire: false}} : answer;
}

function Session() {
	const [error, fail] = useState(null);

	useEffect(() => {
		fail(null);
		get('me').then(signedInAs, fail);
	}, [generation.value]);
	// a standby may become the server
	useEffect(() => {
		const timer = me.value?.standby && setInterval(() => document.visibilityState === 'visible' &&
			get('me', {poll: true, slot: 'me'}).then(signedInAs, () => {}), 15000);

		return () => clearInterval(timer);
	}, [me.value?.standby]);

	if (me.value)
		return html`<${Frame}/>`;
	// Of a session that is over nothing is on the screen: a whole page then.
	if (error?.status === 401)
		return html`<${SignIn} reason=${error.code}/>`;
	return error ? html`<${Problem} error=${error} retry=${() => { generation.value += 1; }}/>`
		: html`<p class="loading" role="status">${t('loading')}</p>`;
}

function App() {
	useIdle();
	return html`
		${token.value ? html`<${Session}/><${Idle}/>` : html`<${SignIn}/>`}
		${token.value && me.value && ended.value && html`<${SignInAgain} reason=${ended.value}/>`}
		<${Toasts}/>`;
}

render(html`<${App}/>`, document.getElementById('app'));
