// One mail template: its texts beside what they become, saved unless somebody else has
// saved it meanwhile; its history, and putting an old version back.

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {route, address, go} from '../router.js';
import {get, post} from '../api.js';
import {useCompletion} from '../editor/complete.js';
import {Offers, useDrafts} from '../editor/draft.js';
import {directionOf} from '../editor/place.js';
import {useLoad} from '../load.js';
import {me} from '../session.js';
import {Dialog} from '../ui/dialog.js';
import {needs} from '../ui/grant.js';
import {Action, Loaded, Problem, When, said} from '../ui/parts.js';
import {TenantChoice} from '../ui/tenant.js';
import {toast} from '../ui/toast.js';
import {Text} from '../ui/value.js';
import {Event, Mail, Problems, useMail, usePaths} from './mail.js';
import {Buttons, Unknown, useWrite} from './repair.js';

const PARTS = ['subject', 'body', 'html'];
const EMPTY = {name: '', subject: '', body: '', html: ''};
// marks that turn the direction of what follows, and are not seen in a field
const TURNS = /[\u202a-\u202e\u2066-\u2069]/;
const ALL_TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

function textsOf(template) {
	return !template ? EMPTY : {name: template.name, subject: template.subject ?? '',
		body: template.body ?? '', html: template.html ?? ''};
}

function same(a, b) {
	return ['name', ...PARTS].every(part => a[part] === b[part]);
}

// Texts side by side: those of the other, and mine.
function Compare({mine, theirs, other}) {
	return html`<div class="compare">${['name', ...PARTS].filter(part => mine[part] !== theirs[part]).map(part => html`
		<h3>${t('mail.' + part)}</h3>
		<div><p class="dim">${other}</p><pre dir="auto"><${Text} text=${theirs[part] || '–'}/></pre></div>
		<div><p class="dim">${t('template.mine')}</p><pre dir="auto"><${Text} text=${mine[part] || '–'}/></pre></div>`)}</div>`;
}

// Somebody else has saved it: theirs is shown, and nothing is overwritten unseen.
function Conflict({id, mine, onTake, onKeep, onClose}) {
	const state = useLoad(options => get('templates/' + id, options), []);

	return html`<${Dialog} title=${t('template.conflict')} onClose=${onClose}>
		<${Loaded} state=${state}>${({template, versions}) => html`
			<p>${t('template.conflict.who', {who: versions[0]?.created_by ?? '?', version: 'v' + template.version})} <${When} at=${versions[0]?.created_at}/></p>
			<${Compare} mine=${mine} theirs=${textsOf(template)} other=${t('template.theirs')}/>
			<div class="dialog-actions">
				<button type="button" onClick=${() => onTake(template)}>${t('template.take')}</button>
				<button type="button" class="danger" onClick=${() => onKeep(template.version)}>${t('template.overwrite', {version: 'v' + (template.version + 1)})}</button>
			</div>`}</${Loaded}>
	</${Dialog}>`;
}

function Old({id, version, now, onPut, onClose}) {
	const state = useLoad(options => get(`templates/${id}/versions/${version}`, options), []);

	return html`<${Dialog} title=${t('template.version', {version: 'v' + version})} onClose=${onClose}>
		<${Loaded} state=${state}>${old => html`
			${same(textsOf(old), now) ? html`<p>${t('template.same')}</p>`
				: html`<${Compare} mine=${now} theirs=${textsOf(old)} other=${'v' + version}/>`}
			<div class="dialog-actions">
				<button type="button" onClick=${onClose}>${t('close')}</button>
				<button type="button" class="main" onClick=${() => onPut(textsOf(old))}>${t('template.put_back')}</button>
			</div>`}</${Loaded}>
	</${Dialog}>`;
}

function History({id, versions, texts, onPut}) {
	const [shown, show] = useState(null);

	return html`<details><summary>${t('template.history')}</summary>
		<ul class="plain">${versions.map(one => html`<li>v${one.version} · <${Text} text=${one.created_by}/> · <${When} at=${one.created_at}/>
			<button type="button" class="quiet" onClick=${() => show(one.version)}>${t('template.look')}<span class="hidden"> v${one.version}</span></button></li>`)}</ul>
		${shown && html`<${Old} id=${id} version=${shown} now=${texts} onClose=${() => show(null)} onPut=${old => { show(null); onPut(old); }}/>`}
	</details>`;
}

