/*
 * record.h
 *	  What the three record actions share: a table, its columns, statements.
 */
#ifndef WF_RECORD_H
#define WF_RECORD_H

#include "access/attnum.h"
#include "action.h"
#include "lib/stringinfo.h"

typedef struct RecordTable
{
	Oid			relid;
	char	   *name;			/* as given, for messages */
	char	   *qualified;		/* quoted */
} RecordTable;

/*
 * The table that parameter "table" names, found by the search_path in force.
 * Raises 42P01, 42602 and what lookups raise.
 */
extern RecordTable record_table(const Call *call);

/* Raises 42703 where the table has no such column. */
extern AttrNumber record_column(const RecordTable *table, const char *column);

/* The only column of the primary key, or NULL. */
extern char *record_key_column(const RecordTable *table);

/* The members of an object parameter; raises 22023 where it is empty. */
extern List *record_keys(const Call *call, const char *param);

/*
 * Appends 'pg_catalog.jsonb_to_record($n) AS alias("a" type, ...)': the
 * values of columns, converted by each type's own input conversion.
 */
extern void record_values(StringInfo sql, const RecordTable *table,
						  int param, const char *alias, List *columns);

/*
 * Appends 'r."a" = v."a"' with the type's own equality operator.  Raises
 * 42883 where it has none.
 */
extern void record_equals(StringInfo sql, const RecordTable *table,
						  const char *column, const char *alias);

/*
 * Executes a statement with jsonb parameters (at most two) within SPI, as
 * the current user; the plan is kept for the next time.
 */
extern int	record_execute(const char *sql, Jsonb **params, int nparams);

/*
 * The first column of the SPI result's first row in context, or NULL where
 * there is no row or the value is null.
 */
extern Jsonb *record_result(MemoryContext context);

#endif							/* WF_RECORD_H */
