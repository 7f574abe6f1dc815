/*
 * registry.c
 *	  The built-in actions by name.
 *
 * Runs in any process; constant.  A new action is a file in this folder, a
 * line here and a row in the install script.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"

static const Action *const actions[] = {
	&update_record_action,
	&insert_record_action,
	&find_record_action,
	&query_action,
	&webhook_action,
	&whatsapp_notify_action,
	&send_email_action,
	&team_notify_action,
};

const Action *
action_find(const char *name)
{
	for (int i = 0; i < lengthof(actions); i++)
		if (strcmp(actions[i]->name, name) == 0)
			return actions[i];
	return NULL;
}
