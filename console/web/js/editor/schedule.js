// When a workflow fires by itself: one row for each time table, with its next times.

import {html} from '../../vendor/ui.js';
import {t, language, moment} from '../i18n.js';
import {at, child, insert, make, put, remove} from '../json.js';
import {ChoiceControl, Field, JsonControl, Simple, Unknown, idOf} from './controls.js';
import {ProblemsOf} from './problems.js';

const KEYS = ['name', 'cron', 'time_zone', 'catch_up', 'payload'];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const FIRST = () => make({cron: '0 8 * * mon-fri', time_zone: HERE});

// A moment on the clocks of that zone, if the browser knows it.
function clock(iso, zone) {
	try {
		return new Intl.DateTimeFormat(`${language.value}-u-nu-latn-ca-gregory`, {weekday: 'long', year: 'numeric', month: 'long', day: 'numeric',
			hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone}).format(new Date(iso));
	} catch {
		return moment(iso);
	}
}

function Times({times, zone}) {
	return html`<div class="schedule-times"><p>${t('schedule.times.in', {zone})}</p>
		${times.length === 0 ? html`<p class="note">${t('schedule.never')}</p>`
			: html`<ol class="plain">${times.map(one => html`<li><time dateTime=${one} title=${one}>${clock(one, zone)}</time></li>`)}</ol>`}</div>`;
}

function One({editor, path, i, onRemove}) {
	const node = at(editor.tree, path);
	const times = editor.current ? editor.times?.[i] : null;
	const unknown = node.members.map(({key}) => key).filter(key => !KEYS.includes(key));

	return html`<fieldset class="one-schedule" id=${idOf(path)} tabIndex="-1"><legend>${t('schedule')} ${i + 1}</legend>
		<${ProblemsOf} editor=${editor} path=${path}/>
		<${Simple} editor=${editor} path=${[...path, 'cron']} label=${t('field.cron')} help=${t('schedule.cron.help')} required ltr placeholder="0 8 * * mon-fri"/>
		<${Simple} editor=${editor} path=${[...path, 'time_zone']} label=${t('field.time_zone')} required ltr list="time-zones" placeholder=${HERE}/>
		${times && html`<${Times} times=${times} zone=${child(node, 'time_zone')?.value}/>`}
		<${Field} editor=${editor} path=${[...path, 'catch_up']} label=${t('field.catch_up')}>${ties =>
			html`<${ChoiceControl} editor=${editor} path=${[...path, 'catch_up']} none=${t('schedule.catch_up.last')} options=${['none', 'all'].map(one => [one, t('schedule.catch_up.' + one)])} ...${ties}/>`}</${Field}>
		<details open=${Boolean(child(node, 'name') ?? child(node, 'payload'))}><summary>${t('editor.more', {n: 2})}</summary>
			<${Simple} editor=${editor} path=${[...path, 'name']} label=${t('field.schedule_name')} help=${t('schedule.name.help')}/>
			<${Field} editor=${editor} path=${[...path, 'payload']} label=${t('sample.pasted')} help=${t('schedule.payload.help')} deep>${ties =>
				html`<${JsonControl} editor=${editor} path=${[...path, 'payload']} ...${ties}/>`}</${Field}></details>
		${unknown.map(name => html`<${Unknown} key=${name} editor=${editor} path=${[...path, name]} name=${name}/>`)}
		<p class="small-actions"><button type="button" class="quiet" onClick=${onRemove}>${t('editor.remove', {what: `${t('schedule')} ${i + 1}`})}</button></p>
	</fieldset>`;
}

export function ScheduleControl({editor}) {
	const path = ['schedule'];
	const node = at(editor.tree, path);
	const several = node?.kind === 'array';
	const count = several ? node.items.length : node ? 1 : 0;

	function add() {
		editor.edit(tree => several ? insert(tree, path, count, FIRST()) : put(tree, path, node ? {kind: 'array', items: [node, FIRST()]} : FIRST()));
		editor.focus(node ? [...path, count, 'cron'] : [...path, 'cron']);
	}

	if (node && !several && node.kind !== 'object' || several && node.items.some(one => one.kind !== 'object'))
		return html`<${Unknown} editor=${editor} path=${path} name=${t('field.schedule')}/>`;
	return html`<section class="schedules" aria-label=${t('field.schedule')}><h2 id=${several || !node ? idOf(path) : null} tabIndex="-1">${t('field.schedule')}</h2>
		${count > 0 && 'supportedValuesOf' in Intl && html`<datalist id="time-zones">${Intl.supportedValuesOf('timeZone').map(zone => html`<option value=${zone}/>`)}</datalist>`}
		${several && html`<${ProblemsOf} editor=${editor} path=${path}/>`}
		${Array.from({length: count}, (none, i) => html`<${One} key=${`${i} ${count}`} editor=${editor} i=${i} path=${several ? [...path, i] : path}
			onRemove=${() => { editor.edit(tree => remove(tree, several ? [...path, i] : path, 1)); editor.focus(path); }}/>`)}
		<p><button type="button" onClick=${add}>+ ${t('schedule.add')}</button></p></section>`;
}
