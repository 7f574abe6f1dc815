/*
 * condition_spelling.c
 *	  What people write that is no jsonpath, and how it is written.
 *
 * Conditions are written by people who know SQL, JavaScript or a template
 * language: a = b, "and", 'text', total > 5, $.items["sku"].  PostgreSQL's
 * parser says of all these that there is a syntax error.  Here the text is
 * read word by word; the first mistake that is recognized is described, and
 * the text is written again with all of them put right.  Whoever asks must
 * compile the result before he shows it: this file knows words, not grammar.
 *
 * Pure; results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/condition_spelling.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

bool
condition_plain_key(const char *key, int len)
{
	if (len == 0 || !is_word_start(key[0]))
		return false;
	for (int i = 1; i < len; i++)
	{
		if (!is_word_byte(key[i]))
			return false;
	}
	return true;
}

void
spelling_note(Speller *s, const char *where, const char *message,
			  const char *hint)
{
	if (s->mistake->message != NULL)
		return;
	s->mistake->message = message;
	s->mistake->offset = where - s->text;
	s->mistake->hint = hint;
}

char
spelling_last_written(const Speller *s)
{
	int			i = s->out.len;

	while (i > 0 && isspace((unsigned char) s->out.data[i - 1]))
		i--;
	return i > 0 ? s->out.data[i - 1] : '\0';
}

/* Does a path end where the speller stands, with nothing between? */
static bool
behind_path(const Speller *s)
{
	char		c = s->out.len > 0 ? s->out.data[s->out.len - 1] : '\0';

	return is_word_byte(c) || (c != '\0' && strchr("]\")$@", c) != NULL);
}

void
spelling_copy(Speller *s, const char *end)
{
	appendBinaryStringInfo(&s->out, s->pos, end - s->pos);
	s->pos = end;
}

void
spelling_write_quoted(Speller *s, const char *text, int len)
{
	appendStringInfoChar(&s->out, '"');
	for (int i = 0; i < len; i++)
	{
		if (text[i] == '"')
			appendStringInfoChar(&s->out, '\\');
		appendStringInfoChar(&s->out, text[i]);
	}
	appendStringInfoChar(&s->out, '"');
}

/* Writes a key after its path: .key or ."odd key" */
static void
write_key(Speller *s, const char *key, int len)
{
	appendStringInfoChar(&s->out, '.');
	if (condition_plain_key(key, len))
		appendBinaryStringInfo(&s->out, key, len);
	else
		spelling_write_quoted(s, key, len);
}

/* Writes the ")" that are owed at this depth. */
static void
close_wrapped(Speller *s)
{
	while (s->nwrapped > 0 && s->wrapped[s->nwrapped - 1] == s->depth)
	{
		while (s->out.len > 0 &&
			   isspace((unsigned char) s->out.data[s->out.len - 1]))
			s->out.data[--s->out.len] = '\0';
		s->nwrapped--;
		if (strpbrk(s->out.data + s->wrapped_at[s->nwrapped], "=<> ") == NULL)
			appendStringInfoString(&s->out, " == true");	/* a path alone */
		appendStringInfoChar(&s->out, ')');
		if (*s->pos != '\0' && *s->pos != ')')
			appendStringInfoChar(&s->out, ' ');
	}
}

void
spelling_write_operator(Speller *s, const char *op, const char *end)
{
	if (op[0] == '&' || op[0] == '|')
		close_wrapped(s);
	appendStringInfoString(&s->out, op);
	s->pos = end;
}

/* Writes "!", and parentheses around what follows if it has none. */
void
spelling_write_not(Speller *s, const char *end)
{
	const char *next = skip_blanks(end);

	appendStringInfoChar(&s->out, '!');
	if (*next != '(' && strncmp(next, "exists", 6) != 0 &&
		s->nwrapped < SPELLING_MAX_WRAPPED)
	{
		spelling_note(s, s->pos,
					  "what \"!\" negates stands in parentheses,", NULL);
		appendStringInfoChar(&s->out, '(');
		s->wrapped[s->nwrapped] = s->depth;
		s->wrapped_at[s->nwrapped++] = s->out.len;
		end = next;
	}
	s->pos = end;
}

