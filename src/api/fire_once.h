/*
 * fire_once.h
 *	  What a client is told once a statement, not once a row.
 */
#ifndef WF_FIRE_ONCE_H
#define WF_FIRE_ONCE_H

#include "postgres.h"

/*
 * Is this the first time that message is to be said about object during the
 * client's statement under way?  Of very many messages only the first are.
 */
extern bool fire_first_time(Oid object, const char *message);

#endif							/* WF_FIRE_ONCE_H */
