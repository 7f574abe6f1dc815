/*
 * version.h
 *	  Saved versions of definitions.
 */
#ifndef WF_VERSION_H
#define WF_VERSION_H

#include "api/trigger_row.h"
#include "utils/jsonb.h"

/*
 * Is the version that the row of workflow_definitions names saved, with this
 * definition and the row's run_as?  Reads it as the owner of our tables.
 */
extern bool version_is_saved(const TriggerRow *row, const Jsonb *definition);

/* Records that the definition was deleted (operation_note). */
extern void version_note_deleted(const TriggerRow *row);

#endif							/* WF_VERSION_H */
