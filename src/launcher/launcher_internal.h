/*
 * launcher_internal.h
 *	  What the launcher knows of databases, for launcher*.c alone.
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
	DATABASE_UNKNOWN,			/* to be probed, or being probed */
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
extern void databases_init(void);

/*
 * Brings the list up to date with pg_database and the settings, in a
 * transaction of its own.
 */
extern void databases_read(void);

/* Those of which CREATE EXTENSION told are unknown again. */
extern void databases_take_checks(void);

extern Database *database_find(Oid oid);

/* All of them, longest without a worker first; in the current context. */
extern List *databases_by_need(void);

/* How many workers it should have now. */
extern int	database_target(const Database *database);

/*--- who works where (launcher_workers.c) ---*/

/* What the launcher remembers of the worker that it started in a slot. */
typedef struct LaunchedWorker
{
	BackgroundWorkerHandle *handle; /* in TopMemoryContext */
	int			check_requests; /* of its database when it was started */
	bool		claimed;		/* it has been seen how it ended */
} LaunchedWorker;

/* Starting or live, and not asked to leave. */
extern bool worker_is_active(const LauncherSlot *slot);

/*
 * Asks surplus workers to leave and starts missing ones, all databases in
 * the order of the list.  slots and the databases' counts are up to date,
 * and are kept so.
 */
extern void launch_workers(LauncherSlot *slots, LaunchedWorker *launched,
						   List *all, TimestampTz now);

#endif							/* WF_LAUNCHER_INTERNAL_H */
