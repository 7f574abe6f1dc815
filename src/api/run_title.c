/*
 * run_title.c
 *	  The title of a run: a line that tells people which one it is.
 *
 * Runs in the backend that lists runs, for each run that it lists.  A title is
 * rendered when it is read, so that it needs no column; a template that fails,
 * since this payload has not what it names, must not fail the list.  Owns
 * nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_title.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/utf8.h"
#include "base/uuid_list.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/step_result.h"

#define MAX_TITLE 200			/* characters */
#define TITLE_SCALARS 3

/*--- text that fits in a line ---*/

char *
run_clip(const char *text, int max)
{
	int			len = strlen(text);
	int			clipped = pg_mbcharcliplen(text, len, max);

	return clipped == len ? pstrdup(text)
		: psprintf("%.*s...", clipped, text);
}

/*
 * Line breaks and other control characters of ASCII as blanks, and no blanks
 * at both ends, in place.
 */
static char *
as_line(char *text)
{
	char	   *end;

	for (char *p = text; *p; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7F)
			*p = ' ';
	}
	while (*text == ' ')
		text	  ++;
	end = text +strlen(text);

	while (end > text &&end[-1] == ' ')
		*--end = '\0';
	return text;
}

/*--- the template ---*/

static Jsonb *
object_of_text(const char *key, const char *value)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, key, value);
	return object_end(&b);
}

static void
fill_scope(Scope *scope, const TitledRun *run)
{
	ObjectBuilder b;

	scope->root[SCOPE_TRIGGER] = run->payload;
	object_begin(&b);
	object_text(&b, "id", id_text(run->id));
	object_text(&b, "queued_at", iso_time(run->queued_at));
	object_number(&b, "attempt", run->attempt);
	scope->root[SCOPE_RUN] = object_end(&b);
	object_begin(&b);
	object_text(&b, "id", id_text(run->definition_id));
	object_text(&b, "name", run->workflow_name);
	object_number(&b, "version", run->version);
	scope->root[SCOPE_WORKFLOW] = object_end(&b);
	scope->root[SCOPE_TENANT] = object_of_text("id", id_text(run->tenant_id));
}

/* Is it an error that a payload causes: a missing path, a value too large? */
static bool
is_of_payload(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

/*
 * NULL if it fails for the payload.  Rendering holds nothing but memory, so
 * that no subtransaction is needed.
 */
static char *
render(const TitledRun *run, const Template *title)
{
	MemoryContext context = CurrentMemoryContext;
	Scope		scope = {0};
	char	   *volatile text = NULL;

	fill_scope(&scope, run);
	PG_TRY();
	{
		text = template_render_text(title, &scope, ESCAPE_NONE);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_of_payload(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
		text = NULL;
	}
	PG_END_TRY();
	return text;
}

/*--- the first scalars ---*/

/*
 * Appends the first scalars of the payload that are not blank, in the order of
 * its keys.
 */
static void
append_scalars(StringInfo buf, Jsonb *payload)
{
	JsonbIterator *it = JsonbIteratorInit(&payload->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	int			n = 0;

	while (n < TITLE_SCALARS &&
		   (token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		char	   *text;

		if ((token != WJB_VALUE && token != WJB_ELEM) || v.type == jbvNull)
			continue;
		text = as_line(json_text(&v));

		if (*text == '\0')
			continue;
		appendStringInfo(buf, "%s%s", n++ > 0 ? ", " : "", text);
	}
}

char *
run_title(const TitledRun *run, const Template *title)
{
	char	   *text = title != NULL ? render(run, title) : NULL;

	if (text !=NULL)
		text = as_line(text);

	if (text == NULL || *text == '\0')
	{
		StringInfoData buf;

		initStringInfo(&buf);
		append_scalars(&buf, run->payload);
		text = buf.data;
	}
	return *text !='\0' ? run_clip(text, MAX_TITLE) : NULL;
}
