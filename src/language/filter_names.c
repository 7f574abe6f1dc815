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
	{"round", NUMBER_HINT},
	{"money", NUMBER_HINT},
	{"currency", NUMBER_HINT},
	{"format_number", NUMBER_HINT},
	{"number_format", NUMBER_HINT}
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
