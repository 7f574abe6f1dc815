/*
 * store_schema.h
 *	  Where the extension lives, and as whom its statements are executed.
 */
#ifndef WF_STORE_SCHEMA_H
#define WF_STORE_SCHEMA_H

#include "postgres.h"
#include "base/unit.h"

/* The extension's schema, or InvalidOid if it is not installed. */
extern Oid	store_find_schema(void);

/*
 * The functions below work on the tables of this schema from now on.  Raises
 * 55000 if the SQL objects are newer than the library (store_version.h).
 */
extern void store_use_schema(Oid schema);

/* The same without that error. */
extern void store_use_schema_of_any_version(Oid schema);

/*
 * Keeps the extension from being dropped or updated until the transaction
 * ends; false if there is none.  Also does store_use_schema_of_any_version.
 */
extern bool store_hold_extension(void);

/* Another number whenever the functions below work on another schema. */
extern uint64 store_schema_generation(void);

/* The schema's name, not quoted, palloc'd.  Raises 42704 if there is none. */
extern char *store_schema_name(void);

/* OID of one of the extension's relations; raises 42P01. */
extern Oid	store_relation(const char *relation);

/*
 * From here to store_leave_owner the current user is the owner of the
 * extension's tables, so that neither privileges nor row security of the
 * caller apply.  After an error the transaction's abort gives both back.
 */
extern void store_enter_owner(Oid *save_user, int *save_context);
extern void store_leave_owner(Oid save_user, int save_context);

/*
 * Fixes the search_path to pg_catalog for a statement of ours; returns what
 * to hand to store_leave_search_path.
 */
extern int	store_enter_search_path(void);
extern void store_leave_search_path(int level);

/*
 * Text of a statement with each %t replaced by the schema: "FROM
 * %t.workflow_runs".  Palloc'd.
 */
extern char *store_sql(const char *sql);

/* The same, and each %r by that table of units, with its schema: "FROM %r". */
extern char *store_sql_on(UnitTable table, const char *sql);

#endif							/* WF_STORE_SCHEMA_H */
