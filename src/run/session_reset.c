/*
 * session_reset.c
 *	  What a step leaves in the worker's session, and how it goes away.
 *
 * Runs in a worker, after each step that used user code.  The next step may
 * belong to another role, so nothing of this one may serve it: no prepared
 * statement, no value of currval(), no advisory lock, no connection that
 * dblink has opened, no replication origin, no seed of random().
 *
 * What can only be ended with the process is reported, and the worker ends:
 * a backup that pg_backup_start began, a connection that dblink does not
 * close, so many names of settings that they slow down each step.  What this
 * file does not know of stays: docs/security.md says so.
 *
 * Owns: which libraries have been looked at, dblink's functions, and random
 * bytes for seeds; all in static memory of the process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "replication/origin.h"
#include "run/session_reset.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define DBLINK "dblink" DLSUFFIX

/*--- dblink ---*/

/* NULL until the library has been loaded; then as long as the process. */
static PGFunction dblink_get_connections = NULL;
static PGFunction dblink_disconnect = NULL;
static bool dblink_loaded = false;

/*
 * Has a step loaded dblink?  Libraries are only ever added, so the size of
 * their list tells whether there is anything new to look at.
 */
static void
look_for_dblink(void)
{
	static Size seen = 0;
	Size		size = EstimateLibraryStateSpace();
	char	   *list;

	if (size == seen || dblink_loaded)
		return;
	seen = size;
	list = palloc0(size + 1);
	SerializeLibraryState(size, list);
	for (char *path = list; *path != '\0'; path += strlen(path) + 1)
	{
		char	   *name = strrchr(path, '/');

		if (strcmp(name ? name + 1 : path, DBLINK) != 0)
			continue;
		dblink_loaded = true;
		dblink_get_connections =
			load_external_function(path, "dblink_get_connections", false,
								   NULL);
		dblink_disconnect = load_external_function(path, "dblink_disconnect",
												   false, NULL);
	}
	pfree(list);
}

/* Calls a function of dblink with that argument, or with none. */
static Datum
call_dblink(PGFunction function, Datum *argument, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, NULL, argument ? 1 : 0, InvalidOid,
							 NULL, NULL);
	if (argument != NULL)
	{
		fcinfo->args[0].value = *argument;
		fcinfo->args[0].isnull = false;
	}
	result = function(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

static void
close_named(void)
{
	bool		isnull;
	Datum		array = call_dblink(dblink_get_connections, NULL, &isnull);
	Datum	   *names;
	int			n;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, NULL, &n);
	for (int i = 0; i < n; i++)
		(void) call_dblink(dblink_disconnect, &names[i], &isnull);
}

/*
 * The only way to see whether there is an unnamed connection is to close it:
 * 08003 is raised if there is none.
 */
static void
close_unnamed(void)
{
	bool		isnull;

	(void) call_dblink(dblink_disconnect, NULL, &isnull);
}

/* Returns the SQLSTATE of the error that work raised, or 0. */
static int
try_in_subtransaction(void (*work) (void))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int state = 0;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		work();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		state = geterrcode();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return state;
}

/* False if a connection may still be open. */
static bool
close_dblink(void)
{
	int			state;

	look_for_dblink();
	if (!dblink_loaded)
		return true;
	if (dblink_get_connections == NULL || dblink_disconnect == NULL ||
		try_in_subtransaction(close_named) != 0)
		return false;
	state = try_in_subtransaction(close_unnamed);
	return state == 0 || state == ERRCODE_CONNECTION_DOES_NOT_EXIST;
}

/*--- the rest ---*/

/*
 * After setseed(), or SET seed, the step knows what random() will return to
 * the next one.  To find out whether a step did that would take longer than to
 * seed it anew.
 */
static void
reseed(void)
{
	static uint64 bits[64];
	static int	left = 0;
	float8		seed;

	if (left == 0)
	{
		if (!pg_strong_random(bits, sizeof(bits)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random bytes")));
		left = lengthof(bits);
	}
	/* 53 bits, from -1 to 1 */
	seed = (float8) (bits[--left] >> 11) / (float8) (UINT64CONST(1) << 52) - 1;
	(void) DirectFunctionCall1(setseed, Float8GetDatum(seed));
}

/* Else it would mark the commits of later steps. */
static void
forget_replication_origin(void)
{
	if (replorigin_session_origin == InvalidRepOriginId)
		return;
	replorigin_session_reset();
	replorigin_session_origin = InvalidRepOriginId;
	replorigin_session_origin_lsn = InvalidXLogRecPtr;
	replorigin_session_origin_timestamp = 0;
}

/*
 * A setting that a step invents loses its value, but not its name.  A library
 * that a step loads has a few as well.
 */
#define MAX_NEW_SETTINGS 1000
static int	nsettings = 0;		/* before the first step */

static bool
has_many_settings(void)
{
	return compat_count_settings() - nsettings > MAX_NEW_SETTINGS;
}

void
session_reset_begin(void)
{
	nsettings = compat_count_settings();
}

bool
session_reset(void)
{
	Assert(IsTransactionState());
	DropAllPreparedStatements();
	ResetSequenceCaches();
	LockReleaseSession(USER_LOCKMETHOD);
	reseed();
	forget_replication_origin();
	return close_dblink() && get_backup_status() == SESSION_BACKUP_NONE &&
		!has_many_settings();
}
