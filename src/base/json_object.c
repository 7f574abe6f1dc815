/*
 * json_object.c
 *	  JSON objects, member by member.
 *
 * Pure.  Any process.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/json_value.h"
#include "utils/numeric.h"

void
object_begin(ObjectBuilder *b)
{
	b->state = NULL;
	(void) pushJsonbValue(&b->state, WJB_BEGIN_OBJECT, NULL);
}

void
object_value(ObjectBuilder *b, const char *key, JsonbValue *value)
{
	JsonbValue	name;

	json_set_string(&name, key, strlen(key));
	(void) pushJsonbValue(&b->state, WJB_KEY, &name);
	(void) pushJsonbValue(&b->state, WJB_VALUE, value);
}

void
object_text(ObjectBuilder *b, const char *key, const char *text)
{
	JsonbValue	value = {.type = jbvNull};

	if (text != NULL)
		json_set_string(&value, text, strlen(text));
	object_value(b, key, &value);
}

void
object_number(ObjectBuilder *b, const char *key, int64 number)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	object_value(b, key, &value);
}

void
object_bool(ObjectBuilder *b, const char *key, bool value)
{
	object_value(b, key, &(JsonbValue) {.type = jbvBool,.val.boolean = value});
}

void
object_json(ObjectBuilder *b, const char *key, Jsonb *json)
{
	JsonbValue	value = {.type = jbvNull};

	if (json != NULL)
		json_of_jsonb(json, &value);
	object_value(b, key, &value);
}

Jsonb *
object_end(ObjectBuilder *b)
{
	return JsonbValueToJsonb(pushJsonbValue(&b->state, WJB_END_OBJECT, NULL));
}
