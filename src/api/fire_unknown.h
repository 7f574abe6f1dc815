/*
 * fire_unknown.h
 *	  A NOTICE for a trigger type that no definition has.
 */
#ifndef WF_FIRE_UNKNOWN_H
#define WF_FIRE_UNKNOWN_H

#include "postgres.h"

/*
 * To be called if wf_fire has found no definition to run.  If no definition,
 * active or not, of any tenant that this session may fire for has the trigger
 * type, gives a NOTICE; its hint names the nearest type if the current user
 * may read the definitions.
 */
extern void fire_notice_unknown(const char *trigger_type);

#endif							/* WF_FIRE_UNKNOWN_H */
