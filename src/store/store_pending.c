/*
 * store_pending.c
 *	  The index of payloads: workers sort its new entries in.
 *
 * GIN puts new entries on a list.  A transaction that finds the list too long
 * sorts all of it into the index, which takes a tenth of a second: a long time
 * for a session that fires.  So the install script lets the list grow long,
 * and workers clean it long before it is that long, since a search reads it
 * from end to end.
 *
 * Runs in a worker: looks inside a tick's transaction, cleans in one of its
 * own.  A worker leaves it to another that is about it; where two begin at
 * once, the second waits for the first.  What a crash leaves undone, the next
 * worker does.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "access/gin.h"
#include "access/ginblock.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "storage/lmgr.h"
#include "store/store_pending.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#define PAGES_TO_CLEAN 128		/* 1 MB */

Oid
store_find_pending(RunTable *runs)
{
	int			n;
	Relation   *indexes = store_indexes(runs, &n);

	for (int i = 0; i < n; i++)
	{
		GinStatsData stats;

		if (indexes[i]->rd_rel->relam != GIN_AM_OID)
			continue;
		ginGetStats(indexes[i], &stats);
		if (stats.nPendingPages >= PAGES_TO_CLEAN)
			return RelationGetRelid(indexes[i]);
	}
	return InvalidOid;
}

void
store_clean_pending(Oid index)
{
	Relation	rel = try_relation_open(index, RowExclusiveLock);

	if (rel == NULL)
		return;

	/*
	 * A process that cleans holds this lock.  It is given back before the
	 * call, which takes it anew: no other may be acquired beside it.
	 */
	if (ConditionalLockPage(rel, GIN_METAPAGE_BLKNO, ExclusiveLock))
	{
		UnlockPage(rel, GIN_METAPAGE_BLKNO, ExclusiveLock);
		(void) DirectFunctionCall1(gin_clean_pending_list,
								   ObjectIdGetDatum(index));
	}
	relation_close(rel, RowExclusiveLock);
}