function Delete({template, onDeleted, onClose}) {
	const state = useWrite(async () => {
		await post(`templates/${template.id}/delete`, {base_version: template.version});
		onDeleted();
		toast(t('deleted'));
		go('/settings/templates', {tenant: route.value.params.tenant});
	}, onClose);

	return html`<${Dialog} title=${t('delete')} onClose=${onClose}>
		<p>${t('template.delete', {name: template.name})}</p>
		<${Buttons} state=${state} onClose=${onClose} label=${t('delete')} danger/>
	</${Dialog}>`;
}

// One text; while a template is typed in it, what the event has is offered.
function Field({part, texts, set, problems, readOnly, paths, rows}) {
	const element = useRef(null);
	const change = text => set({...texts, [part]: text});
	const completes = part !== 'name' && !readOnly;
	const completion = useCompletion({element, kind: 'template', paths, change, multiline: Boolean(rows)});
	const props = {name: part, id: 'mail-' + part, ref: element, dir: part === 'html' ? 'ltr' : directionOf(texts[part]), value: texts[part], readOnly,
		...completes && completion.ties, 'aria-describedby': 'problems-' + part, autocomplete: 'off', onInput: event => {
			change(event.target.value);
			if (completes)
				completion.look();
		}};

	return html`<div class="field"><label for=${props.id}>${t('mail.' + part)}</label>
		<div class="with-insert">${rows ? html`<textarea ...${props} rows=${rows} class=${part === 'html' ? 'code' : ''} spellcheck=${part !== 'html'}></textarea>`
			: html`<input ...${props}/>`}${completion.popup}</div>
		${TURNS.test(texts[part]) && html`<p class="note">${t('mail.turns')} <${Text} text=${texts[part].match(ALL_TURNS).join(' ')}/></p>`}
		<${Problems} problems=${problems} part=${part} id=${'problems-' + part}/></div>`;
}

function Fields(props) {
	return html`<${Field} part="name" ...${props}/><${Field} part="subject" ...${props}/>
		<${Field} part="body" rows=${10} ...${props}/><${Field} part="html" rows=${10} ...${props}/>`;
}

// The texts in the fields, and the version that they were begun on: what is saved
// meanwhile replaces only texts that nobody has changed.  whose: of a new one, its tenant.
function useTexts(template, whose, setWhose) {
	const [texts, set] = useState(() => textsOf(template));
	const [base, setBase] = useState({version: template?.version ?? 0, texts});
	const changed = !same(texts, base.texts);
	const drafts = useDrafts(`template-${template?.id ?? 'new'}`, changed ? JSON.stringify({texts, whose}) : null, base.version);

	function begin(of) {
		set(textsOf(of));
		setBase({version: of.version, texts: textsOf(of)});
	}

	useEffect(() => {
		if (template && template.version !== base.version && !changed)
			begin(template);
	}, [template?.version]);
	useEffect(() => {
		const warn = event => changed && event.preventDefault();

		addEventListener('beforeunload', warn);
		return () => removeEventListener('beforeunload', warn);
	}, [changed]);

	// It goes on from its own version, so that what was saved since is not overwritten.
	async function take(draft) {
		const {texts: written, whose: its} = JSON.parse(draft.text);

		try {
			if (template && draft.version !== base.version)
				setBase({version: draft.version, texts: textsOf(await get(`templates/${template.id}/versions/${draft.version}`))});
			set(written);
			setWhose(its);
			drafts.take(draft);
		} catch (error) {
			toast(said(error), 'error');
		}
	}

	return {texts, set, changed, version: base.version, begin, drafts, take, saved: (version, sent) => setBase({version, texts: sent})};
}

// Saving the texts; sent: what was saved last, which a second click does not save again.
function useSave({id, mine, whose, reload, onConflict}) {
	const [state, setState] = useState({busy: false, error: null, sent: null});

	async function save(base_version) {
		const {texts} = mine;

		setState({busy: true, error: null, sent: null});
		try {
			const saved = id ? await post(`templates/${id}/save`, {...texts, base_version})
				: await post('templates', {...texts, tenant: whose});

			toast(t('saved'));
			if (id) {
				mine.saved(saved.version, texts);
				setState({busy: false, error: null, sent: texts});
				reload();
			} else {
				// it stays busy, since the page of what is new comes
				mine.drafts.done();
				go('/settings/templates/' + saved.id, {tenant: route.value.params.tenant});
			}
		} catch (error) {
			setState({busy: false, error: error.code === 'changed' ? null : error, sent: null});
			if (error.code === 'changed')
				onConflict();
		}
	}

	return {...state, save};
}

