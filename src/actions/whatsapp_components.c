/*
 * whatsapp_components.c
 *	  The components of a WhatsApp message template: its variables' values.
 *
 * Runs in a worker.  A variable is a scalar, which is sent as a text, or an
 * object in the API's own form: {"type": "image", "image": {...}}.  In the
 * named form a variable's key becomes its parameter_name, whichever form the
 * value has; media have no name unless the object gives one.
 *
 * The API refuses a text with line breaks, tabs or many blanks in a row, and
 * an empty one, with an error that does not say which variable it was.  So
 * such white space becomes one blank here, and what is empty fails.
 */
#include "postgres.h"
#include "compat.h"

#include "action/outcome.h"
#include "actions/whatsapp.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/utf8.h"
#include "mb/pg_wchar.h"

/* Of a whole header or body, so of one variable too. */
#define MAX_HEADER_CHARACTERS 60
#define MAX_BODY_CHARACTERS 32768
#define MAX_BUTTON_CHARACTERS 2000

/* One of the parameters header_vars, template_vars and button_vars. */
typedef struct Component
{
	const char *param;
	const char *type;			/* the API's word */
	int			max_characters; /* of a text */
} Component;

static const Component header_component = {
	"header_vars", "header", MAX_HEADER_CHARACTERS
};
static const Component body_component = {
	"template_vars", "body", MAX_BODY_CHARACTERS
};
static const Component button_component = {
	"button_vars", "button", MAX_BUTTON_CHARACTERS
};

/* A variable, and what it is called in messages. */
typedef struct Variable
{
	const Component *component;
	const char *key;
	bool		named;
	const JsonbValue *value;
} Variable;

static void
bad_value(const Variable *v, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" in parameter \"%s\" %s", v->key,
					v->component->param, what)));
}

/*
 * text without line breaks and tabs, and with one blank for a run of blanks.
 * Both in the database's encoding.
 */
static char *
one_line(const char *text)
{
	char	   *utf8 = to_utf8(text);
	StringInfoData buf;
	bool		blank = false;
	int			len;

	initStringInfo(&buf);
	for (const char *p = utf8; *p; p += len)
	{
		uint32		c = utf8_read(p, &len);

		if (c != ' ' && !utf8_is_control(c))
			appendBinaryStringInfo(&buf, p, len);
		else if (!blank)
			appendStringInfoChar(&buf, ' ');
		blank = c == ' ' || utf8_is_control(c);
	}
	return pstrdup(pg_any_to_server(buf.data, buf.len, PG_UTF8));
}

/* A scalar as a text that the API takes. */
static char *
variable_text(const Variable *v, const JsonbValue *value)
{
	int			max = v->component->max_characters;
	StringInfoData buf;
	char	   *text;
	int			n;

	initStringInfo(&buf);
	json_append_text(&buf, value);
	if (utf8_is_empty(to_utf8(buf.data)))
		bad_value(v, "is empty");
	text = one_line(buf.data);
	n = pg_mbstrlen(text);
	if (n > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" in parameter \"%s\" has %d characters, and WhatsApp takes at most %d",
						v->key, v->component->param, n, max)));
	return text;
}

/*
 * Adds a member of {"link": ...}, {"fallback_value": ...} and their like.
 * The fallback_value of a currency or a date is shown like a text.
 */
static void
add_inner(ObjectBuilder *b, const Variable *v, const JsonMember *member)
{
	const char *key = member->key;
	JsonbValue *value = unconstify(JsonbValue *, &member->value);

	if (value->type != jbvString)
		object_value(b, key, value);
	else if (strcmp(key, "fallback_value") == 0)
		object_text(b, key, variable_text(v, value));
	else if ((strcmp(key, "link") == 0 || strcmp(key, "id") == 0) &&
			 utf8_is_empty(to_utf8(json_cstring(value))))
		bad_value(v, psprintf("has an empty \"%s\"", key));
	else
		object_value(b, key, value);
}

