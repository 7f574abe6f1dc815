/*
 * filter_names.c
 *	  The names of our filters in other template languages: for hints.
 *
 * Pure; results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/filter.h"

#define DATE_HINT \
	"Write date: \"YYYY-MM-DD\"; its pictures are those of to_char."
#define NUMBER_HINT \
	"Write number: \"FM999,990.00\"; its pictures are those of to_char."

static const struct
{
	const char *word;
	const char *hint;
}			other_names[] = {
	{"upcase", "Write \"upper\"."},
	{"uppercase", "Write \"upper\"."},
	{"toUpperCase", "Write \"upper\"."},
	{"downcase", "Write \"lower\"."},
	{"lowercase", "Write \"lower\"."},
	{"toLowerCase", "Write \"lower\"."},
	{"strip", "Write \"trim\"."},
	{"size", "Write \"length\"."},
	{"count", "Write \"length\"."},
	{"implode", "Write join: \", \"."},
	{"tojson", "Write \"json\"."},
	{"to_json", "Write \"json\"."},
	{"stringify", "Write \"json\"."},
	{"url_encode", "Write \"urlencode\"."},
	{"encodeURIComponent", "Write \"urlencode\"."},
	{"d", "Write default: \"x\"."},
	{"fallback", "Write default: \"x\"."},
	{"date_format", DATE_HINT},
	{"format_date", DATE_HINT},
	{"strftime", DATE_HINT},
	{"money", NUMBER_HINT},
	{"currency", NUMBER_HINT},
	{"format_number", NUMBER_HINT},
	{"number_format", NUMBER_HINT},
	{"add", "Write plus: 5, or plus: trigger.shipping."},
	{"subtract", "Write minus: 5, or minus: trigger.paid."},
	{"multiply", "Write times: 5, or times: trigger.quantity."},
	{"multiplied_by", "Write times: 5, or times: trigger.quantity."},
	{"divide", "Write divided_by: 5, or divided_by: trigger.parts."},
	{"average", "Write \"avg\"."},
	{"mean", "Write \"avg\"."},
	{"unique", "Write \"uniq\"."},
	{"distinct", "Write \"uniq\"."},
	{"filter", "Write where: \"status\", \"paid\"."},
	{"select", "Write where: \"status\", \"paid\"."},
	{"pluck", "Write map: \"sku\"."},
	{"sort_by", "Write sort: \"price\"."},
	{"order_by", "Write sort: \"price\"."},
	{"substring", "Write slice: 0, 10; the first character is 0."},
	{"substr", "Write slice: 0, 10; the first character is 0."},
	{"explode", "Write split: \",\"."},
	{"shorten", "Write truncate: 40."},
	{"excerpt", "Write truncate: 40."},
	{"int", "Write \"to_number\"."},
	{"float", "Write \"to_number\"."},
	{"to_i", "Write \"to_number\"."},
	{"to_f", "Write \"to_number\"."},
	{"parseInt", "Write \"to_number\"."},
	{"parseFloat", "Write \"to_number\"."},
	{"toNumber", "Write \"to_number\"."}
};

char *
filter_foreign_hint(const char *name)
{
	for (int i = 0; i < lengthof(other_names); i++)
	{
		if (pg_strcasecmp(other_names[i].word, name) == 0)
			return pstrdup(other_names[i].hint);
	}
	return NULL;
}
