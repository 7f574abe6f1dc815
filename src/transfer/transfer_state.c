/*
 * transfer_state.c
 *	  Noting why a transfer fails.
 *
 * Runs in a worker, also below libcurl's frames, through which no error may
 * be raised: nothing here allocates memory or raises one.
 */
#include "postgres.h"
#include "compat.h"

#include "mb/pg_wchar.h"
#include "transfer/transfer_state.h"

void
transfer_fail(Transfer *t, TransferFailure failure, const char *fmt,...)
{
	va_list		args;
	int			len;

	if (t->failure != FAILURE_NONE)
		return;
	t->failure = failure;
	va_start(args, fmt);
	len = vsnprintf(t->failure_reason, sizeof(t->failure_reason), fmt, args);
	va_end(args);
	if (len >= sizeof(t->failure_reason))
	{
		/* it was cut, perhaps in the middle of a character */
		len = sizeof(t->failure_reason) - 1;
		t->failure_reason[pg_mbcliplen(t->failure_reason, len, len)] = '\0';
	}
}