/* Adds a member of an object in the API's own form. */
static void
add_member(ObjectBuilder *b, const Variable *v, const JsonMember *member)
{
	const JsonbValue *value = &member->value;
	JsonMember *inner;
	ObjectBuilder copy;
	int			n;

	if (value->type == jbvString && strcmp(member->key, "text") == 0)
		object_text(b, member->key, variable_text(v, value));
	else if (value->type == jbvString &&
			 utf8_is_empty(to_utf8(json_cstring(value))))
		bad_value(v, psprintf("has an empty \"%s\"", member->key));
	else if (!json_is_object(value))
		object_value(b, member->key, unconstify(JsonbValue *, value));
	else
	{
		inner = json_members(value, &n);
		object_begin(&copy);
		for (int i = 0; i < n; i++)
			add_inner(&copy, v, &inner[i]);
		object_json(b, member->key, object_end(&copy));
	}
}

/*
 * Appends an object in the API's own form, with that type; without the member
 * sub_type, which belongs to a button and not to its parameter.
 */
static void
append_object(StringInfo json, const Variable *v, const char *type)
{
	ObjectBuilder b;
	JsonbValue	value;
	JsonMember *members;
	bool		takes_name = strcmp(type, "text") == 0 ||
		strcmp(type, "currency") == 0 || strcmp(type, "date_time") == 0;
	int			n;

	if (json_member(v->value, type) == NULL)
		bad_value(v, psprintf("has the type \"%s\" but no member \"%s\"",
							  type, type));
	members = json_members(v->value, &n);
	object_begin(&b);
	for (int i = 0; i < n; i++)
	{
		if (strcmp(members[i].key, "type") != 0 &&
			strcmp(members[i].key, "sub_type") != 0)
			add_member(&b, v, &members[i]);
	}
	object_text(&b, "type", type);
	if (v->named && takes_name &&
		json_member(v->value, "parameter_name") == NULL)
		object_text(&b, "parameter_name", v->key);
	json_of_jsonb(object_end(&b), &value);
	json_append(json, &value);
}

/* Appends one parameter of a component. */
static void
append_value(StringInfo json, const Variable *v)
{
	ObjectBuilder b;
	JsonbValue	value;
	char	   *type;

	if (v->value->type == jbvNull)
		bad_value(v, "is null");
	if (json_is_object(v->value))
	{
		type = json_member_string(v->value, "type");
		if (type == NULL)
			bad_value(v, "is an object without \"type\"");
		append_object(json, v, type);
		return;
	}
	if (v->value->type == jbvBinary)
		bad_value(v, "is an array");
	object_begin(&b);
	object_text(&b, "type", "text");
	if (v->named)
		object_text(&b, "parameter_name", v->key);
	object_text(&b, "text", variable_text(v, v->value));
	json_of_jsonb(object_end(&b), &value);
	json_append(json, &value);
}

/*
 * The variables of a parameter, *n of them; NULL if it is absent or empty.
 * An object that is itself in the API's own form is one variable.
 */
static Variable *
get_variables(const Call *call, const Component *component, int *n)
{
	Jsonb	   *json = param_json(call, component->param);
	JsonbValue *value = palloc(sizeof(JsonbValue));
	JsonbValue *inner;
	JsonMember *members;
	Variable   *variables;
	char	   *type;

	if (json == NULL)
		return NULL;
	json_of_jsonb(json, value);
	if (!json_is_object(value) && !json_is_array(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be an object or an array, not %s",
						component->param, json_a_type(value))));
	type = json_member_string(value, "type");
	inner = type != NULL ? json_member(value, type) : NULL;
	members = json_members(value, n);
	variables = palloc(sizeof(Variable) * Max(*n, 1));
	if (inner != NULL && json_is_object(inner))
	{
		*n = 1;
		variables[0] = (Variable) {component, "0", false, value};
		return variables;
	}
	for (int i = 0; i < *n; i++)
		variables[i] = (Variable) {
			component,
			json_is_object(value) ? members[i].key : psprintf("%d", i),
			json_is_object(value), &members[i].value
		};
	return *n > 0 ? variables : NULL;
}

