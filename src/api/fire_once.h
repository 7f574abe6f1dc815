/*
 * fire_once.h
 *	  Messages that a client gets once in a statement, not once for each row.
 */
#ifndef WF_FIRE_ONCE_H
#define WF_FIRE_ONCE_H

#include "postgres.h"

/*
 * Is this the first call with that object and message in the client's current
 * statement?  False as well for every further message after the first 16 of a
 * statement.
 */
extern bool fire_first_time(Oid object, const char *message);

#endif							/* WF_FIRE_ONCE_H */
