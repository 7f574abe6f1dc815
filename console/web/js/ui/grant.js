// What a role may not do, and the statement that helps: {text, sql}.  The statement is to
// be copied, so there is no mark of direction in it.

import {t} from '../i18n.js';
import {me} from '../session.js';

function identifier(name) {
	return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

// What lacks, and what to run for it.
export function needs(capability) {
	return {text: t('needs.' + capability), sql: `SELECT wf_grant('${me.value.role.replaceAll("'", "''")}', '${capability}');`};
}

// Of a workflow that works with the rights of a role that this one is no member of.
export function needsRole(role) {
	return {text: t('needs.run_as', {role}), sql: `GRANT ${identifier(role)} TO ${identifier(me.value.role)};`};
}

// What would have helped with what PostgreSQL has refused, or null.
export function lacking({code, message}) {
	const [, role] = /^permission denied to run steps as role "(.*)"$/s.exec(message) ?? [];

	if (code !== 'forbidden' || !me.value)
		return null;
	return role !== undefined ? needsRole(role) : me.value.capabilities.operate ? null : needs('operate');
}

// In one line, for what can hold nothing else: a tooltip.
export function oneLine(reason) {
	return reason?.sql ? `${reason.text} ${reason.sql}` : reason;
}