/* A header or body component. */
static void
append_component(StringInfo json, const Call *call,
				 const Component *component)
{
	int			n;
	Variable   *variables = get_variables(call, component, &n);

	if (variables == NULL)
		return;
	appendStringInfo(json, "%s{\"type\":\"%s\",\"parameters\":[",
					 json->len > 0 ? "," : "", component->type);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		append_value(json, &variables[i]);
	}
	appendStringInfoString(json, "]}");
}

/*--- buttons ---*/

/* Which button takes a parameter of that type. */
static const struct
{
	const char *type;
	const char *sub_type;
}			button_types[] = {
	{"text", "url"},
	{"payload", "quick_reply"},
	{"coupon_code", "copy_code"},
	{"action", "flow"}
};

/*
 * The button's sub_type and its parameter's type, of an object.  Its type may
 * be either: people write the button's where the API wants the parameter's.
 */
static void
button_kind(const Variable *v, const char **sub_type, const char **type)
{
	char	   *given = json_member_string(v->value, "type");
	char	   *sub = json_member_string(v->value, "sub_type");
	const char *word;
	JsonbValue *action;

	word = given != NULL ? given : sub;
	if (word == NULL)
		bad_value(v, "is an object without \"type\"");
	for (int i = 0; i < lengthof(button_types); i++)
	{
		if (strcmp(word, button_types[i].type) != 0 &&
			strcmp(word, button_types[i].sub_type) != 0)
			continue;
		*type = button_types[i].type;
		*sub_type = sub != NULL ? sub : button_types[i].sub_type;
		action = json_member(v->value, "action");
		if (sub == NULL && action != NULL && json_is_object(action))
		{
			/* buttons of a catalogue have an action too */
			if (json_member(action, "sections") != NULL)
				*sub_type = "mpm";
			else if (json_member(action, "thumbnail_product_retailer_id"))
				*sub_type = "catalog";
		}
		return;
	}
	if (given == NULL || sub == NULL)
		bad_value(v, psprintf("has the type \"%s\": known are text (url), payload (quick_reply), coupon_code (copy_code) and action (flow); another needs \"sub_type\" too",
							  given != NULL ? given : sub));
	*type = given;
	*sub_type = sub;
}

static void
append_button(StringInfo json, const Variable *v)
{
	const char *sub_type = "url";
	const char *type = "text";
	Variable	unnamed = *v;

	if (json_is_object(v->value))
		button_kind(v, &sub_type, &type);
	appendStringInfo(json, "%s{\"type\":\"button\",\"sub_type\":",
					 json->len > 0 ? "," : "");
	json_append(json, &(JsonbValue) {
		.type = jbvString, .val.string.val = unconstify(char *, sub_type),
		.val.string.len = strlen(sub_type)
	});
	appendStringInfo(json, ",\"index\":\"%s\",\"parameters\":[", v->key);
	unnamed.named = false;
	if (json_is_object(v->value))
		append_object(json, &unnamed, type);
	else
		append_value(json, &unnamed);
	appendStringInfoString(json, "]}");
}

/* One component for each button that has a variable part. */
static void
append_buttons(StringInfo json, const Call *call)
{
	int			n;
	Variable   *variables = get_variables(call, &button_component, &n);

	for (int i = 0; variables != NULL && i < n; i++)
	{
		const Variable *v = &variables[i];

		if (strspn(v->key, "0123456789") != strlen(v->key) ||
			v->key[0] == '\0' || strlen(v->key) > 2)
			bad_value(v, "is not the number of a button");
		/* in an array null stands for a button without a variable part */
		if (v->named || v->value->type != jbvNull)
			append_button(json, v);
	}
}

void
whatsapp_append_components(StringInfo json, const Call *call)
{
	append_component(json, call, &header_component);
	append_component(json, call, &body_component);
	append_buttons(json, call);
}
