/*
 * condition_jsonpath.c
 *	  Compiles conditions that are a jsonpath predicate over the context.
 *
 * PostgreSQL's own parser checks the syntax; condition_spelling.c says what is
 * wrong with it, and how it is written correctly.  Beyond the syntax a
 * condition must be lax and must be a predicate (a path alone would be true
 * only if it finds the JSON value true).  It must have no variables, since
 * there are none, no keys in brackets, since they are never found, and no
 * templates in its texts.  It may name only what the context has: the roots,
 * and the steps before.
 *
 * Runs in the backend that writes a definition and in workers that load one;
 * the result lives in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/condition_node.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* A walk over the items of a jsonpath. */
typedef struct Walk
{
	const char *text;			/* NULL: only whether there is a problem is
								 * asked, so no spelling is looked up */
	const char *path;			/* of the condition in the definition */
	const ScopeNames *names;
	Problems   *problems;
	bool		is_misspelt;	/* a mistake of spelling was reported */
	List	   *outputs;		/* of ScopePath *: outputs */
} Walk;

typedef struct JsonPathInput
{
	const char *text;
	JsonPath   *result;
} JsonPathInput;

static void
parse_jsonpath(void *arg)
{
	JsonPathInput *input = arg;

	input->result = condition_read_jsonpath(input->text);
}

/*
 * Parses text; returns NULL after setting *message and *is_syntax.  For a
 * mistake in a regular expression PostgreSQL's message says what is wrong; for
 * one in the syntax of a jsonpath it only names a token near it, so
 * *is_syntax tells the two apart.
 */
static JsonPath *
parse(const char *text, bool *is_syntax, char **message)
{
	JsonPathInput input = {text, NULL};
	int			state;

	*message = problem_catch_state(parse_jsonpath, &input, &state);
	*is_syntax = state == ERRCODE_SYNTAX_ERROR ||
		state == ERRCODE_INVALID_TEXT_REPRESENTATION;
	return *message == NULL ? input.result : NULL;
}

static bool holds(const char *text, const ScopeNames *names);

/* Does text end with the name of a member, .name? */
static bool
ends_with_member(const char *text)
{
	const char *dot = strrchr(text, '.');

	return dot != NULL && condition_plain_key(dot + 1, strlen(dot + 1));
}

/*
 * Adds an error about the spelling, once for a condition.  If the speller
 * recognizes a mistake, it is described, and the hint is the corrected text;
 * otherwise message and hint are used.
 */
static void
report_spelling(Walk *walk, const char *hint, const char *message)
{
	SpellingMistake mistake;
	char	   *corrected;

	if (walk->is_misspelt)
		return;
	walk->is_misspelt = true;
	if (walk->text == NULL)
	{
		problem_error(walk->problems, walk->path, "condition_syntax", NULL,
					  "%s", message);
		return;
	}
	condition_spelling(walk->text, &mistake);
	corrected = mistake.corrected;
	if (ends_with_member(corrected) && !holds(corrected, walk->names))
		corrected = psprintf("%s == true", corrected);	/* a path alone */
	if (holds(corrected, walk->names))
		hint = psprintf("Write: %s", corrected);
	else if (mistake.hint != NULL)
		hint = mistake.hint;
	if (mistake.message == NULL)
		problem_error(walk->problems, walk->path, "condition_syntax", hint,
					  "%s", message);
	else
		problem_mistake(walk->problems, walk->path,
						&(Mistake) {"condition_syntax", mistake.message,
						mistake.offset, hint},
						walk->text, strlen(walk->text));
}

static bool
is_predicate(JsonPathItem *item)
{
	if (jspHasNext(item))
		return false;
	switch (item->type)
	{
		case jpiAnd:
		case jpiOr:
		case jpiNot:
		case jpiIsUnknown:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiExists:
		case jpiStartsWith:
		case jpiLikeRegex:
			return true;
		default:
			return false;
	}
}

/*
 * Notes a path into a step's result, steps.NAME.output.KEY: when the condition
 * is decided, only the beginning of the output may have been kept, or the
 * result may not be known.
 */
static void
note_output(Walk *walk, char **parts, int nparts)
{
	ScopePath  *path;

	if (strcmp(parts[0], scope_root_names[SCOPE_STEPS]) != 0)
		return;
	path = palloc0(sizeof(ScopePath));
	path->root = SCOPE_STEPS;
	path->nparts = nparts;
	path->parts = palloc0(sizeof(PathPart) * nparts);
	for (int i = 0; i < nparts; i++)
		path->parts[i].name = parts[i];
	path->text = scope_path_prefix(path, nparts);
	walk->outputs = lappend(walk->outputs, path);
}

/* Checks the keys that follow a "$". */
static void
check_root(Walk *walk, JsonPathItem *root)
{
	char	   *parts[4];
	int			nparts = 0;
	JsonPathItem item = *root;
	JsonPathItem next;
	int			bad_part;
	char	   *hint;
	char	   *error;

	while (nparts < lengthof(parts) && jspGetNext(&item, &next) &&
		   next.type == jpiKey)
	{
		int32		len;
		char	   *key = jspGetString(&next, &len);

		parts[nparts++] = pnstrdup(key, len);
		item = next;
	}
	if (nparts == 0)
		return;
	error = scope_check_parts((const char *const *) parts, Min(nparts, 3),
							  walk->names, &bad_part, &hint);
	if (error != NULL)
		problem_error(walk->problems, walk->path, "unknown_path", hint, "%s",
					  error);
	note_output(walk, parts, nparts);
}

