/*
 * run_title.h
 *	  The title of a run: a line that tells people which one it is.
 */
#ifndef WF_RUN_TITLE_H
#define WF_RUN_TITLE_H

#include "language/template.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* What a title is rendered from. */
typedef struct TitledRun
{
	const pg_uuid_t *id;
	const pg_uuid_t *tenant_id;
	const pg_uuid_t *definition_id;
	const char *workflow_name;
	int			version;
	int			attempt;
	TimestampTz queued_at;
	Jsonb	   *payload;
} TitledRun;

/*
 * The run's title, at most 200 characters in one line, palloc'd: the template
 * rendered; or, if it is NULL, fails, or is blank, the first three scalars of
 * the payload.  NULL if the payload has none either.
 */
extern char *run_title(const TitledRun *run, const Template *title);

/* text at most max characters, with "..." after them if it is longer. */
extern char *run_clip(const char *text, int max);

#endif							/* WF_RUN_TITLE_H */
