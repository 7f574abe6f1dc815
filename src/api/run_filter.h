/*
 * run_filter.h
 *	  What the functions that look for runs are asked for.
 */
#ifndef WF_RUN_FILTER_H
#define WF_RUN_FILTER_H

#include "postgres.h"
#include "store/run_status.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define RUN_FILTER_MAX_ROWS 10000

/* The bit of a status in RunFilter.statuses. */
#define RUN_STATUS_BIT(status) (1U << (status))

/* What is asked for; all of it must hold.  NULL or 0: anything will do. */
typedef struct RunFilter
{
	ArrayType  *match;			/* jsonb[]: the payload contains one of them */
	const pg_uuid_t *tenant;
	const pg_uuid_t *definition;
	text	   *workflow;		/* the definition's name */
	uint32		statuses;		/* RUN_STATUS_BIT of each */
	pg_uuid_t  *from;			/* the id is this one or greater */
	pg_uuid_t  *before;			/* the id is less */
	text	   *step;			/* that the run failed at */
	text	   *error_class;	/* of the error that the run failed with */
	int			max_rows;
} RunFilter;

/*
 * Narrows filter to the ids of since and later, and to those before until.
 * NULL is no limit.  The ids are palloc'd.
 */
extern void run_filter_time(RunFilter *filter, const TimestampTz *since,
							const TimestampTz *until);

/* Narrows filter to ids less than id, the last one of the page before. */
extern void run_filter_before(RunFilter *filter, const pg_uuid_t *id);

/*
 * The status that an argument names.  Raises 22023 if there is no such one.
 */
extern RunStatus run_status_argument(text *name);

/*
 * Raises 22023 if the index of payloads cannot serve match: if it is no
 * object, or contains no value but empty objects and arrays.
 */
extern void run_check_match(Jsonb *match, const char *function);

/* Raises 22023 unless max_rows is from 1 to RUN_FILTER_MAX_ROWS. */
extern void run_check_max_rows(int max_rows, const char *function);

#endif							/* WF_RUN_FILTER_H */
