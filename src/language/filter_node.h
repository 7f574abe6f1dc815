/*
 * filter_node.h
 *	  What a filter is, and what the files filter*.c call of one another.  No
 *	  other file includes it.
 */
#ifndef WF_FILTER_NODE_H
#define WF_FILTER_NODE_H

#include "base/json_value.h"
#include "language/filter.h"
#include "utils/numeric.h"

/* What a filter takes as an argument. */
typedef enum FilterArgument
{
	ARGUMENT_ANY,
	ARGUMENT_TEXT,				/* not empty */
	ARGUMENT_ANY_TEXT,
	ARGUMENT_NUMBER,
	ARGUMENT_WHOLE,				/* a whole number that an int holds */
	ARGUMENT_COUNT				/* the same, and not negative */
} FilterArgument;

/* A filter that is applied; args are the values of its arguments. */
typedef struct FilterCall
{
	const Filter *filter;
	const JsonbValue *args;
} FilterCall;

/* From a value that is neither missing nor (but for two) null to a value. */
typedef JsonbValue *(*FilterFunction) (const FilterCall *call,
									   JsonbValue *value);

struct FilterDef
{
	const char *name;
	const char *example;		/* what may stand in {{ }} */
	int			min_args;
	int			max_args;
	FilterArgument args[FILTER_MAX_ARGS];
	bool		needs_whole;	/* see filter_needs_whole() */
	FilterFunction apply;
};

/*
 * Raises 22023: the filter cannot take the value, which is what place names.
 * A macro, so that the compiler sees that it does not return.
 */
#define filter_refuse(call, value, place) \
	ereport(ERROR, \
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), \
			 errmsg("filter \"%s\" cannot take %s: %s is %s", \
					(call)->filter->def->name, json_a_type(value), place, \
					json_a_type(value))))

/*--- filter_argument.c ---*/

/*
 * What an argument must be instead of what it is, as in "a number"; NULL: it
 * may be what it is.
 */
extern const char *filter_argument_expects(FilterArgument argument,
										   const JsonbValue *value);

/*
 * Raises 22023 if the value of an argument that is a path is not what the
 * filter takes.
 */
extern void filter_check_paths(const FilterCall *call);

/* The value of an argument that is a whole number. */
extern int	filter_int(const FilterCall *call, int arg);

/*--- filter_value.c ---*/

/* Values, palloc'd; filter_string()'s points to the text. */
extern JsonbValue *filter_string(const char *text, int len);
extern JsonbValue *filter_number_value(Numeric number);
extern JsonbValue *filter_array_value(JsonbValue *const *elements, int n);
extern JsonbValue *filter_null(void);

/* Raises 54000 if a text that the filter makes has become too large. */
extern void filter_check_size(const FilterCall *call, int len);

/* The elements of an array, *n of them, palloc'd.  Raises 22023. */
extern JsonMember *filter_elements(const FilterCall *call, JsonbValue *value,
								   int *n);

/*
 * A member of element number i, palloc'd, or NULL.  Raises 22023 if the
 * element is no object.
 */
extern JsonbValue *filter_member(const FilterCall *call,
								 const JsonbValue *element, int i,
								 const char *name);

/*
 * What a filter such as "sort" looks at: the members that an argument names,
 * of the elements, or if there is no such argument the elements; palloc'd.
 * Raises 22023 if an element is no object or lacks the member.
 */
extern JsonbValue **filter_keys(const FilterCall *call, int arg,
								JsonMember *elements, int n);

/* Where key number i is, for messages: "[2].price of trigger.lines". */
extern char *filter_key_place(const FilterCall *call, int arg, int i);

/*--- filter_text.c ---*/

/*
 * text[0..*len), which is UTF-8, without the blanks at both ends: where the
 * rest begins, and its length in *len.
 */
extern const char *filter_trimmed(const char *text, int *len);

extern JsonbValue *filter_upper(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_lower(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_trim(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_json(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_urlencode(const FilterCall *call,
									JsonbValue *value);
extern JsonbValue *filter_split(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_replace(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_truncate(const FilterCall *call,
								   JsonbValue *value);

/*
 * What is wrong with the arguments of "truncate": its number of characters has
 * no room for what it puts at the end.  Palloc'd; NULL if nothing is.
 */
extern char *filter_truncate_wrong(const FilterCall *call);

/* A part of a text, in characters; from < 0 counts from its end. */
extern JsonbValue *filter_slice_text(const FilterCall *call,
									 JsonbValue *value);

/*--- filter_number.c ---*/

/* a / b without zeros at its end.  Raises 22012. */
extern Numeric filter_quotient(Numeric a, Numeric b);

extern JsonbValue *filter_number(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_date(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_plus(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_minus(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_times(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_divided_by(const FilterCall *call,
									 JsonbValue *value);
extern JsonbValue *filter_round(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_abs(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_to_number(const FilterCall *call,
									JsonbValue *value);

/*--- filter_array.c ---*/

extern JsonbValue *filter_length(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_join(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_first(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_last(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_slice(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_map(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_where(const FilterCall *call, JsonbValue *value);

/*--- filter_aggregate.c ---*/

extern JsonbValue *filter_sum(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_min(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_max(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_avg(const FilterCall *call, JsonbValue *value);

/*--- filter_sort.c ---*/

extern JsonbValue *filter_sort(const FilterCall *call, JsonbValue *value);
extern JsonbValue *filter_uniq(const FilterCall *call, JsonbValue *value);

#endif							/* WF_FILTER_NODE_H */
