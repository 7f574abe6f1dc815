/*
 * store_version.c
 *	  Of which version the SQL objects of this database are.
 *
 * The library and the SQL objects are updated separately: the one by an
 * installation and a restart, the others by ALTER EXTENSION in each database.
 * In between one of the two is newer.  The library says here which version it
 * is made for, and versions are compared number by number.
 *
 * Runs in workers and in backends.  Owns the answer, in static memory: it
 * holds until the relation cache is told that pg_extension has changed.  Its
 * rows are in no cache of PostgreSQL 15 to 17; so whoever changes the version
 * says so (store_sql_version_changed).  Nothing survives the process.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "store/store_version.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"

#define EXTENSION_NAME "workflow_engine"

/* The version of the SQL objects that this library is made for. */
#define LIBRARY_VERSION "1.1"

static char installed[NAMEDATALEN]; /* the version; "": no extension */
static SqlVersion compared;		/* the same with the library's */
static bool is_known = false;
static uint64 generation = 0;	/* counts what forget() was told */

/* The relation cache forgets relid, or (0) everything. */
static void
forget(Datum arg, Oid relid)
{
	if (OidIsValid(relid) && relid != ExtensionRelationId)
		return;
	generation++;
	is_known = false;
}

/* The extension's version as pg_extension has it, palloc'd; or NULL. */
static char *
read_version(void)
{
	char	   *version = NULL;
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		datum = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(rel), &isnull);

		if (!isnull)
			version = TextDatumGetCString(datum);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return version;
}

/*
 * Below 0, 0, above 0, as a is older than b, the same, newer: "1.10" is newer
 * than "1.9", and "1.0.1" than "1.0".
 */
static int
compare_versions(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0')
	{
		if (isdigit((unsigned char) *a) && isdigit((unsigned char) *b))
		{
			char	   *a_end;
			char	   *b_end;
			unsigned long number_a = strtoul(a, &a_end, 10);
			unsigned long number_b = strtoul(b, &b_end, 10);

			if (number_a != number_b)
				return number_a < number_b ? -1 : 1;
			a = a_end;
			b = b_end;
		}
		else if (*a != *b)
			return (unsigned char) *a < (unsigned char) *b ? -1 : 1;
		else
		{
			a++;
			b++;
		}
	}
	return (*a != '\0') - (*b != '\0');
}

static SqlVersion
compare_with_library(const char *version)
{
	int			order = compare_versions(version, LIBRARY_VERSION);

	return order < 0 ? SQL_VERSION_OLDER :
		order > 0 ? SQL_VERSION_NEWER : SQL_VERSION_CURRENT;
}

/* Reads the version, unless it is known. */
static void
know_version(void)
{
	static bool registered = false;

	if (is_known)
		return;
	if (!registered)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	registered = true;
	while (!is_known)
	{
		uint64		began = generation;
		char	   *version;

		CHECK_FOR_INTERRUPTS();
		version = read_version();
		strlcpy(installed, version != NULL ? version : "", sizeof(installed));
		compared = version != NULL ? compare_with_library(version)
			: SQL_VERSION_CURRENT;
		if (version != NULL)
			pfree(version);
		is_known = began == generation;
	}
}

SqlVersion
store_sql_version(void)
{
	know_version();
	return compared;
}

const char *
store_library_version(void)
{
	return LIBRARY_VERSION;
}

bool
store_sql_has(const char *since)
{
	know_version();
	return compare_versions(installed, since) >= 0;
}

void
store_explain_sql_version(SqlVersion version, char **message, char **hint)
{
	know_version();
	*message = psprintf("the SQL objects of workflow_engine are of version %s, but its library is of version %s",
						installed, LIBRARY_VERSION);
	*hint = version == SQL_VERSION_OLDER
		? pstrdup("Run ALTER EXTENSION workflow_engine UPDATE in this database.")
		: psprintf("Install the library of version %s or later, and restart the server.",
				   installed);
}

void
store_require_sql_version(void)
{
	char	   *message;
	char	   *hint;

	/* a script is between two versions, and its author knows which */
	if (creating_extension || store_sql_version() != SQL_VERSION_NEWER)
		return;
	store_explain_sql_version(SQL_VERSION_NEWER, &message, &hint);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_internal("%s", message),
			 errhint("%s", hint)));
}

void
store_forget_sql_version(void)
{
	is_known = false;
}

void
store_sql_version_changed(void)
{
	CacheInvalidateRelcacheByRelid(ExtensionRelationId);
}
