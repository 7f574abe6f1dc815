/*
 * extension_check.h
 *	  Shared memory: databases in which CREATE EXTENSION has committed, for
 *	  the launcher to check them.
 */
#ifndef WF_EXTENSION_CHECK_H
#define WF_EXTENSION_CHECK_H

#define MAX_CHECKED_DATABASES 64

/* Asks the launcher to check that database.  Neither allocates nor raises. */
extern void extension_check_ask(Oid database);

/*
 * In the launcher: takes what was asked for since the last call.  Returns how
 * many databases there are; *all: there were too many to remember, and all
 * databases are to be checked.
 */
extern int	extension_check_take(Oid databases[MAX_CHECKED_DATABASES],
								 bool *all);

#endif							/* WF_EXTENSION_CHECK_H */
