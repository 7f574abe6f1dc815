// What is wrong with a text that has to be an object of JSON, in words.

import {t} from './i18n.js';
import {JsonError, lineOf, parse} from './json.js';

// key: what is said of other JSON.  null: nothing is wrong.
function problemOf(text, key) {
	try {
		return parse(text).kind === 'object' ? null : t(key);
	} catch (error) {
		if (!(error instanceof JsonError))
			throw error;
		return t('editor.json_broken', {line: lineOf(text, error.position)});
	}
}

export const objectProblem = text => problemOf(text, 'json.no_object');
export const eventProblem = text => problemOf(text, 'event.no_object');
