/*
 * connection_check_values.c
 *	  Values in a row of workflow_connections, and the keys of an object in it.
 *
 * Runs in the session that writes the row, for the table's trigger.  Messages
 * name keys and never quote a value, since values are secrets.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/mime.h"
#include "connection/connection_check_internal.h"
#include "connection/secret.h"
#include "transfer/url.h"

/*--- values ---*/

const char *
connection_text_problem(const JsonbValue *value, bool secret)
{
	if (value->type == jbvNumeric)
		return NULL;
	if (value->type != jbvString || value->val.string.len == 0)
		return "must be a text";
	return mime_header_value_valid(json_cstring(value), false) ? NULL
		: "has a control character";
}

const char *
connection_base_url_problem(const JsonbValue *value, bool secret)
{
	if (value->type != jbvString)
		return "must be a text";
	return url_problem(json_cstring(value), "http", true);
}

const char *
connection_secret_problem(const JsonbValue *value, bool secret)
{
	return secret_shape_valid(value) ? NULL
		: "must be a text without control characters, or {\"file\": \"name\"}";
}

const char *
connection_each_problem(const JsonbValue *value, bool secret,
			 const char *(*problem) (const JsonbValue *, bool))
{
	JsonMember *each;
	int			n;

	if (!json_is_object(value))
		return "must be an object";
	each = json_members(value, &n);
	for (int i = 0; i < n; i++)
	{
		const char *wrong = problem(&each[i].value, secret);

		if (wrong != NULL)
			return psprintf("\"%s\" %s", each[i].key, wrong);
	}
	return NULL;
}

/*--- keys ---*/

static const ConnectionKey *
find_key(const ConnectionKey *keys, const char *name, int place)
{
	for (const ConnectionKey *key = keys; key->name != NULL; key++)
	{
		if (strcmp(key->name, name) == 0 && (key->place & place) != 0)
			return key;
	}
	return NULL;
}

static char *
unknown_key_hint(const ConnectionKey *keys, const char *name, int place)
{
	const char *names[8];
	int			n = 0;

	for (const ConnectionKey *key = keys; key->name != NULL; key++)
	{
		if ((key->place & place) != 0 && n < lengthof(names))
			names[n++] = key->name;
	}
	return nearest_word_hint(name, names, n);
}

void
connection_check_members(const ConnectionKey *keys, int place,
						 const JsonbValue *object, const char *path,
						 Problems *problems)
{
	int			n;
	JsonMember *each = json_members(object, &n);

	for (int i = 0; i < n; i++)
	{
		char	   *member = psprintf("%s.%s", path, each[i].key);
		const ConnectionKey *key = find_key(keys, each[i].key, place);
		const char *wrong = key == NULL ? NULL
			: key->problem(&each[i].value, place == IN_CREDENTIALS);

		if (key == NULL)
			problem_error(problems, member, "unknown_key",
						  unknown_key_hint(keys, each[i].key, place),
						  "is not known");
		else if (wrong != NULL)
			problem_error(problems, member, "bad_value", NULL, "%s", wrong);
	}
	for (const ConnectionKey *key = keys; key->name != NULL; key++)
	{
		if (key->required && (key->place & place) != 0 &&
			json_member(object, key->name) == NULL)
			problem_error(problems, psprintf("%s.%s", path, key->name),
						  "missing_key", NULL, "is missing");
	}
}