/* Reports a variable as a mistake of spelling. */
static void
check_variable(Walk *walk, JsonPathItem *item)
{
	int32		len;
	char	   *name = jspGetString(item, &len);

	report_spelling(walk, psprintf("Write \"$.%.*s\".", len, name),
					psprintf("a condition has no variable \"$%.*s\"", len,
							 name));
}

/*
 * Reports a template in a text, and warns of a text that is a path: a text is
 * compared as it is.
 */
static void
check_string(Walk *walk, JsonPathItem *item)
{
	int32		len;
	char	   *text = jspGetString(item, &len);
	char	   *open = strstr(text, "{{");
	int			path_len;
	const char *found;

	if (open != NULL && strstr(open, "}}") != NULL)
		report_spelling(walk, "Write a path, as in \"$.trigger.total\".",
						"conditions take no templates");
	found = scope_path_as_text(text, len, walk->names, &path_len);
	if (found != NULL)
		problem_warning(walk->problems, walk->path, "path_as_text",
						psprintf("Write $.%s, without quotes, for its value.",
								 found),
						"\"%s\" is a text here, not the value of that path",
						text);
}

static void walk_items(Walk *walk, JsonPathItem *first);

/* Reports an index that is no number, since such an index finds nothing. */
static void
walk_subscript(Walk *walk, JsonPathItem *subscript)
{
	if (!jspHasNext(subscript) &&
		(subscript->type == jpiString || subscript->type == jpiBool ||
		 subscript->type == jpiNull))
		report_spelling(walk, "Write $.trigger.\"odd key\" for a key, and "
						"$.trigger.items[0] for an element.",
						"a key does not stand in brackets");
	else
		walk_items(walk, subscript);
}

static void
walk_subscripts(Walk *walk, JsonPathItem *item)
{
	for (int i = 0; i < item->content.array.nelems; i++)
	{
		JsonPathItem from;
		JsonPathItem to;

		if (jspGetArraySubscript(item, &from, &to, i))
			walk_subscript(walk, &to);
		walk_subscript(walk, &from);
	}
}

/* Checks one item, and walks over its operands. */
static void
walk_operands(Walk *walk, JsonPathItem *item)
{
	JsonPathItem operands[CONDITION_MAX_OPERANDS];
	int			noperands = condition_item_operands(item, operands);

	for (int i = 0; i < noperands; i++)
		walk_items(walk, &operands[i]);
	switch (item->type)
	{
		case jpiIndexArray:
			walk_subscripts(walk, item);
			break;
		case jpiRoot:
			check_root(walk, item);
			break;
		case jpiVariable:
			check_variable(walk, item);
			break;
		case jpiString:
			check_string(walk, item);
			break;
		default:
			break;
	}
}

/* Walks over an item and those that follow it in its path. */
static void
walk_items(Walk *walk, JsonPathItem *first)
{
	JsonPathItem item = *first;
	JsonPathItem next;

	check_stack_depth();
	walk_operands(walk, &item);
	while (jspGetNext(&item, &next))
	{
		item = next;
		walk_operands(walk, &item);
	}
}

/* Checks the whole, and every item of it. */
static void
check(Walk *walk, JsonPath *jsonpath)
{
	JsonPathItem root;
	const char *text;

	jspInit(&root, jsonpath);
	if ((jsonpath->header & JSONPATH_LAX) == 0)
		report_spelling(walk, "Leave \"strict\" out.",
						"conditions are lax, \"strict\" cannot be used");
	if (!is_predicate(&root))
	{
		text = root.type == jpiRoot && jspHasNext(&root) ?
			condition_item_text(jsonpath, &root) : "$.trigger.paid";
		problem_error(walk->problems, walk->path, "no_predicate",
					  psprintf("Compare it, as in \"%s == true\", or ask "
							   "\"exists(%s)\".", text, text),
					  "condition is not a predicate");
	}
	walk_items(walk, &root);
}

/* Is text a condition without a mistake? */
static bool
holds(const char *text, const ScopeNames *names)
{
	Problems	problems = {0};
	Walk		walk = {NULL, "", names, &problems, false, NIL};
	bool		is_syntax;
	char	   *message;
	JsonPath   *jsonpath = parse(text, &is_syntax, &message);

	if (jsonpath != NULL)
		check(&walk, jsonpath);
	return jsonpath != NULL && problems.nerrors == 0;
}

static Jsonb *
empty_object(void)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

bool
condition_compile_jsonpath(Condition *condition, const char *text,
						   const char *path, const ScopeNames *names,
						   Problems *problems)
{
	Walk		walk = {text, path, names, problems, false, NIL};
	int			nerrors = problems->nerrors;
	bool		is_syntax;
	char	   *message;
	JsonPath   *jsonpath = parse(text, &is_syntax, &message);

	if (jsonpath != NULL)
		check(&walk, jsonpath);
	else if (is_syntax)
		report_spelling(&walk, "Each side of && and || is a comparison, as "
						"in $.trigger.total > 500 && $.trigger.country == "
						"\"LB\"; or write an object with field, op and "
						"value.", "condition is not a jsonpath predicate");
	else
		problem_error(problems, path, "condition_value", NULL, "%s", message);
	condition->kind = CONDITION_JSONPATH;
	condition->jsonpath = jsonpath;
	condition->variables = empty_object();
	condition->outputs = walk.outputs;
	return problems->nerrors == nerrors;
}
