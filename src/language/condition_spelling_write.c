/*
 * condition_spelling_write.c
 *	  The corrected text that the speller writes, and the mistake it notes.
 *
 * The speller reads a condition word by word (condition_spelling.c and
 * condition_spelling_words.c) and writes it again here.  This file keeps what
 * both of them need: the functions that append to the corrected text, and the
 * parentheses that were opened for a "!" and must be closed later.
 *
 * Pure; results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/condition_spelling.h"

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

bool
spelling_is_after_path(const Speller *s)
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

void
spelling_write_key(Speller *s, const char *key, int len)
{
	appendStringInfoChar(&s->out, '.');
	if (condition_plain_key(key, len))
		appendBinaryStringInfo(&s->out, key, len);
	else
		spelling_write_quoted(s, key, len);
}

void
spelling_close_wrapped(Speller *s)
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
		spelling_close_wrapped(s);
	appendStringInfoString(&s->out, op);
	s->pos = end;
}

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
