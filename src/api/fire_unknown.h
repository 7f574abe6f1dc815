/*
 * fire_unknown.h
 *	  A NOTICE for a trigger type that nobody has defined.
 */
#ifndef WF_FIRE_UNKNOWN_H
#define WF_FIRE_UNKNOWN_H

#include "postgres.h"

/*
 * wf_fire has found no definition to run.  If none has that trigger type,
 * active or not, of any tenant that this session may fire for, says so and
 * names the nearest type, if the current user may read the definitions.
 */
extern void fire_notice_unknown(const char *trigger_type);

#endif							/* WF_FIRE_UNKNOWN_H */