/* The path in {{ path | filter }}, from inner to end, as a jsonpath. */
static void
write_template(Speller *s, const char *inner, const char *end)
{
	const char *block = memchr(inner, '|', end - inner);

	if (block != NULL)
		end = block;
	inner = skip_blanks(inner);
	while (end > inner && isspace((unsigned char) end[-1]))
		end--;
	if (*inner != '$')
		appendStringInfoString(&s->out, "$.");
	appendBinaryStringInfo(&s->out, inner, Max(end - inner, 0));
}

/* Where the two bytes of what stand first in start..end; NULL: nowhere. */
static const char *
find_within(const char *start, const char *end, const char *what)
{
	for (const char *c = start; c + 1 < end; c++)
	{
		if (c[0] == what[0] && c[1] == what[1])
			return c;
	}
	return NULL;
}

/* A text in double quotes; the speller stands at the first of them. */
static void
read_string(Speller *s)
{
	const char *start = s->pos;
	const char *end = start + 1;
	const char *open;
	const char *close;

	while (*end && *end != '"')
		end += (*end == '\\' && end[1]) ? 2 : 1;
	if (*end == '\0')
	{
		spelling_note(s, start, "unclosed quote", NULL);
		spelling_copy(s, end);
		return;
	}
	open = find_within(start, end, "{{");
	close = open ? find_within(open, end, "}}") : NULL;
	if (close != NULL)
	{
		spelling_note(s, open, "conditions take no templates", NULL);
		if (open == start + 1 && close + 2 == end)
		{
			write_template(s, open + 2, close);
			s->pos = end + 1;
			return;
		}
	}
	spelling_copy(s, end + 1);
}

/* A text in single quotes; two of them stand for one. */
static void
read_single_quoted(Speller *s)
{
	StringInfoData content;
	const char *end = s->pos + 1;

	spelling_note(s, s->pos,
				  "texts stand in double quotes, not in single ones,", NULL);
	initStringInfo(&content);
	while (*end && (*end != '\'' || end[1] == '\''))
	{
		end += *end == '\'';
		appendStringInfoChar(&content, *end++);
	}
	spelling_write_quoted(s, content.data, content.len);
	s->pos = *end ? end + 1 : end;
}

/* Quotes of a word processor, in UTF-8; false if there are none. */
static bool
read_curly_quoted(Speller *s)
{
	const char *end;

	if (GetDatabaseEncoding() != PG_UTF8 ||
		(strncmp(s->pos, "\xE2\x80\x9C", 3) != 0 &&
		 strncmp(s->pos, "\xE2\x80\x98", 3) != 0))
		return false;
	end = s->pos + 3;
	while (*end && strncmp(end, "\xE2\x80\x9D", 3) != 0 &&
		   strncmp(end, "\xE2\x80\x99", 3) != 0)
		end++;
	spelling_note(s, s->pos,
				  "texts stand in straight quotes, not in curly ones,", NULL);
	spelling_write_quoted(s, s->pos + 3, end - s->pos - 3);
	s->pos = *end ? end + 3 : end;
	return true;
}

/* ["key"] is not how a jsonpath names a member; [0] stays. */
static void
read_bracket(Speller *s)
{
	const char *start = skip_blanks(s->pos + 1);
	const char *end;

	if ((*start == '"' || *start == '\'') && behind_path(s) &&
		(end = strchr(start + 1, *start)) != NULL &&
		*skip_blanks(end + 1) == ']')
	{
		spelling_note(s, s->pos, "a key does not stand in brackets", NULL);
		write_key(s, start + 1, end - start - 1);
		s->pos = skip_blanks(end + 1) + 1;
		return;
	}
	end = start;
	while (is_word_byte(*end))
		end++;
	if (is_word_start(*start) && *skip_blanks(end) == ']' &&
		!word_is(start, end - start, "last") && behind_path(s))
	{
		spelling_note(s, s->pos, "a key does not stand in brackets", NULL);
		write_key(s, start, end - start);
		s->pos = skip_blanks(end) + 1;
		return;
	}
	spelling_copy(s, s->pos + 1);
}

