/*
 * condition_spelling_words.c
 *	  Reads the words and names of what should be a jsonpath.
 *
 * Outside of paths a jsonpath has few words.  Others are taken from other
 * languages, or are paths without their "$.".
 *
 * Part of the speller, see condition_spelling.c.  Pure; results live in the
 * current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/condition_spelling.h"

#define OBJECT_HINT \
	"Write it as an object: {\"field\": \"trigger.country\", \"op\": \"in\", " \
	"\"value\": [\"LB\", \"SA\"]}."
#define FUNCTION_HINT \
	"There are no functions. An object has \"ignore_case\", \"before\" and " \
	"\"after\": {\"field\": \"trigger.due\", \"op\": \"before\", " \
	"\"value_field\": \"now\"}."

/* Words that a jsonpath may have outside of paths. */
static const char *const keywords[] = {
	"true", "false", "null", "exists", "unknown", "starts", "with",
	"like_regex", "flag", "to", "last", "lax"
};

/* Words of other languages; NULL if a jsonpath has nothing for them. */
static const struct
{
	const char *word;
	const char *replacement;	/* in a jsonpath */
}			foreign_words[] = {
	{"and", "&&"}, {"or", "||"}, {"none", "null"}, {"nil", "null"},
	{"undefined", "null"}, {"true", "true"}, {"false", "false"},
	{"null", "null"}, {"in", NULL}, {"contains", NULL}, {"between", NULL},
	{"like", NULL}, {"ilike", NULL}, {"matches", NULL}, {"before", NULL},
	{"after", NULL}, {"is", NULL}, {"empty", NULL}, {"eq", "=="},
	{"ne", "!="}, {"gt", ">"}, {"gte", ">="}, {"lt", "<"}, {"lte", "<="}
};

/* The payload's name in other systems. */
static const char *const payload_words[] = {
	"payload", "event", "data", "body", "input", "json"
};

static bool
word_is_one_of(const char *word, int len, const char *const *words,
			   int nwords)
{
	for (int i = 0; i < nwords; i++)
	{
		if (word_is(word, len, words[i]))
			return true;
	}
	return false;
}

/* Reads "is null", "is not null" and "is unknown"; false if there is none. */
static bool
read_is(Speller *s, const char *end)
{
	const char *next = skip_blanks(end);
	bool		negated = pg_strncasecmp(next, "not", 3) == 0;

	if (!negated && strncmp(next, "unknown", 7) == 0)
	{
		spelling_copy(s, end);
		return true;
	}
	if (negated)
		next = skip_blanks(next + 3);
	if (pg_strncasecmp(next, "null", 4) != 0)
		return false;
	spelling_note(s, s->pos, "unknown words \"is null\"", NULL);
	spelling_write_operator(s, negated ? "!= null" : "== null", next + 4);
	return true;
}

/* Reads a word of another language; false if it is none. */
static bool
read_foreign_word(Speller *s, const char *end)
{
	int			len = end - s->pos;

	if (len == 2 && pg_strncasecmp(s->pos, "is", 2) == 0 && read_is(s, end))
		return true;
	if (len == 3 && pg_strncasecmp(s->pos, "not", 3) == 0)
	{
		char		c = spelling_last_written(s);

		/* after a path it begins an operator such as "not in", "not like" */
		spelling_note(s, s->pos,
					  psprintf("unknown word \"%.*s\"", len, s->pos),
					  is_word_byte(c) || c == ']' || c == '"' ?
					  OBJECT_HINT : NULL);
		spelling_write_not(s, end);
		return true;
	}
	for (int i = 0; i < lengthof(foreign_words); i++)
	{
		const char *word = foreign_words[i].word;

		if (strlen(word) != len || pg_strncasecmp(word, s->pos, len) != 0)
			continue;
		spelling_note(s, s->pos,
					  psprintf("unknown word \"%.*s\"", len, s->pos),
					  foreign_words[i].replacement ? NULL : OBJECT_HINT);
		spelling_write_operator(s, foreign_words[i].replacement ?
								foreign_words[i].replacement : word, end);
		return true;
	}
	return false;
}

/*
 * Reads a name at a place where a path should begin.  It is taken for a path
 * without its "$.", or without its "$.trigger.".
 */
static void
read_path_start(Speller *s, const char *end)
{
	int			len = end - s->pos;

	if (*skip_blanks(end) == '(')
	{
		spelling_note(s, s->pos,
					  psprintf("unknown function \"%.*s\"", len, s->pos),
					  FUNCTION_HINT);
		spelling_copy(s, end);
		return;
	}
	spelling_note(s, s->pos,
				  psprintf("a path begins with \"$.\", not with \"%.*s\",",
						   len, s->pos),
				  NULL);
	if (word_is_one_of(s->pos, len, payload_words, lengthof(payload_words)))
	{
		spelling_write_operator(s, "$.trigger", end);
		return;
	}
	appendStringInfoString(&s->out, "$.");
	if (!word_is_one_of(s->pos, len, scope_root_names, SCOPE_NROOTS))
		appendStringInfoString(&s->out, "trigger.");
	spelling_copy(s, end);
}

/* Reads the name of a member, after its ".". */
static void
read_member(Speller *s)
{
	const char *end = s->pos;

	while (is_word_byte(*end) || (*end == '-' && is_word_start(end[1])))
		end++;
	if (memchr(s->pos, '-', end - s->pos) == NULL)
	{
		spelling_copy(s, end);
		return;
	}
	spelling_note(s, s->pos,
				  psprintf("\"%.*s\" needs quotes", (int) (end - s->pos),
						   s->pos),
				  NULL);
	spelling_write_quoted(s, s->pos, end - s->pos);
	s->pos = end;
}

void
spelling_read_word(Speller *s)
{
	const char *end = s->pos;

	if (spelling_last_written(s) == '.')
	{
		read_member(s);
		return;
	}
	while (is_word_byte(*end))
		end++;
	if (word_is(s->pos, end - s->pos, "strict"))
	{
		spelling_note(s, s->pos,
					  "conditions are lax, \"strict\" cannot be used,", NULL);
		s->pos = skip_blanks(end);
	}
	else if (word_is_one_of(s->pos, end - s->pos, keywords,
							lengthof(keywords)))
		spelling_copy(s, end);
	else if (!read_foreign_word(s, end))
		read_path_start(s, end);
}

void
spelling_read_root(Speller *s)
{
	const char *next = s->pos + 1;

	if (*s->pos == '@' && strchr(s->text, '?') == NULL)
	{
		spelling_note(s, s->pos, "\"@\" stands in a filter only, not", NULL);
		spelling_write_operator(s, "$", next);
	}
	else if (*s->pos == '$' && is_word_start(*next))
	{
		const char *end = next;

		while (is_word_byte(*end))
			end++;
		spelling_note(s, s->pos,
					  psprintf("a condition has no variable \"$%.*s\"",
							   (int) (end - next), next),
					  NULL);
		s->pos = next;
		if (word_is_one_of(next, end - next, payload_words,
						   lengthof(payload_words)))
		{
			spelling_write_operator(s, "$.trigger", end);
			return;
		}
		appendStringInfoString(&s->out, "$.");
		if (!word_is_one_of(next, end - next, scope_root_names,
							SCOPE_NROOTS))
			appendStringInfoString(&s->out, "trigger.");
		spelling_copy(s, end);
	}
	else
		spelling_copy(s, next);
}
