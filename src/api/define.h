/*
 * define.h
 *	  Saving a definition: what wf_define and wf_save share.
 */
#ifndef WF_DEFINE_H
#define WF_DEFINE_H

#include "postgres.h"
#include "utils/jsonb.h"

/*
 * Raises 22023 if the JSON lacks the name or the trigger type: an INSERT may
 * give them as columns, functions have no such arguments.  What else is wrong
 * is listed in the same error.
 */
extern void define_require_names(Jsonb *definition);

/*
 * Warns if another active definition of the tenant has the same trigger type
 * and the same steps: if somebody saves a definition under a new name, that
 * is a second one, and every event runs both.  Within SPI.
 */
extern void define_warn_of_duplicate(Datum tenant, Datum name);

#endif							/* WF_DEFINE_H */
