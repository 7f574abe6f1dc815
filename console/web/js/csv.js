// Lists as files for a spreadsheet, in the words of the page and its time zone.

import {t} from './i18n.js';
import {download} from './api.js';

// What each column is called; "at" is a time.
const COLUMNS = {
	runs: {run: 'run', workflow: 'workflow', version: 'version', tenant: 'tenant', status: 'status',
		queued_at: 'csv.queued_at', started_at: 'csv.started_at', completed_at: 'csv.completed_at',
		step: 'step', attempt: 'csv.attempt', error: 'error', id: 'csv.id'},
	failures: {workflow: 'workflow', tenant: 'tenant', step: 'step', error: 'error', count: 'csv.count',
		first: 'csv.first_at', last: 'csv.last_at', still_failing: 'csv.still_failing', newest_run: 'csv.newest_run'},
	workflows: {workflow: 'workflow', event: 'workflow.event', tenant: 'tenant', state: 'workflow.state',
		version: 'version', steps: 'workflow.steps', queued: 'run.status.queued', running: 'run.status.running',
		waiting: 'run.status.waiting', completed_1h: 'csv.completed_1h', failed_1h: 'csv.failed_1h',
		updated_at: 'csv.updated_at', updated_by: 'csv.updated_by', run_as: 'save.run_as', id: 'csv.id'},
	operations: {at: 'csv.done_at', who: 'operations.who', what: 'operations.what', workflow: 'workflow',
		tenant: 'tenant', detail: 'details', run: 'run'},
};
const WORDS = {
	runs: ['run.status.', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'],
	failures: ['editor.', 'yes', 'no'],
	workflows: ['workflow.', 'on', 'off', 'paused'],
	operations: ['operation.', 'cancel', 'retry', 'rerun', 'pause', 'resume', 'save', 'switch', 'delete',
		'connection', 'fire', 'accept place', 'discard place', 'purge'],
};
const MOST = {failures: 1000, workflows: 5000};

export function saveList(list, filter) {
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	const [prefix, ...words] = WORDS[list];

	return download(`${list}/csv`, `${list}-${new Date().toLocaleDateString('en-CA')}.csv`, {
		filter, zone,
		headings: Object.fromEntries(Object.entries(COLUMNS[list]).map(([column, key]) =>
			[column, t(key) + (key.endsWith('_at') ? ` (${zone})` : '')])),
		words: Object.fromEntries(words.map(word => [word, t(prefix + word.replace(' ', '_'))])),
		more: t('csv.more', {n: MOST[list] ?? 10000}),
	});
}
