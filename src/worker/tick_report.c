/*
 * tick_report.c
 *	  What a tick tells the server's log.
 *
 * Runs in a worker.  One line for each run that has failed: its id, its
 * workflow's name and its error.  Steps are not logged.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "store/run_row.h"
#include "store/step_result.h"
#include "worker/tick_report.h"

#define MAX_ERROR 1024			/* bytes */

/* The beginning of an error on one line: an error may have several. */
static const char *
one_line(const char *error)
{
	char	   *line = clip_text(error, MAX_ERROR);

	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return line;
}

void
report_failed(List *runs)
{
	ListCell   *lc;

	foreach(lc, runs)
	{
		RunRow	   *run = lfirst(lc);

		ereport(LOG,
				(errmsg("run %s of workflow \"%s\" failed: %s",
						id_text(&run->unit.id), run->workflow_name,
						one_line(run->error_message))));
	}
}
