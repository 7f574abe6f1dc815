/*
 * launcher_internal.h
 *	  What the files of the launcher share.
 *
 * launcher.c				the process, its rounds, workers that have ended
 * launcher_databases.c		what it knows of databases
 * launcher_workers.c		which workers to dismiss and to start
 */
#ifndef WF_LAUNCHER_INTERNAL_H
#define WF_LAUNCHER_INTERNAL_H

#include "datatype/timestamp.h"
#include "launcher/launcher.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "shared/launcher_slot.h"

typedef enum DatabaseState
{
	DATABASE_UNKNOWN,			/* to be checked, or being checked */
	DATABASE_LACKS,				/* it has no extension */
	DATABASE_HAS
} DatabaseState;

typedef struct Database
{
	Oid			oid;			/* hash key */
	char		name[NAMEDATALEN];
	DatabaseState state;
	bool		wanted;			/* exists, and workers may run in it */
	int			check_requests; /* how often CREATE EXTENSION asked */

	/* counted anew in each round */
	int			nworkers;		/* starting or live, not leaving */
	int			nleaving;
	TimestampTz last_served;	/* when it last had a worker */

	/* after workers that ended badly */
	int			failures;		/* in a row */
	TimestampTz not_before;		/* start none until then */
} Database;

/*--- the databases (launcher_databases.c) ---*/

/* Once, before all else. */
extern void launcher_databases_init(void);

/*
 * Brings the list up to date with pg_database and the settings, in a
 * transaction of its own.
 */
extern void launcher_databases_read(void);

/* Those in which CREATE EXTENSION has committed are unknown again. */
extern void launcher_databases_take_checks(void);

/* NULL: it is not known. */
extern Database *launcher_database_find(Oid oid);

/* All of them, longest without a worker first; in the current context. */
extern List *launcher_databases_by_need(void);

/* How many workers it should have now. */
extern int	launcher_database_target(const Database *database);

/*--- the workers of each database (launcher_workers.c) ---*/

/* What the launcher remembers of the worker that it started in a slot. */
typedef struct LaunchedWorker
{
	BackgroundWorkerHandle *handle; /* in TopMemoryContext */
	int			check_requests; /* of its database when it was started */
	bool		end_noted;		/* how it ended has been dealt with */
} LaunchedWorker;

/* Starting or live, and not asked to leave. */
extern bool launcher_worker_is_active(const LauncherSlot *slot);

/*
 * Asks surplus workers to leave and starts missing ones, all databases in
 * the order of the list.  slots and the databases' counts are up to date,
 * and are kept so.
 */
extern void launcher_adjust(LauncherSlot *slots, LaunchedWorker *launched,
							List *all, TimestampTz now);

#endif							/* WF_LAUNCHER_INTERNAL_H */
