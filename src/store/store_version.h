/*
 * store_version.h
 *	  Of which version the SQL objects of this database are.
 */
#ifndef WF_STORE_VERSION_H
#define WF_STORE_VERSION_H

#include "postgres.h"

/* The SQL objects, compared with what this library is made for. */
typedef enum SqlVersion
{
	SQL_VERSION_OLDER,			/* an update is to be run */
	SQL_VERSION_CURRENT,		/* or there is no extension */
	SQL_VERSION_NEWER			/* an old library is still loaded */
} SqlVersion;

/*
 * Costs a comparison until the extension is created or updated.  Within a
 * transaction.
 */
extern SqlVersion store_sql_version(void);

/* The version of the SQL objects that this library is made for. */
extern const char *store_library_version(void);

/* Have the SQL objects what came with that version, such as "1.1"? */
extern bool store_sql_has(const char *since);

/*
 * Raises 55000 if the SQL objects are newer than the library, unless a script
 * of an extension is being executed.
 */
extern void store_require_sql_version(void);

/*
 * What is to be said of SQL objects that are older or newer than the library:
 * an error's message and hint, palloc'd.
 */
extern void store_explain_sql_version(SqlVersion version, char **message,
									  char **hint);

/* This process reads the version anew when it needs it next. */
extern void store_forget_sql_version(void);

/*
 * The extension was created or updated: all processes read its version anew
 * when this transaction has committed, this one at once.
 */
extern void store_sql_version_changed(void);

#endif							/* WF_STORE_VERSION_H */
