/*
 * run_find.h
 *	  Which runs match a filter: their ids, newest first.
 */
#ifndef WF_RUN_FIND_H
#define WF_RUN_FIND_H

#include "api/run_filter.h"

/*
 * The ids of the newest max_rows runs that match and that the session's tenant
 * binding lets it see, newest first; *n of them, palloc'd in the current
 * memory context (NULL if there are none).  With step or error_class, the
 * newest 10,000 runs that failed and match the rest are looked at.  Connects
 * to SPI itself.
 */
extern pg_uuid_t *run_find(const RunFilter *filter, int *n);

/* ids as a value of type uuid[], palloc'd. */
extern Datum run_ids_array(const pg_uuid_t *ids, int n);

#endif							/* WF_RUN_FIND_H */
