/*
 * trigger_hook.h
 *	  Checks CREATE TRIGGER ... EXECUTE FUNCTION wf_fire_trigger(...).
 */
#ifndef WF_TRIGGER_HOOK_H
#define WF_TRIGGER_HOOK_H

#include "postgres.h"

/*
 * To be called by _PG_init.  From then on CREATE TRIGGER in this process
 * raises an error for a trigger with wf_fire_trigger that could not work
 * (39P01, 22023, 22P02, 42701, 42703, 42804); in a restore it warns instead.
 */
extern void trigger_hook_install(void);

#endif							/* WF_TRIGGER_HOOK_H */
