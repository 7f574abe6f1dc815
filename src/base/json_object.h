/*
 * json_object.h
 *	  JSON objects, member by member.
 */
#ifndef WF_JSON_OBJECT_H
#define WF_JSON_OBJECT_H

#include "postgres.h"
#include "utils/jsonb.h"

typedef struct ObjectBuilder
{
	JsonbParseState *state;
} ObjectBuilder;

/*
 * object_begin() begins an object, object_end() returns it, palloc'd.  What is
 * added must stay valid until then, since it is copied only there.  NULL as a
 * text or as a jsonb becomes JSON's null.
 */
extern void object_begin(ObjectBuilder *b);
extern void object_text(ObjectBuilder *b, const char *key, const char *text);
extern void object_number(ObjectBuilder *b, const char *key, int64 number);
extern void object_bool(ObjectBuilder *b, const char *key, bool value);
extern void object_json(ObjectBuilder *b, const char *key, Jsonb *json);
extern void object_value(ObjectBuilder *b, const char *key,
						 JsonbValue *value);
extern Jsonb *object_end(ObjectBuilder *b);

#endif							/* WF_JSON_OBJECT_H */
