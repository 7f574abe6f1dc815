// The definition as JSON, with the numbers of its lines; those with a problem are marked.

import {html, useLayoutEffect, useRef} from '../../vendor/ui.js';
import {t} from '../i18n.js';
import {JsonError, lineOf, locate, parse} from '../json.js';
import {useCompletion} from './complete.js';
import {typedJson} from '../ui/value.js';
import {caretIn} from './place.js';

export function positionsOf(json, problems) {
	try {
		const tree = parse(json);

		return problems.map(problem => ({problem, node: locate(tree, problem.path).node}));
	} catch (error) {
		if (error instanceof JsonError)
			return [];
		throw error;
	}
}

export function Code({editor, json, type}) {
	const lines = json.split('\n').length;
	const marked = new Map(positionsOf(json, editor.problems).map(({problem, node}) => [lineOf(json, node.start), problem.severity]));

	const element = useRef(null);
	const box = useRef(null);
	const completion = useCompletion({element, kind: 'json', change: type, multiline: true,
		paths: (caret, text) => editor.pathsFor(caretIn(text, caret)?.path ?? [])});

	// the list stands under the line of the caret
	useLayoutEffect(() => box.current.style.setProperty('--line-of-caret', completion.line ?? 0), [completion.line]);
	const broken = editor.broken ?? editor.held;

	if (broken)
		marked.set(broken.line, 'error');
	return html`<div class="json-lines" dir="ltr" ref=${box}>
		<div class="lines" aria-hidden="true">${Array.from({length: lines}, (none, i) => html`<span class=${marked.get(i + 1) ?? ''}>${i + 1}</span>`)}</div>
		<textarea id="code" class="json" wrap="off" spellcheck=${false} autocapitalize="none" aria-label=${t('editor.json')} aria-invalid=${broken ? 'true' : null}
			aria-describedby="checked" rows=${lines} value=${json} ref=${element} ...${completion.ties}
			onInput=${event => { type(typedJson(event.target)); completion.look(); }}></textarea>
		${completion.popup}
	</div>`;
}
