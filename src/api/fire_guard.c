/*
 * fire_guard.c
 *	  Calls work whose errors must not end the statement that fires.
 *
 * Runs in the backend that changes the table.  Catching an error after which
 * only memory has to be freed is almost free; a subtransaction, which undoes
 * everything, costs about a microsecond.
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
 * May the error be caught: is its cause the work's input, and nothing left to
 * be undone?  Without a subtransaction that is known only of the errors that
 * bad values raise.
 */
static bool
may_be_caught(int sqlstate, bool in_subtransaction)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	if (in_subtransaction)
		return category != ERRCODE_OPERATOR_INTERVENTION &&
			category != ERRCODE_INSUFFICIENT_RESOURCES &&
			category != ERRCODE_TRANSACTION_ROLLBACK &&
			sqlstate != ERRCODE_DATA_CORRUPTED;
	return category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

/*
 * Ends the handling of the error that is being caught; returns a copy of it
 * in context, which becomes the current one.
 */
static ErrorData *
take_error(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	return error;
}

/* The message of an error and its detail, without a full stop; palloc'd. */
static char *
text_of_error(const ErrorData *error)
{
	char	   *result = psprintf("%s%s%s",
								  error->message ? error->message : "error",
								  error->detail ? ": " : "",
								  error->detail ? error->detail : "");
	size_t		len = strlen(result);

	if (len > 0 && result[len - 1] == '.')
		result[len - 1] = '\0';
	return result;
}

/*
 * Raising an error resets the hold-off counts of interrupts, so they are
 * restored.  The subtransaction ends here even if the error is raised again:
 * otherwise the server would take it for a savepoint of the client.
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
