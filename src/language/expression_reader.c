/*
 * expression_reader.c
 *	  Reads the text between {{ and }}: words, paths, and what is wrong.
 *
 * Part of the parser of expressions, see expression.c.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "language/expression_node.h"
#include "mb/pg_wchar.h"

bool
expression_fail(Reader *reader, int offset, char *message, char *hint)
{
	reader->mistake->code = "template_syntax";
	reader->mistake->message = message;
	reader->mistake->offset = offset;
	reader->mistake->hint = hint;
	return false;
}

void
expression_skip_space(Reader *reader)
{
	while (reader->pos < reader->len &&
		   isspace((unsigned char) reader->text[reader->pos]))
		reader->pos++;
}

bool
expression_at_end(const Reader *reader)
{
	return expression_at(reader, '}') && reader->pos + 1 < reader->len &&
		reader->text[reader->pos + 1] == '}';
}

char *
expression_foreign_hint(const Reader *reader)
{
	static const char *const words[] = {
		"and", "or", "not", "if", "else", "is", "in"
	};
	const char *text = reader->text + reader->pos;
	int			len = 0;

	if (reader->pos >= reader->len)
		return NULL;
	if (*text == '(' || *text == '"' || *text == '\'')
		return pstrdup("Arguments stand after a colon, as in "
					   "{{ trigger.name | default: \"friend\" }}.");
	if (*text == '}' && !expression_at_end(reader))
		return pstrdup("Close it with \"}}\".");
	while (reader->pos + len < reader->len &&
		   isalpha((unsigned char) text[len]))
		len++;
	for (int i = 0; i < lengthof(words); i++)
	{
		if (len == strlen(words[i]) && memcmp(words[i], text, len) == 0)
			text = "=";
	}
	if (strchr("+-*/", *text) != NULL)
		return pstrdup("Filters compute: "
					   "{{ trigger.total | minus: trigger.paid }}. Texts are "
					   "joined by standing side by side: "
					   "{{ trigger.a }} {{ trigger.b }}.");
	if (strchr("=!<>?%&|", *text) != NULL)
		return pstrdup("A template has a path and filters, no operators. A "
					   "value for what is missing: "
					   "{{ trigger.name | default: \"friend\" }}.");
	if (len > 0)
		return pstrdup("A key with a blank is written as "
					   "trigger[\"odd key\"].");
	return NULL;
}

bool
expression_unexpected(Reader *reader, const char *expected)
{
	int			len;

	if (reader->pos >= reader->len)
		return expression_fail(reader, reader->pos,
							   psprintf("text ends where %s is expected",
										expected), NULL);
	len = pg_mbcliplen(reader->text + reader->pos,
					   reader->len - reader->pos, 12);
	return expression_fail(reader, reader->pos,
						   psprintf("%s is expected, not \"%.*s\"", expected,
									len, reader->text + reader->pos),
						   expression_foreign_hint(reader));
}

int
expression_path_end(const Reader *reader, const char *stops)
{
	bool		in_brackets = false;
	int			pos = reader->pos;

	while (pos < reader->len)
	{
		char		c = reader->text[pos];

		if (in_brackets && (c == '"' || c == '\''))
		{
			StringInfoData buf;
			int			end;

			initStringInfo(&buf);
			end = scope_read_quoted(reader->text, reader->len, pos, &buf);
			pfree(buf.data);
			if (end < 0)
				return reader->len;
			pos = end;
			continue;
		}
		if (c == '[')
			in_brackets = true;
		else if (c == ']')
			in_brackets = false;
		else if (c == '}' || c == '|')
			break;
		else if (!in_brackets &&
				 (isspace((unsigned char) c) || strchr(stops, c) != NULL))
			break;
		pos++;
	}
	return pos;
}

ScopePath *
expression_read_path(Reader *reader, const char *stops)
{
	int			end = expression_path_end(reader, stops);
	ScopePath  *path = scope_path_parse(reader->text + reader->pos,
										end - reader->pos, reader->names,
										reader->mistake);

	if (path == NULL)
		reader->mistake->offset += reader->pos; /* of the whole text */
	else
		reader->pos = end;
	return path;
}

char *
expression_read_word(Reader *reader)
{
	int			start = reader->pos;

	while (reader->pos < reader->len &&
		   (isalnum((unsigned char) reader->text[reader->pos]) ||
			reader->text[reader->pos] == '_'))
		reader->pos++;
	if (reader->pos == start)
		return NULL;
	return pnstrdup(reader->text + start, reader->pos - start);
}
