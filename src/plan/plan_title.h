/*
 * plan_title.h
 *	  How people name and find the runs of a definition: "title", "search".
 */
#ifndef WF_PLAN_TITLE_H
#define WF_PLAN_TITLE_H

#include "language/template.h"
#include "nodes/pg_list.h"

#define PLAN_MAX_SEARCH 20		/* keys of a definition */
#define PLAN_MAX_LABELS 20		/* of a key */

/* An element of "search". */
typedef struct PlanSearchKey
{
	ScopePath  *path;			/* into the payload; an index stands for every
								 * element */
	List	   *labels;			/* of char *: in whatever languages */
} PlanSearchKey;

/*
 * Compiles the value of "title".  Adds problems at "title", and then returns
 * NULL.  What it compiles lives in the current memory context.
 */
extern Template *plan_compile_title(const JsonbValue *json,
									Problems *problems);

/*
 * Compiles the value of "search" to a list of PlanSearchKey *, likewise.  Keys
 * with a problem are left out.
 */
extern List *plan_compile_search(const JsonbValue *json, Problems *problems);

/* The same of a definition that has been saved; NULL or NIL: it has none. */
extern Template *plan_title_of(Jsonb *definition);
extern List *plan_search_of(Jsonb *definition);

#endif							/* WF_PLAN_TITLE_H */
