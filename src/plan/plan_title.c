/*
 * plan_title.c
 *	  How people name and find the runs of a definition: "title", "search".
 *
 *		"title": "Order {{ trigger.order_id }}, {{ trigger.customer.name }}",
 *		"search": [{"path": "trigger.order_id",
 *					"label": {"en": "Order", "ar": "طلب"}}]
 *
 * Both speak of the event: a title is rendered whenever a run is listed, also
 * before its first step, and what a search finds is in the payload's index.
 *
 * Runs in the backend that writes, validates or reads a definition.  Owns
 * nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "language/expression.h"
#include "mb/pg_wchar.h"
#include "plan/plan_internal.h"
#include "plan/plan_title.h"

#define MAX_LABEL 100			/* characters */

static const char *const search_keys[] = {"path", "label"};

/*--- title ---*/

/* Adds a problem if the path speaks of more than the event. */
static void
check_root(const ScopePath *path, Problems *problems)
{
	if (path->root == SCOPE_STEPS || path->root == SCOPE_NOW)
		problem_error(problems, "title", "title_root",
					  "It sees \"trigger\", \"run\", \"workflow\" and \"tenant\".",
					  "a title does not see \"%s\"",
					  scope_root_names[path->root]);
}

/* Checks the paths of each expression of the title. */
static void
check_roots(const char *text, Problems *problems)
{
	int			len = strlen(text);
	const char *open = strstr(text, "{{");

	while (open != NULL)
	{
		int			pos = open - text +2;
		Mistake		mistake = {0};
		Expression *expression = NULL;
		ListCell   *lc;

		if (open == text ||open[-1] != '\\')
			expression = expression_parse(text, len, &pos, NULL, &mistake);
		if (expression != NULL)
		{
			check_root(expression_path(expression), problems);
			foreach(lc, expression_argument_paths(expression))
				check_root(lfirst(lc), problems);
			open = strstr(text +pos, "{{");
		}
		else
			open = strstr(open + 2, "{{");
	}
}

Template *
plan_compile_title(const JsonbValue *json, Problems *problems)
{
	int			nerrors = problems->nerrors;
	char	   *text;
	Template   *title;

	if (json->type != jbvString)
	{
		problem_type(problems, "title",
					 "Write it as in \"Order {{ trigger.order_id }}\".",
					 "title", "a string", json);
		return NULL;
	}
	text = json_cstring(json);

	if (*text == '\0' || pg_mbstrlen(text) > PLAN_MAX_TEXT)
	{
		problem_error(problems, "title", "text_length", NULL,
					  "title must have 1 to %d characters", PLAN_MAX_TEXT);
		return NULL;
	}
	check_roots(text, problems);
	if (problems->nerrors != nerrors)
		return NULL;
	title = template_compile_text(text, strlen(text), "title", NULL,
								  problems);
	return problems->nerrors == nerrors ? title : NULL;
}

/*--- search ---*/

static ScopePath *
compile_path(const JsonbValue *json, const char *path, Problems *problems)
{
	char	   *text = plan_text(json, "path", path, problems);
	Mistake		mistake = {0};
	ScopePath  *result;

	if (text == NULL)
	{
		if (json_member(json, "path") == NULL)
			problem_error(problems, path, "missing_key",
						  "Write it as in {\"path\": \"trigger.order_id\"}.",
						  "%s is missing", "path");
		return NULL;
	}
	path = problem_path_member(path, "path");
	result = scope_path_parse(text, strlen(text), NULL, &mistake);
	if (result == NULL)
	{
		/* the payload's name is the only root that can be meant */
		if (scope_root_length(text, strlen(text)) == 0)
			mistake.hint = psprintf("Write trigger.%s, if the payload's is meant.",
							text);
		problem_mistake(problems, path, &mistake, text, strlen(text));
		return NULL;
	}
	if (result->root != SCOPE_TRIGGER || result->nparts < 2)
	{
		problem_error(problems, path, "search_root",
					  "Write trigger and what of it, as in \"trigger.order_id\".",
					  "only values of the payload are searched");
		return NULL;
	}
	return result;
}

