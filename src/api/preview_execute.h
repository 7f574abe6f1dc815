/*
 * preview_execute.h
 *	  Has the steps of a preview executed in a process of its own.
 */
#ifndef WF_PREVIEW_EXECUTE_H
#define WF_PREVIEW_EXECUTE_H

#include "nodes/execnodes.h"
#include "run/run_preview.h"

/* What the process needs beyond the preview itself. */
typedef struct PreviewTexts
{
	Jsonb	   *definition;		/* of which preview->plan was compiled */
	Oid			schema;			/* of the extension */
} PreviewTexts;

/*
 * Executes and rolls back, and puts a row of each step into the result, those
 * that were not come to included.  Returns at the latest half a second after
 * the preview's deadline.  Raises 53000 if no process is free, 57014 if the
 * query is cancelled, and what is no error of a step.
 */
extern void preview_execute(const Preview *preview, const PreviewTexts *texts,
							ReturnSetInfo *result);

#endif							/* WF_PREVIEW_EXECUTE_H */
