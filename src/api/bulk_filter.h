/*
 * bulk_filter.h
 *	  Which runs the functions about many runs choose, by ascending id.
 */
#ifndef WF_BULK_FILTER_H
#define WF_BULK_FILTER_H

#include "postgres.h"
#include "base/json_object.h"
#include "fmgr.h"
#include "store/run_status.h"
#include "utils/portal.h"
#include "utils/uuid.h"

/* What such a function may be called for. */
typedef struct FilterRule
{
	const RunStatus *statuses;	/* that its argument may name */
	int			nstatuses;
	RunStatus	by_default;		/* without it; RUN_STATUS_UNKNOWN: all */
	bool		any_status;		/* all are every status, not the open ones */
	int64		enough;			/* stop after so many, in any order; 0: read
								 * all, by id */
	const char *hint;			/* which statuses there are */
} FilterRule;

typedef struct BulkFilter
{
	/* the arguments */
	RunStatus	status;			/* RUN_STATUS_UNKNOWN: all of the rule's */
	bool		has_tenant;
	pg_uuid_t	tenant;			/* also that of a bound session */
	char	   *step;			/* NULL: any */
	char	   *error_class;	/* NULL: any */
	int64		max_rows;		/* -1: all */

	/* the reading */
	Portal		portal;			/* NULL: the session sees nothing */
	pg_uuid_t  *ids;			/* fetched */
	char	  **errors;			/* of each, if error_class is asked for */
	int			nids;
	int			next;
	MemoryContext batch;		/* of the last two */
	int64		nchosen;		/* returned so far */
} BulkFilter;

/*
 * Begins to choose runs by the arguments (tenant_id, workflow, status, since,
 * definition_id, until, step, error_class, after, max_rows).  The caller is
 * connected to SPI until bulk_filter_end.
 *
 * Raises 22023 for status, step, error_class or max_rows, 42501 for a tenant
 * that the session may not act for, 42704 for the name of a workflow and P0002
 * for the id of a definition that the session does not see.
 */
extern void bulk_filter_begin(BulkFilter *filter, const FilterRule *rule,
							 FunctionCallInfo fcinfo);

/*
 * The next run, by ascending id; false: there is none, or max_rows have been
 * taken.  The run may have changed since the reading began.
 */
extern bool bulk_filter_next(BulkFilter *filter, pg_uuid_t *id);

/* Counts the run that bulk_filter_next returned last towards max_rows. */
extern void bulk_filter_take(BulkFilter *filter);

extern void bulk_filter_end(BulkFilter *filter);

/* Adds the arguments to what an operation says of the call. */
extern void bulk_filter_describe(FunctionCallInfo fcinfo, ObjectBuilder *b);

#endif							/* WF_BULK_FILTER_H */
