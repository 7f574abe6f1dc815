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

/*
 * Sets the note that the next version gets which this process saves, NULL:
 * none.  The caller keeps the text until then, and clears the note at the end
 * of its statement, also after an error.
 */
extern void version_set_note(const char *note);

/* Records that the definition was deleted (operation_note). */
extern void version_note_deleted(const TriggerRow *row);

#endif							/* WF_VERSION_H */