function Title({id, data, version}) {
	const {template, used_by} = data;
	const {tenant} = route.value.params;

	return html`<p><a href=${address('/settings/templates', {tenant})}>${t('settings.templates')}</a></p>
		<h1>${id ? html`<${Text} text=${template.name}/>` : t('template.new')} ${id && html`<span class="dim">v${version}</span>`}</h1>
		<p class="dim">${id ? template.tenant_id ? html`<${Text} text=${template.tenant_name ?? template.tenant_id}/>` : t('tenant.all') : null}
			${used_by.length > 0 && html` · ${t('used_by')}: ${used_by.map((one, i) => html`${i > 0 ? ' · ' : ''}<a href=${address('/workflows/' + one.definition_id, {tenant})}><${Text} text=${one.workflow_name}/></a>`)}`}</p>`;
}

function Editor({data, id, reload}) {
	const {template, versions, runs} = data;
	const {operate} = me.value.capabilities;
	const [whose, setWhose] = useState(route.value.params.tenant ?? me.value.tenant ?? null);
	const mine = useTexts(template, whose, setWhose);
	const {texts, set, changed, version, drafts} = mine;
	const [on, choose] = useState(() => runs.length > 0 ? {run: runs[0].run_id} : {payload: '{}'});
	const [dialog, open] = useState(null);
	const state = useSave({id, mine, whose, reload, onConflict: () => open('conflict')});
	const [rtl, setRtl] = useState(false);
	const mail = useMail(texts, {...on, dir: rtl ? 'rtl' : undefined});
	const paths = usePaths(on);
	const problems = mail.data?.problems ?? [];
	const allowed = operate && (changed || !id) && !state.busy;
	// the second click of two does not ask why there is nothing to save
	const reason = !operate ? needs('operate') : state.busy || state.sent === texts ? '' : t('template.unchanged');

	return html`
		<${Title} id=${id} data=${data} version=${version}/>
		${operate && html`<${Offers} drafts=${drafts} onTake=${mine.take}/>`}
		<div class="editor">
			<form onSubmit=${event => { event.preventDefault(); if (allowed) state.save(version); }}>
				${!id && me.value.bound === 'all' && html`<${TenantChoice} kind="field" label=${t('tenant')} none=${t('tenant.all')} value=${whose} onChoose=${setWhose}/>`}
				<${Fields} texts=${texts} set=${set} problems=${problems} paths=${paths} readOnly=${!operate}/>
				${state.error && html`<${Problem} error=${state.error}/>`}
				<${Unknown} error=${state.error}/>
				<div class="actions">
					<${Action} kind="main" allowed=${allowed} reason=${reason}
						onClick=${() => state.save(version)}>${state.busy ? t('busy') : t('save')}</${Action}>
					${id && html`<${Action} kind="danger" allowed=${operate} reason=${needs('operate')} onClick=${() => open('delete')}>${t('delete')}…</${Action}>`}
				</div>
				${id && html`<${History} id=${id} versions=${versions} texts=${texts} onPut=${old => { set(old); toast(t('template.is_put_back')); }}/>`}
			</form>
			<section aria-label=${t('mail.preview')}><h2>${t('mail.preview')}</h2>
				<${Event} runs=${runs} on=${on} choose=${choose}/>
				<${Mail} state=${mail} rtl=${rtl} setRtl=${setRtl}/></section>
		</div>
		${dialog === 'delete' && html`<${Delete} template=${template} onDeleted=${drafts.done} onClose=${() => open(null)}/>`}
		${dialog === 'conflict' && html`<${Conflict} id=${id} mine=${texts} onClose=${() => open(null)}
			onTake=${theirs => { mine.begin(theirs); open(null); reload(); }} onKeep=${now => { open(null); state.save(now); }}/>`}`;
}

const NEW = {template: null, versions: [], runs: [], used_by: []};

export function Template({id}) {
	const isNew = id === 'new';
	const state = useLoad(options => isNew ? NEW : get('templates/' + id, options), [id]);

	return html`<${Loaded} state=${state}>${data => html`<${Editor} data=${data} id=${isNew ? null : id} reload=${state.reload}/>`}</${Loaded}>`;
}
