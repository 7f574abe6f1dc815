/*
 * plan_diagram.h
 *	  A definition as a flowchart, in the language of Mermaid.
 */
#ifndef WF_PLAN_DIAGRAM_H
#define WF_PLAN_DIAGRAM_H

#include "postgres.h"
#include "utils/jsonb.h"

/* What a step of a run has come to. */
typedef struct DiagramMark
{
	const char *status;			/* a word, such as "completed" */
	const char *note;			/* one line more, or NULL */
} DiagramMark;

/*
 * The flowchart of a definition: its event, its steps with their conditions,
 * and the end; palloc'd.  marks has one element a step, of nmarks steps, and
 * status is that of the run; for a definition alone marks is NULL.  Every text
 * is escaped.  The definition need not be valid: what is no name is left out.
 * Raises 22023 if it is no object with an array "steps".
 */
extern char *plan_diagram(Jsonb *definition, const char *status,
						  const DiagramMark *marks, int nmarks);

#endif							/* WF_PLAN_DIAGRAM_H */
