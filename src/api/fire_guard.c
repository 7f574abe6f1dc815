/*
 * fire_guard.c
 *	  Work whose errors must not end the statement that fires.
 *
 * Runs in the backend that changes the table.  To catch an error that leaves
 * nothing but memory to be freed costs next to nothing; a subtransaction,
 * which undoes anything, costs a microsecond.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "api/fire_guard.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/*
 * Is what was worked on to blame?  Without a subtransaction only errors that
 * bad values raise are known to leave nothing.
 */
static bool
may_be_caught(int sqlstate, bool in_subtransaction)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	if (in_subtransaction)
		return category != ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK) &&
			sqlstate != ERRCODE_DATA_CORRUPTED;
	return category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

/* Ends the error that is being caught: a copy of it. */
static ErrorData *
take_error(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	return error;
}

/* The text of an error, without a full stop. */
static char *
text_of_error(const ErrorData *error)
{
	char	   *text = psprintf("%s%s%s",
								error->message ? error->message : "error",
								error->detail ? ": " : "",
								error->detail ? error->detail : "");
	size_t		len = strlen(text);

	if (len > 0 && text[len - 1] == '.')
		text[		len - 1] = '\0';
	return text;
}

/*
 * Raising resets the hold-off counts of interrupts, so they are put back.  A
 * subtransaction ends here even if the error is raised again: the server
 * would take it for a savepoint of the client's.
 */
bool
fire_guarded(void (*work) (void *arg), void *arg, bool in_subtransaction,
			 char **message)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	ErrorData  *volatile error = NULL;

	if (in_subtransaction)
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(context);
	}
	PG_TRY();
	{
		work(arg);
		if (in_subtransaction)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		error = take_error(context);
		if (in_subtransaction)
			RollbackAndReleaseCurrentSubTransaction();
		else
		{
			InterruptHoldoffCount = holdoff;
			QueryCancelHoldoffCount = cancel_holdoff;
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return true;
	if (!may_be_caught(error->sqlerrcode, in_subtransaction))
		ReThrowError(error);
	*message = text_of_error(error);
	FreeErrorData(error);
	return false;
}
