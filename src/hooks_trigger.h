/*
 * hooks_trigger.h
 *	  CREATE TRIGGER ... EXECUTE FUNCTION wf_fire_trigger(...), checked.
 */
#ifndef WF_HOOKS_TRIGGER_H
#define WF_HOOKS_TRIGGER_H

#include "postgres.h"

/*
 * Called in _PG_init.  From then on this process refuses to create a trigger
 * with wf_fire_trigger that could not work (39P01, 22023, 22P02, 42701,
 * 42703, 42804); in a restore it warns instead.
 */
extern void hooks_trigger_install(void);

#endif							/* WF_HOOKS_TRIGGER_H */
