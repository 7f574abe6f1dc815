/*
 * operation.h
 *	  workflow_operations: who did what by hand.
 */
#ifndef WF_OPERATION_H
#define WF_OPERATION_H

#include "postgres.h"
#include "base/json_object.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/*
 * Records an operation, in the transaction under way.  what is a word such as
 * "cancel"; tenant, definition_id and run_id say what it was about, NULL: none
 * in particular, or several.  detail is an object that holds no secret; NULL
 * is an empty one.  The row says that the role of the session did it
 * (operation_role).  The caller need not be connected to SPI.
 */
extern void operation_note(const char *what, const pg_uuid_t *tenant,
						   const pg_uuid_t *definition_id,
						   const pg_uuid_t *run_id, Jsonb *detail);

/* The runs that a call has changed. */
typedef struct OperationRuns
{
	int64		count;			/* all of them */
	int			nids;			/* how many ids are kept, the first ones */
	int			size;			/* for how many there is room */
	pg_uuid_t  *ids;
} OperationRuns;

/*
 * operation_runs_begin() begins a list of runs, in the current memory context,
 * where it stays; operation_runs_add() adds one, from whatever context.
 * operation_runs_note() does operation_note() of them, unless there is none:
 * detail, which has been begun, gets "count" and, if there are several runs,
 * "run_ids", the ids of the first OPERATION_MAX_RUNS.  It is ended.
 */
#define OPERATION_MAX_RUNS 10000

extern void operation_runs_begin(OperationRuns *runs);
extern void operation_runs_add(OperationRuns *runs, const pg_uuid_t *id);
extern void operation_runs_note(const OperationRuns *runs, const char *what,
								const pg_uuid_t *tenant,
								const pg_uuid_t *definition_id,
								ObjectBuilder *detail);

/*
 * The name of the role that acts: what the session has logged in as, or has
 * become by SET ROLE.  SECURITY DEFINER functions do not change it.  Palloc'd.
 */
extern char *operation_role(void);

#endif							/* WF_OPERATION_H */
