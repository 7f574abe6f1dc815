/*
 * render.c
 *	  wf_render: what a mail template becomes, without sending it.
 *
 * Runs in the backend that calls it, as the caller: it reads nothing but its
 * arguments and the clock.  The texts are compiled and rendered by what the
 * worker does it with (actions/mail_part.c), and a mistake in one of them
 * hides nothing of the others.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "actions/mail_part.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "config/clock.h"
#include "fmgr.h"
#include "funcapi.h"
#include "store/step_result.h"
#include "utils/builtins.h"

enum
{
	RENDER_CONTEXT = MAIL_NPARTS,	/* the number of the argument */
	RENDER_PROBLEMS = MAIL_NPARTS,	/* the number of the column */
	RENDER_COLUMNS
};

/* One text, compiled, that is to be rendered. */
typedef struct Rendering
{
	MailPart	part;
	const Template *template;
	const Scope *scope;
	int			at;				/* see template_render_text_at() */
	char	   *text;			/* what came of it */
} Rendering;

/*--- the context ---*/

static Jsonb *
empty_object(void)
{
	ObjectBuilder b;

	object_begin(&b);
	return object_end(&b);
}

static Jsonb *
now_as_json(void)
{
	char	   *now = iso_time(clock_now());
	JsonbValue	value;

	json_set_string(&value, now, strlen(now));
	return json_to_jsonb(&value);
}

/* The root of that name.  Raises 22023. */
static ScopeRoot
root_named(const char *name)
{
	for (int i = 0; i < SCOPE_NROOTS; i++)
		if (strcmp(scope_root_names[i], name) == 0)
			return (ScopeRoot) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"context\" of wf_render has an unknown key \"%s\"",
					name),
			 errhint("%s", known_words_hint(name, scope_root_names,
											SCOPE_NROOTS))));
}

/*
 * Fills the scope from the context: what it does not name is empty, and now is
 * this moment.  Raises 22023.
 */
static void
fill_scope(Jsonb *context, Scope *scope)
{
	JsonbValue	root;
	JsonMember *members;
	int			n;

	json_of_jsonb(context, &root);
	if (!json_is_object(&root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"context\" of wf_render must be an object, not %s",
						json_a_type(&root))));
	for (int i = 0; i < SCOPE_NOW; i++)
		scope->root[i] = empty_object();
	scope->root[SCOPE_NOW] = now_as_json();
	members = json_members(&root, &n);
	for (int i = 0; i < n; i++)
		scope->root[root_named(members[i].key)] =
			json_to_jsonb(&members[i].value);
}

/*--- the texts ---*/

static void
render(void *arg)
{
	Rendering  *r = arg;

	r->text = mail_part_render(r->part, r->template, r->scope, &r->at);
}

/*
 * What the text becomes, palloc'd; NULL after adding the error to problems.
 * Raises 54000.
 */
static char *
render_part(MailPart part, const char *text, const Scope *scope,
			Problems *problems)
{
	int			nerrors = problems->nerrors;
	Rendering	r = {.part = part, .scope = scope, .at = -1};
	char	   *message;

	r.template = mail_part_compile(part, text, NULL, problems);
	if (problems->nerrors > nerrors)
		return NULL;
	message = problem_catch(render, &r);
	if (message == NULL)
		return r.text;
	problem_error(problems, mail_part_names[part], "not_rendered", NULL,
				  "%s", message);
	if (r.at >= 0)
		problem_at(problems, text, strlen(text), r.at);
	return NULL;
}

/* A problem with the members that wf_validate has as columns. */
static JsonbValue *
problem_as_json(const Problem *problem, JsonbValue *value)
{
	ObjectBuilder b;
	Datum		args = DirectFunctionCall1(jsonb_in,
										   CStringGetDatum(problem->args));

	object_begin(&b);
	object_text(&b, "path", problem->path);
	object_text(&b, "severity", problem->is_error ? "error" : "warning");
	object_text(&b, "message", problem->message);
	object_text(&b, "hint", problem->hint);
	object_text(&b, "code", problem->code);
	object_json(&b, "args", DatumGetJsonbP(args));
	if (problem->pos > 0)
		object_number(&b, "pos", problem->pos);
	else
		object_json(&b, "pos", NULL);
	json_of_jsonb(object_end(&b), value);
	return value;
}

static Jsonb *
problems_as_json(const Problems *problems)
{
	JsonbParseState *state = NULL;
	ListCell   *lc;

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, problems->items)
	{
		JsonbValue	value;

		(void) pushJsonbValue(&state, WJB_ELEM,
							  problem_as_json(lfirst(lc), &value));
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

PG_FUNCTION_INFO_V1(wf_render);

/*
 * A row: the three texts, each null if it was not given or has an error, and
 * every problem.  Raises 22004 and 22023 for the context, 54000 if a text
 * becomes too long.
 */
Datum
wf_render(PG_FUNCTION_ARGS)
{
	Scope		scope = {0};
	Problems	problems = {0};
	Datum		values[RENDER_COLUMNS];
	bool		nulls[RENDER_COLUMNS] = {false};
	TupleDesc	desc;

	if (PG_ARGISNULL(RENDER_CONTEXT))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"context\" of wf_render must not be null")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "wf_render returns no row");
	fill_scope(PG_GETARG_JSONB_P(RENDER_CONTEXT), &scope);
	for (int i = 0; i < MAIL_NPARTS; i++)
	{
		char	   *rendered = NULL;

		if (!PG_ARGISNULL(i))
			rendered = render_part((MailPart) i,
								   text_to_cstring(PG_GETARG_TEXT_PP(i)),
								   &scope, &problems);
		nulls[i] = rendered == NULL;
		values[i] = rendered != NULL ? CStringGetTextDatum(rendered) : 0;
	}
	values[RENDER_PROBLEMS] = JsonbPGetDatum(problems_as_json(&problems));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
