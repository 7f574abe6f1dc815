// Completion while somebody types: a list under the text, which the arrows go through,
// Enter or Tab take from, and Escape closes (a combobox of ARIA 1.2; of a text of several
// lines its list).

import {html, useEffect, useRef, useState} from '../../vendor/ui.js';
import {t, language} from '../i18n.js';
import {brief} from '../page/condition.js';
import {Text} from '../ui/value.js';
import {suggest} from './place.js';

let count = 0;

function Option({item, id, active, onChoose}) {
	const {node, filter, help} = item;

	return html`<li role="option" id=${id} aria-selected=${String(active)} onMouseDown=${event => event.preventDefault()} onClick=${onChoose}>
		<span dir="ltr">${item.label}</span>
		${filter ? html` <span class="dim">${filter[language.value]}</span>`
			: node ? html` <span class="dim"><${Text} text=${brief(node).slice(0, 40)}/></span> <span class="kind">${t('editor.kind.' + node.kind)}</span>`
				: help && html` <span class="dim">${t(help)}</span>`}</li>`;
}

// element: a ref of the input or textarea.  paths(caret, text) gives what suggest() takes;
// change(text) is told what a choice has made.  Gives ties for the element, look() to be
// called after its input, the list, and of its place the line that the caret is in.
export function useCompletion({element, kind, paths, change, multiline}) {
	const [state, set] = useState(null);
	const [id] = useState(() => `complete-${++count}`);
	const list = useRef(null);
	const option = i => `${id}-${i}`;

	useEffect(() => {
		list.current?.querySelector('[aria-selected=true]').scrollIntoView({block: 'nearest'});
		list.current?.scrollIntoView({block: 'nearest'});
	}, [state]);

	function look() {
		const {value, selectionStart, selectionEnd} = element.current;
		const found = selectionStart === selectionEnd ? suggest(value, selectionStart, paths(selectionStart, value), kind) : null;

		set(found && {...found, active: 0, line: value.slice(0, selectionStart).split('\n').length});
	}

	function choose({text, caret}) {
		const input = element.current;

		input.setRangeText(text, state.from, state.to, 'end');
		input.setSelectionRange(state.from + caret, state.from + caret);
		set(null);
		change(input.value);
	}

	function keys(event) {
		const step = {ArrowDown: 1, ArrowUp: -1}[event.key];

		if (event.isComposing)
			return;
		if (!state) {
			if (!(event.ctrlKey && event.code === 'Space') && !(event.altKey && event.key === 'ArrowDown'))
				return;
			look();
		} else if (step)
			set({...state, active: (state.active + step + state.items.length) % state.items.length});
		else if (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey))
			choose(state.items[state.active]);
		else if (event.key === 'Escape')
			set(null);
		else {
			if (['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key))
				set(null);
			return;
		}
		event.preventDefault();
		event.stopPropagation();
	}

	return {
		look,
		line: state?.line,
		ties: {
			'aria-autocomplete': 'list', 'aria-haspopup': 'listbox',
			// a textarea may have neither the role nor be expanded
			...multiline ? {} : {role: 'combobox', 'aria-expanded': String(Boolean(state))},
			'aria-controls': state ? id : null, 'aria-activedescendant': state ? option(state.active) : null,
			onKeyDown: keys, onBlur: () => set(null),
		},
		popup: state && html`<ul role="listbox" id=${id} ref=${list} class="completion" aria-label=${t('complete')}>${state.items.map((item, i) =>
			html`<${Option} key=${item.label} item=${item} id=${option(i)} active=${i === state.active} onChoose=${() => choose(item)}/>`)}</ul>`,
	};
}
