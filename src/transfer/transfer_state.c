/*
 * transfer_state.c
 *	  Noting why a transfer fails.
 *
 * Runs in a worker, also below libcurl's frames: nothing here allocates or
 * raises an error.
 */
#include "postgres.h"
#include "compat.h"

#include "mb/pg_wchar.h"
#include "transfer/transfer_state.h"

/* Notes the first failure of our own; libcurl's words are then not used. */
void
transfer_fail(Transfer *t, TransferFailure failure, const char *fmt,...)
{
	va_list		args;
	int			len;

	if (t->failure != FAILURE_NONE)
		return;
	t->failure = failure;
	va_start(args, fmt);
	len = vsnprintf(t->why, sizeof(t->why), fmt, args);
	va_end(args);
	if (len >= sizeof(t->why))
		t->why[pg_mbcliplen(t->why, sizeof(t->why) - 1,
							sizeof(t->why) - 1)] = '\0';
}
