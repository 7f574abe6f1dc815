/*
 * condition_spelling.c
 *	  Recognizes what users write that is no jsonpath, and corrects it.
 *
 * Many authors of conditions know SQL, JavaScript or a template language: a =
 * b, "and", 'text', total > 5, $.items["sku"].  PostgreSQL's parser reports
 * all these as a syntax error.  Here the text is read token by token; the
 * first mistake that is recognized is described, and the text is written again
 * with all mistakes corrected.  The caller must compile the corrected text
 * before it shows it: this file knows tokens and not the grammar.
 *
 * Pure; results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/condition_spelling.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Writes the path in {{ path | filter }}, from inner to end, as a jsonpath. */
static void
write_template(Speller *s, const char *inner, const char *end)
{
	const char *pipe = memchr(inner, '|', end - inner);

	if (pipe != NULL)
		end = pipe;
	inner = skip_blanks(inner);
	while (end > inner && isspace((unsigned char) end[-1]))
		end--;
	if (*inner != '$')
		appendStringInfoString(&s->out, "$.");
	appendBinaryStringInfo(&s->out, inner, Max(end - inner, 0));
}

/* The first place of the two bytes of what in start..end, or NULL. */
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

/* Reads a text in double quotes. */
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

/* Reads a text in single quotes; two of them in it stand for one. */
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

/*
 * Reads a text in the curly quotes of a word processor; false if there is
 * none.  They are recognized in UTF-8 only.
 */
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

/* Reads "[": [0] is kept, ["key"] and [key] become .key. */
static void
read_bracket(Speller *s)
{
	const char *start = skip_blanks(s->pos + 1);
	const char *end;

	if ((*start == '"' || *start == '\'') && spelling_is_after_path(s) &&
		(end = strchr(start + 1, *start)) != NULL &&
		*skip_blanks(end + 1) == ']')
	{
		spelling_note(s, s->pos, "a key does not stand in brackets", NULL);
		spelling_write_key(s, start + 1, end - start - 1);
		s->pos = skip_blanks(end + 1) + 1;
		return;
	}
	end = start;
	while (is_word_byte(*end))
		end++;
	if (is_word_start(*start) && *skip_blanks(end) == ']' &&
		!word_is(start, end - start, "last") && spelling_is_after_path(s))
	{
		spelling_note(s, s->pos, "a key does not stand in brackets", NULL);
		spelling_write_key(s, start, end - start);
		s->pos = skip_blanks(end) + 1;
		return;
	}
	spelling_copy(s, s->pos + 1);
}

/* Reads ".": ".0" after a path becomes "[0]". */
static void
read_dot(Speller *s)
{
	const char *end = s->pos + 1;

	if (!isdigit((unsigned char) *end) || !spelling_is_after_path(s))
	{
		spelling_copy(s, end);
		return;
	}
	while (isdigit((unsigned char) *end))
		end++;
	spelling_note(s, s->pos,
				  "an index stands in brackets, not after a dot,", NULL);
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

/* Reads an operator, of a jsonpath or of another language; or false. */
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

/* Reads parentheses, comments, templates and single other bytes. */
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
		spelling_close_wrapped(s);
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
		spelling_close_wrapped(&s);
		appendStringInfoChar(&s.out, ')');
	}
	spelling_close_wrapped(&s);
	mistake->corrected = s.out.data;
}
