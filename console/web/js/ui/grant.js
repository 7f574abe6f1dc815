// What a role may not do, with the statement that helps.  It is to be copied, so there is
// no mark of direction in it.

import {t} from '../i18n.js';
import {me} from '../session.js';

function identifier(name) {
	return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function grantOf(capability) {
	return `SELECT wf_grant('${me.value.role.replaceAll("'", "''")}', '${capability}');`;
}

// What lacks, and what to run for it.
export function needs(capability) {
	return `${t('needs.' + capability)} ${grantOf(capability)}`;
}

// Of a workflow that works with the rights of a role that this one is no member of.
export function needsRole(role) {
	return `${t('needs.run_as', {role})} GRANT ${identifier(role)} TO ${identifier(me.value.role)};`;
}