/* ".0" after a path is "[0]". */
static void
read_dot(Speller *s)
{
	const char *end = s->pos + 1;

	if (!isdigit((unsigned char) *end) || !behind_path(s))
	{
		spelling_copy(s, end);
		return;
	}
	while (isdigit((unsigned char) *end))
		end++;
	spelling_note(s, s->pos,
				  "an index stands in brackets, not behind a dot,", NULL);
	appendStringInfo(&s->out, "[%.*s]", (int) (end - s->pos - 1), s->pos + 1);
	s->pos = end;
}

static void
read_number(Speller *s)
{
	const char *end = s->pos;

	while (is_word_byte(*end) || *end == '.')
		end++;
	spelling_copy(s, end);
}

/* Operators, right and wrong; false if there is none. */
static bool
read_operator(Speller *s)
{
	static const struct
	{
		const char *text;
		const char *replacement;	/* NULL: it is right */
	}			operators[] = {
		{"===", "=="}, {"!==", "!="}, {"==", NULL}, {"!=", NULL},
		{"<=", NULL}, {">=", NULL}, {"<>", NULL}, {"&&", NULL}, {"||", NULL},
		{"=~", "like_regex"}, {"=<", "<="}, {"=>", ">="}, {"=", "=="},
		{"&", "&&"}, {"|", "||"}
	};

	for (int i = 0; i < lengthof(operators); i++)
	{
		const char *text = operators[i].text;
		int			len = strlen(text);

		if (strncmp(s->pos, text, len) != 0)
			continue;
		if (operators[i].replacement != NULL)
			spelling_note(s, s->pos,
						  psprintf("unknown operator \"%s\"", text), NULL);
		spelling_write_operator(s, operators[i].replacement ?
								operators[i].replacement : text,
								s->pos + len);
		return true;
	}
	return false;
}

/* Parentheses, comments, templates, and whatever else there may be. */
static void
read_other(Speller *s)
{
	const char *close;

	if (strncmp(s->pos, "{{", 2) == 0 &&
		(close = strstr(s->pos, "}}")) != NULL)
	{
		spelling_note(s, s->pos, "conditions take no templates", NULL);
		write_template(s, s->pos + 2, close);
		s->pos = close + 2;
		return;
	}
	if (strncmp(s->pos, "/*", 2) == 0 &&
		(close = strstr(s->pos + 2, "*/")) != NULL)
	{
		spelling_copy(s, close + 2);
		return;
	}
	if (*s->pos == ';' && *skip_blanks(s->pos + 1) == '\0')
	{
		spelling_note(s, s->pos, "unexpected \";\"", NULL);
		s->pos += strlen(s->pos);
		return;
	}
	if (*s->pos == '(')
	{
		if (s->depth++ == 0)
			s->outermost = s->pos;
	}
	else if (*s->pos == ')')
	{
		close_wrapped(s);
		s->depth--;
	}
	spelling_copy(s, s->pos + 1);
}

static void
read_token(Speller *s)
{
	char		c = *s->pos;

	if (c == '"')
		read_string(s);
	else if (c == '\'')
		read_single_quoted(s);
	else if (c == '[')
		read_bracket(s);
	else if (c == '.')
		read_dot(s);
	else if (c == '$' || c == '@')
		spelling_read_root(s);
	else if (isdigit((unsigned char) c))
		read_number(s);
	else if (is_word_start(c))
	{
		if (!read_curly_quoted(s))
			spelling_read_word(s);
	}
	else if (read_operator(s))
		return;
	else if (c == '!')
		spelling_write_not(s, s->pos + 1);
	else
		read_other(s);
}

void
condition_spelling(const char *text, SpellingMistake *mistake)
{
	Speller		s = {.text = text, .pos = text, .mistake = mistake};

	memset(mistake, 0, sizeof(SpellingMistake));
	initStringInfo(&s.out);
	while (*s.pos)
	{
		CHECK_FOR_INTERRUPTS();
		read_token(&s);
	}
	if (s.depth > 0)
		spelling_note(&s, s.outermost, "unclosed \"(\"", NULL);
	for (; s.depth > 0; s.depth--)
	{
		close_wrapped(&s);
		appendStringInfoChar(&s.out, ')');
	}
	close_wrapped(&s);
	mistake->corrected = s.out.data;
}
