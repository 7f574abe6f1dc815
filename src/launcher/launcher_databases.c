/*
 * launcher_databases.c
 *	  What the launcher knows of the cluster's databases.
 *
 * Runs in the launcher.  Owns a table of databases, in its memory: it is
 * brought up to date with pg_database in each round, and what was learned of a
 * database stays under its oid.  README.md draws the states of a database.
 * Nothing survives the process: a new launcher checks all databases again.
 */
#include "postgres.h"
#include "compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/transaction.h"
#include "catalog/pg_database.h"
#include "config/settings.h"
#include "launcher/launcher_internal.h"
#include "shared/extension_check.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Database by oid, from one round to the next; in TopMemoryContext. */
static HTAB *databases = NULL;

void
launcher_databases_init(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Database);
	databases = hash_create("workflow_engine databases", 64, &control,
							HASH_ELEM | HASH_BLOBS);
}

Database *
launcher_database_find(Oid oid)
{
	return hash_search(databases, &oid, HASH_FIND, NULL);
}

/*
 * A template gets no worker, nor does a database whose DROP was interrupted
 * (its datconnlimit is -2).
 */
static bool
may_connect(Form_pg_database row)
{
	return row->datallowconn && !row->datistemplate && row->datconnlimit >= -1;
}

/* One row of pg_database. */
static void
note_database(Form_pg_database row)
{
	bool		found;
	Database   *database;

	if (!may_connect(row))
		return;
	database = hash_search(databases, &row->oid, HASH_ENTER, &found);
	if (!found)
	{
		memset(database, 0, sizeof(Database));
		database->oid = row->oid;
	}
	strlcpy(database->name, NameStr(row->datname), NAMEDATALEN);
	database->wanted = settings_database_wanted(database->name);
}

/*
 * Marks all as gone, before pg_database is read; forgets those that were gone
 * in the last round already and have no process any more.
 */
static void
mark_unwanted(void)
{
	HASH_SEQ_STATUS scan;
	Database   *database;

	hash_seq_init(&scan, databases);
	while ((database = hash_seq_search(&scan)) != NULL)
	{
		if (!database->wanted &&
			database->nworkers == 0 && database->nleaving == 0)
			hash_search(databases, &database->oid, HASH_REMOVE, NULL);
		else
			database->wanted = false;
	}
}

void
launcher_databases_read(void)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	MemoryContext old = CurrentMemoryContext;

	mark_unwanted();
	begin_transaction();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		note_database((Form_pg_database) GETSTRUCT(tuple));
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(old);
}

/* CREATE EXTENSION has committed there: what was learned counts no more. */
static void
check_again(Database *database)
{
	database->check_requests++;
	if (database->state == DATABASE_LACKS)
		database->state = DATABASE_UNKNOWN;
	database->failures = 0;
	database->not_before = 0;
}

void
launcher_databases_take_checks(void)
{
	Oid			asked[MAX_CHECKED_DATABASES];
	bool		all;
	int			n = extension_check_take(asked, &all);
	HASH_SEQ_STATUS scan;
	Database   *database;
	int			i;

	for (i = 0; i < n; i++)
	{
		database = launcher_database_find(asked[i]);
		if (database != NULL)
			check_again(database);
	}
	if (!all)
		return;
	hash_seq_init(&scan, databases);
	while ((database = hash_seq_search(&scan)) != NULL)
		check_again(database);
}

/* By oid if both have waited as long, so that the order is a fixed one. */
static int
compare_need(const ListCell *a, const ListCell *b)
{
	const Database *x = lfirst(a);
	const Database *y = lfirst(b);

	if (x->last_served != y->last_served)
		return x->last_served < y->last_served ? -1 : 1;
	return x->oid < y->oid ? -1 : x->oid > y->oid;
}

List *
launcher_databases_by_need(void)
{
	List	   *list = NIL;
	HASH_SEQ_STATUS scan;
	Database   *database;

	hash_seq_init(&scan, databases);
	while ((database = hash_seq_search(&scan)) != NULL)
		list = lappend(list, database);
	list_sort(list, compare_need);
	return list;
}

int
launcher_database_target(const Database *database)
{
	if (!database->wanted || database->state == DATABASE_LACKS)
		return 0;
	if (database->state == DATABASE_UNKNOWN)
		return Min(wf_workers, 1);
	return wf_workers;
}