/* Appends a label to labels, unless it has a problem. */
static List *
compile_label(List *labels, const JsonbValue *json, const char *path,
			  Problems *problems)
{
	char	   *text;

	if (json->type != jbvString)
	{
		problem_type(problems, path, NULL, "label", "a string", json);
		return labels;
	}
	text = json_cstring(json);

	if (*text == '\0' || pg_mbstrlen(text) > MAX_LABEL)
	{
		problem_error(problems, path, "text_length", NULL,
					  "label must have 1 to %d characters", MAX_LABEL);
		return labels;
	}
	return lappend(labels, text);
}

/* One text for every language, or an object with a text for each. */
static List *
compile_labels(const JsonbValue *json, const char *path, Problems *problems)
{
	JsonbValue *value = json_member(json, "label");
	List	   *labels = NIL;
	JsonMember *members;
	int			n;

	if (value == NULL)
		return NIL;
	path = problem_path_member(path, "label");
	if (!json_is_object(value))
	{
		if (value->type == jbvString)
			return compile_label(NIL, value, path, problems);
		problem_type(problems, path,
					 "Write it as in {\"en\": \"Order\", \"fr\": \"Commande\"}.",
					 "label",
					 "a string, or an object with a string for each language",
					 value);
		return NIL;
	}
	members = json_members(value, &n);
	if (n > PLAN_MAX_LABELS)
		problem_error(problems, path, "number_of_labels", NULL,
					  "a key has at most %d labels",
					  PLAN_MAX_LABELS);
	for (int i = 0; i < Min(n, PLAN_MAX_LABELS); i++)
		labels = compile_label(labels, &members[i].value,
							   problem_path_member(path, members[i].key),
							   problems);
	return labels;
}

/* NULL after adding a problem. */
static PlanSearchKey *
compile_key(const JsonbValue *json, const char *path, Problems *problems)
{
	PlanSearchKey *key = palloc0(sizeof(PlanSearchKey));

	if (!json_is_object(json))
	{
		problem_type(problems, path,
					 "Write it as in {\"path\": \"trigger.order_id\"}.",
					 "a key to search", "an object", json);
		return NULL;
	}
	plan_check_keys(json, path, search_keys, lengthof(search_keys), problems);
	key->path = compile_path(json, path, problems);
	key->labels = compile_labels(json, path, problems);
	return key->path != NULL ? key : NULL;
}

/* Is the path among the keys? */
static bool
has_path(const List *keys, const ScopePath *path)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		const PlanSearchKey *key = lfirst(lc);

		if (strcmp(key->path->text, path->text) == 0)
			return true;
	}
	return false;
}

List *
plan_compile_search(const JsonbValue *json, Problems *problems)
{
	List	   *keys = NIL;
	JsonMember *members;
	int			n;

	if (!json_is_array(json))
	{
		problem_type(problems, "search",
					 "Write it as in [{\"path\": \"trigger.order_id\"}].",
					 "search", "an array", json);
		return NIL;
	}
	members = json_members(json, &n);
	if (n > PLAN_MAX_SEARCH)
		problem_error(problems, "search", "number_of_keys", NULL,
					  "a definition has at most %d keys to search",
					  PLAN_MAX_SEARCH);
	for (int i = 0; i < Min(n, PLAN_MAX_SEARCH); i++)
	{
		const char *path = problem_path_element("search", i);
		PlanSearchKey *key = compile_key(&members[i].value, path, problems);

		if (key != NULL && has_path(keys, key->path))
			problem_error(problems, problem_path_member(path, "path"),
						  "duplicate_path", NULL,
						  "path \"%s\" is used before", key->path->text);
		else if (key != NULL)
			keys = lappend(keys, key);
	}
	return keys;
}

/*--- of definitions that have been saved ---*/

/* The member of a definition; NULL: it has none. */
static JsonbValue *
saved_member(Jsonb *definition, const char *key)
{
	JsonbValue	json;

	json_of_jsonb(definition, &json);
	return json_is_object(&json) ? json_member(&json, key) : NULL;
}

Template *
plan_title_of(Jsonb *definition)
{
	Problems	problems = {0};
	JsonbValue *value = saved_member(definition, "title");

	return value != NULL ? plan_compile_title(value, &problems) : NULL;
}

List *
plan_search_of(Jsonb *definition)
{
	Problems	problems = {0};
	JsonbValue *value = saved_member(definition, "search");

	return value != NULL ? plan_compile_search(value, &problems) : NIL;
}
