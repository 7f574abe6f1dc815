/*
 * json_value.h
 *	  Small tools on jsonb values: members, types, text.
 */
#ifndef WF_JSON_VALUE_H
#define WF_JSON_VALUE_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* One member of an object, or one element of an array (key is NULL). */
typedef struct JsonMember
{
	char	   *key;			/* palloc'd */
	JsonbValue	value;			/* points into the container */
} JsonMember;

/* What jsonb holds, root scalars unwrapped; a container is jbvBinary. */
extern void json_of_jsonb(Jsonb *jsonb, JsonbValue *value);

extern bool json_is_object(const JsonbValue *value);
extern bool json_is_array(const JsonbValue *value);
extern int	json_count(const JsonbValue *container);

/* "string", "number", "boolean", "null", "object" or "array". */
extern const char *json_type(const JsonbValue *value);

/* The same with its article, as messages need it: "an object", "null". */
extern const char *json_a_type(const JsonbValue *value);

/* A member of an object, palloc'd; NULL where there is none. */
extern JsonbValue *json_member(const JsonbValue *object, const char *key);

/* All members or elements, *n of them, palloc'd. */
extern JsonMember *json_members(const JsonbValue *container, int *n);

/* Fills *value with a string that points to text. */
extern void json_set_string(JsonbValue *value, const char *text, int len);
extern char *json_cstring(const JsonbValue *string);

/*
 * Appends what interpolation prints: strings bare, null as nothing, all else
 * as JSON text.  json_append prints null and quotes strings too.
 */
extern void json_append_text(StringInfo buf, const JsonbValue *value);
extern void json_append(StringInfo buf, const JsonbValue *value);

/* What json_append_text() appends, palloc'd. */
extern char *json_text(const JsonbValue *value);

/*
 * The member as a text, palloc'd; NULL if it is missing or no string, or if
 * object is no object.
 */
extern char *json_member_string(const JsonbValue *object, const char *key);

/*
 * What is found on a path of keys and, in arrays, of numbers from 0: a string
 * or a number as its text, palloc'd; NULL if it is missing or anything else,
 * or if json is NULL.
 */
extern char *json_text_at(const Jsonb *json, const char *const *path,
						  int npath);
#define JSON_TEXT(json, ...) \
	json_text_at(json, (const char *const[]) {__VA_ARGS__}, \
				 lengthof(((const char *const[]) {__VA_ARGS__})))

/* A jsonb of its own, palloc'd. */
extern Jsonb *json_to_jsonb(const JsonbValue *value);

/* JSON equality; numbers by value.  Both of any type. */
extern bool json_equal(const JsonbValue *a, const JsonbValue *b);

#endif							/* WF_JSON_VALUE_H */
