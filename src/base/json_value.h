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

/*
 * Sets *value to what a jsonb holds: a scalar itself, or a container as
 * jbvBinary, which points into the jsonb.
 */
extern void json_of_jsonb(Jsonb *jsonb, JsonbValue *value);

extern bool json_is_object(const JsonbValue *value);
extern bool json_is_array(const JsonbValue *value);

/* How many members or elements a container has. */
extern int	json_count(const JsonbValue *container);

/* "string", "number", "boolean", "null", "object" or "array". */
extern const char *json_type(const JsonbValue *value);

/* The same with its article, as messages need it: "an object", "null". */
extern const char *json_a_type(const JsonbValue *value);

/* A member of an object, palloc'd; NULL if there is none.  Not for others. */
extern JsonbValue *json_member(const JsonbValue *object, const char *key);

/* All members or elements, *n of them, palloc'd. */
extern JsonMember *json_members(const JsonbValue *container, int *n);

/* Sets *value to a string, which points to text: len bytes of it. */
extern void json_set_string(JsonbValue *value, const char *text, int len);

/* The text of a string, palloc'd. */
extern char *json_cstring(const JsonbValue *string);

/*
 * Appends the value as a template prints it: a string without quotes, null as
 * nothing, anything else as JSON.  json_append() appends JSON for all.  Both
 * raise 54000 for a container whose numbers have so many digits that its text
 * would be many times larger than it is.
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

/*
 * The beginning of value as JSON text, at least max bytes if it has them.
 * Palloc'd.
 */
extern char *json_head(Jsonb *value, int max);

/* The value as a jsonb, palloc'd. */
extern Jsonb *json_to_jsonb(const JsonbValue *value);

/* Are both the same JSON?  Numbers are compared by value: 1 is 1.0. */
extern bool json_equal(const JsonbValue *a, const JsonbValue *b);

#endif							/* WF_JSON_VALUE_H */
