// What a mail becomes on a past event: subject, text, and the HTML in a frame that
// can do nothing.  Problems stand beside the field that has them.

import {html, useEffect, useState} from '../../vendor/ui.js';
import {t, moment} from '../i18n.js';
import {get, previewMail} from '../api.js';
import {pathsOf} from '../editor/place.js';
import {parse} from '../json.js';
import {useLoad} from '../load.js';
import {generation} from '../session.js';
import {Problem} from '../ui/parts.js';
import {Text, named, typedJson} from '../ui/value.js';

const WAIT = 400;

// The answer to the texts, asked for when nobody has typed for a moment.
export function useMail(texts, on) {
	const [state, set] = useState({data: null, error: null});

	useEffect(() => {
		const abort = new AbortController();
		const timer = setTimeout(async () => {
			try {
				set({data: await previewMail({...texts, ...on}, {slot: 'mail', signal: abort.signal}), error: null});
			} catch (error) {
				if (error.name !== 'AbortError' && error.code !== 'superseded')
					set(old => ({...old, error}));
			}
		}, WAIT);

		return () => {
			clearTimeout(timer);
			abort.abort();
		};
	}, [texts.subject, texts.body, texts.html, on.run, on.payload, on.dir, generation.value]);
	return state;
}

function treeOf(text) {
	try {
		return parse(text);
	} catch {
		return null;
	}
}

// What a template can name: of the run its event and what its steps have returned, else
// of the data that is typed.
export function usePaths(on) {
	const {data} = useLoad(options => on.run ? get('runs/' + on.run, options) : Promise.resolve(null), [on.run]);
	const run = on.run && data?.run;

	return () => pathsOf(treeOf(run ? run.payload?.text : on.payload), run ? run.steps.filter(step => step.output)
		.map(step => ({name: step.step_name, tree: treeOf(step.output.text)})) : []);
}

export function Problems({problems, part, id}) {
	const mine = problems.filter(one => one.path === part);

	return html`<div id=${id} aria-live="polite">${mine.map(one => html`<p class=${one.severity === 'error' ? 'step-error' : 'note'}>
		${one.pos && html`<span class="dim">${t('mail.at', {n: one.pos})}</span> `}<${Text} text=${one.message}/>
		${one.hint && html` <span class="dim"><${Text} text=${one.hint}/></span>`}</p>`)}</div>`;
}

// On which event: one of the newest runs that use the template, or data that is typed.
export function Event({runs, on, choose}) {
	return html`<label>${t('mail.event')}<select name="run" value=${on.run ?? ''} onChange=${event => choose(event.target.value
			? {run: event.target.value} : {payload: '{}'})}>
			${runs.map(run => html`<option value=${run.run_id}>${named(run.title || run.workflow_name)} · ${moment(run.queued_at)}</option>`)}
			<option value="">${t('mail.typed')}</option>
		</select></label>
		${on.payload !== undefined && html`<label>${t('run.payload')}<textarea name="payload" class="code" dir="ltr" rows="5" spellcheck="false" value=${on.payload}
			onInput=${event => choose({payload: typedJson(event.target)})}></textarea></label>`}`;
}

// The two texts of a mail: one of them is shown, as wide as a phone or as there is
// room, from right to left if somebody wants to see that.
export function Mail({state, rtl, setRtl}) {
	const [phone, setPhone] = useState(false);
	const [chosen, choose] = useState('html');
	const {data, error} = state;

	if (error && !data)
		return html`<${Problem} error=${error}/>`;
	if (!data)
		return html`<p class="loading" role="status">${t('loading')}</p>`;

	const parts = ['html', 'body'].filter(part => part === 'html' ? data.html : data.body !== null);
	const shown = parts.includes(chosen) ? chosen : parts[0];
	const [dir, width] = [rtl ? 'rtl' : 'auto', phone ? ' phone' : ''];

	// the frame stays, since what is in it can be asked for once
	return html`
		${error && html`<${Problem} error=${error}/>`}
		<dl class="facts"><dt>${t('mail.subject')}</dt><dd class="mail-subject" dir=${dir}><${Text} text=${data.subject ?? '–'}/></dd></dl>
		${parts.length > 0 && html`<div class="views" role="group" aria-label=${t('mail.shown')}>${parts.map(part => html`<button type="button" aria-pressed=${String(part === shown)}
			onClick=${() => choose(part)}>${t('mail.' + part)}</button>`)}</div>
			<label class="choice"><input type="checkbox" name="phone" checked=${phone} onChange=${event => setPhone(event.target.checked)}/> ${t('mail.phone')}</label>
			<label class="choice"><input type="checkbox" name="rtl" checked=${rtl} onChange=${event => setRtl(event.target.checked)}/> ${t('mail.rtl')}</label>`}
		${shown === 'body' && html`<pre class=${'mail-text' + width} dir=${dir} tabIndex="0"><${Text} text=${data.body}/></pre>`}
		${data.frame && html`<iframe sandbox="" hidden=${shown !== 'html'} class=${'mail-html' + width} key=${data.frame} src=${'/api/preview/' + data.frame} title=${t('mail.html')}></iframe>`}
		${shown === 'html' && !data.frame && html`<p class="note">${t('mail.too_large')}</p>`}
		<p class="dim">${t('mail.not_sent')}</p>`;
}
