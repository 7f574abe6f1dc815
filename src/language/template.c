/*
 * template.c
 *	  Renders JSON values with {{ path | filter }} in their strings.
 *
 * Values are escaped, and what the author of the definition wrote is not
 * (template_section.c).  In a list of mail addresses, a {{...}} that is the
 * whole text is not escaped, so it may be a list.  For HTML, Slack and Teams,
 * the strings in an array or an object are escaped one by one; keys are not.
 *
 * Templates are compiled in template_compile.c.  They are rendered in any
 * process, into the current memory context.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/template_node.h"
#include "miscadmin.h"

TemplateShape
template_shape(const Template *t)
{
	return t->shape;
}

const JsonbValue *
template_constant(const Template *t)
{
	Assert(t->shape == TEMPLATE_CONSTANT);
	return &t->constant;
}

const char **
template_keys(const Template *t, int *n)
{
	Assert(t->shape == TEMPLATE_OBJECT);
	*n = t->n;
	return (const char **) t->keys;
}

const Template *const *
template_elements(const Template *t, int *n)
{
	Assert(t->shape == TEMPLATE_ARRAY);
	*n = t->n;
	return (const Template *const *) t->children;
}

const Template *
template_member(const Template *t, const char *key)
{
	if (t->shape != TEMPLATE_OBJECT)
		return NULL;
	for (int i = 0; i < t->n; i++)
	{
		if (strcmp(t->keys[i], key) == 0)
			return t->children[i];
	}
	return NULL;
}

static bool
is_by_member(TemplateEscape escape)
{
	return escape == ESCAPE_BLOCKS || escape == ESCAPE_CARD;
}

static void
set_escape(Renderer *r, TemplateEscape escape)
{
	r->context = escape;
	r->escape = is_by_member(escape) ? ESCAPE_NONE : escape;
	r->container = NULL;
}

/* About how many bytes value takes. */
static Size
size_of(const JsonbValue *value)
{
	if (value->type == jbvString)
		return value->val.string.len;
	if (value->type == jbvBinary)
		return value->val.binary.len;
	return 1;
}

static void
push_key(JsonbParseState **state, const char *key, int len)
{
	JsonbValue	value;

	json_set_string(&value, key, len);
	pushJsonbValue(state, WJB_KEY, &value);
}

static JsonbValue *
escaped_string(const JsonbValue *value, TemplateEscape escape)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));
	StringInfoData buf;

	initStringInfo(&buf);
	escape_append(&buf, value->val.string.val, value->val.string.len, escape);
	json_set_string(result, buf.data, buf.len);
	return result;
}

/* A copy of a container with all strings in it escaped, keys excepted. */
static JsonbValue *
escaped_container(const JsonbValue *value, TemplateEscape escape)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	item;
	JsonbValue *result = NULL;

	while ((token = JsonbIteratorNext(&it, &item, false)) != WJB_DONE)
	{
		bool		has_value = token == WJB_KEY || token == WJB_VALUE ||
			token == WJB_ELEM;

		CHECK_FOR_INTERRUPTS();
		if ((token == WJB_VALUE || token == WJB_ELEM) &&
			item.type == jbvString)
			item = *escaped_string(&item, escape);
		result = pushJsonbValue(&state, token, has_value ? &item : NULL);
	}
	return result;
}

/* The value of a TEMPLATE_VALUE, with its type. */
static JsonbValue *
typed_value(const Template *t, Renderer *r)
{
	JsonbValue *value = expression_evaluate(t->pieces[0].expression,
											r->scope);

	template_account(r, size_of(value));
	/* it is the whole text, see above */
	if (r->escape == ESCAPE_NONE || r->escape == ESCAPE_URL ||
		r->escape == ESCAPE_ADDRESS)
		return value;
	if (r->escape == ESCAPE_PATH &&
		expression_is_url_encoded(t->pieces[0].expression))
		return value;
	if (value->type == jbvString)
		return escaped_string(value, r->escape);
	if (value->type == jbvBinary)
		return escaped_container(value, r->escape);
	return value;
}

/* The value of a template that is no container. */
static JsonbValue *
leaf_value(const Template *t, Renderer *r)
{
	StringInfoData buf;
	JsonbValue *result;

	if (t->shape == TEMPLATE_CONSTANT)
		return unconstify(JsonbValue *, &t->constant);
	if (t->shape == TEMPLATE_VALUE)
		return typed_value(t, r);

	initStringInfo(&buf);
	template_append_pieces(&buf, t->pieces, t->n, r);
	result = palloc(sizeof(JsonbValue));
	json_set_string(result, buf.data, buf.len);
	return result;
}

/* Pushes the rendered t, as an element or as a member's value. */
static JsonbValue *
push_rendered(JsonbParseState **state, JsonbIteratorToken token,
			  const Template *t, Renderer *r)
{
	bool		is_object = t->shape == TEMPLATE_OBJECT;
	Renderer	outer = *r;

	check_stack_depth();
	if (!is_object && t->shape != TEMPLATE_ARRAY)
		return pushJsonbValue(state, token, leaf_value(t, r));

	pushJsonbValue(state, is_object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY,
				   NULL);
	for (int i = 0; i < t->n; i++)
	{
		if (is_object)
			push_key(state, t->keys[i], strlen(t->keys[i]));
		if (is_object && is_by_member(r->context))
		{
			r->escape = template_escape_at(r->context, outer.container, t,
										   t->keys[i]);
			r->container = t->keys[i];
		}
		push_rendered(state, is_object ? WJB_VALUE : WJB_ELEM,
					  t->children[i], r);
	}
	r->escape = outer.escape;
	r->container = outer.container;
	return pushJsonbValue(state, is_object ? WJB_END_OBJECT : WJB_END_ARRAY,
						  NULL);
}

Jsonb *
template_render(const Template *t, const Scope *scope, TemplateEscape escape)
{
	Renderer	r = {.scope = scope};
	JsonbParseState *state = NULL;

	set_escape(&r, escape);
	if (t->shape == TEMPLATE_OBJECT || t->shape == TEMPLATE_ARRAY)
		return JsonbValueToJsonb(push_rendered(&state, WJB_ELEM, t, &r));
	return JsonbValueToJsonb(leaf_value(t, &r));
}

Jsonb *
template_render_object(const Template *t, const Scope *scope,
					   TemplateEscapeFor escape_for, void *arg)
{
	Renderer	r = {.scope = scope};
	JsonbParseState *state = NULL;

	if (t->shape != TEMPLATE_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template is not an object")));

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < t->n; i++)
	{
		if (escape_for != NULL)
			set_escape(&r, escape_for(t->keys[i], arg));
		push_key(&state, t->keys[i], strlen(t->keys[i]));
		push_rendered(&state, WJB_VALUE, t->children[i], &r);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

char *
template_render_text(const Template *t, const Scope *scope,
					 TemplateEscape escape)
{
	return template_render_text_at(t, scope, escape, NULL);
}

char *
template_render_text_at(const Template *t, const Scope *scope,
						TemplateEscape escape, int *at)
{
	Renderer	r = {.scope = scope, .at = at};
	StringInfoData buf;

	set_escape(&r, escape);
	initStringInfo(&buf);
	if (t->shape == TEMPLATE_VALUE || t->shape == TEMPLATE_TEXT)
		template_append_pieces(&buf, t->pieces, t->n, &r);
	else
	{
		JsonbValue	value;

		json_of_jsonb(template_render(t, scope, escape), &value);
		json_append_text(&buf, &value);
	}
	return buf.data;
}
