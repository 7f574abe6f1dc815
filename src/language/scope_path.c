/*
 * scope_path.c
 *	  Paths such as trigger.items[0].sku: their syntax and their names.
 *
 *		path = name { "." name | "[" index "]" | "[" quoted "]" }
 *
 * A name has letters, digits, "_" and "-"; any other key is written quoted,
 * as in trigger["odd key"].  An index counts from 0, or from the end if it is
 * negative.  The first name is a root; scope_names.c checks the names.
 *
 * Pure; compiled paths live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/valid_text.h"
#include "language/scope.h"
#include "mb/pg_wchar.h"

/* A path being read. */
typedef struct PathReader
{
	const char *text;
	int			len;
	int			pos;
	ScopePath  *path;
	int			offsets[PATH_MAX_PARTS];	/* where each part begins */
	const char *code;			/* of the error */
	char	   *error;
	char	   *hint;
} PathReader;

static bool
is_name_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '-' ||
		IS_HIGHBIT_SET(c);
}

int
scope_read_quoted(const char *text, int len, int pos, StringInfo buf)
{
	char		quote = text[pos++];

	for (; pos < len && text[pos] != quote; pos++)
	{
		char		c = text[pos];

		if (c == '\\')
		{
			if (++pos >= len)
				break;
			c = text[pos];
			if (c == 'n')
				c = '\n';
			else if (c == 'r')
				c = '\r';
			else if (c == 't')
				c = '\t';
		}
		appendStringInfoChar(buf, c);
	}
	return pos < len ? pos + 1 : -1;
}

/* Appends a name or (name NULL) an index; false if there are too many. */
static bool
add_part(PathReader *reader, char *name, int index, int offset)
{
	ScopePath  *path = reader->path;

	if (path->nparts == PATH_MAX_PARTS)
	{
		reader->error = psprintf("path has more than %d parts",
								 PATH_MAX_PARTS);
		return false;
	}
	reader->offsets[path->nparts] = offset;
	path->parts[path->nparts].name = name;
	path->parts[path->nparts].index = index;
	path->nparts++;
	return true;
}

/* Sets error and hint for a path that does not begin with a name. */
static void
explain_start(PathReader *reader)
{
	static const char signs[] = "$@.";
	const char *text = reader->text;
	int			len = 0;

	reader->error = pstrdup("a path begins with a name");
	while (len < reader->len && strchr(signs, text[len]) != NULL)
		len++;
	if (len > 0 && len < reader->len)
	{
		reader->error = psprintf("a path begins with a name, not with "
								 "\"%.*s\"", len, text);
		reader->hint = scope_foreign_hint(text + len, reader->len - len);
	}
	else if (reader->len > 0 && text[0] == '{')
		reader->hint = pstrdup("A path has no braces, and a template has two.");
	else if (reader->len > 0 && (text[0] == '"' || text[0] == '\''))
		reader->hint = pstrdup("A text stands as it is, without braces.");
	else if (reader->len > 0 && strchr("#/^>", text[0]) != NULL)
		reader->hint = pstrdup("There are no blocks in a template; a step "
							   "has its \"condition\".");
}

static bool
read_name(PathReader *reader)
{
	int			start = reader->pos;
	bool		is_number = true;

	for (; reader->pos < reader->len &&
		 is_name_byte(reader->text[reader->pos]); reader->pos++)
		is_number &= isdigit((unsigned char) reader->text[reader->pos]) != 0;
	if (reader->pos == start)
	{
		if (start == 0)
		{
			explain_start(reader);
			return false;
		}
		reader->error = pstrdup("a name is expected");
		reader->hint = pstrdup("Write a key with other characters than "
							   "letters, digits, \"_\" and \"-\" as "
							   "trigger[\"odd key\"].");
		return false;
	}
	if (is_number && reader->path->number_at == 0)
		reader->path->number_at = start;
	return add_part(reader, pnstrdup(reader->text + start,
									 reader->pos - start), 0, start);
}

static bool
read_index(PathReader *reader)
{
	int			start = reader->pos;
	bool		negative = reader->text[reader->pos] == '-';
	int64		index = 0;

	reader->pos += negative;
	if (reader->pos >= reader->len ||
		!isdigit((unsigned char) reader->text[reader->pos]))
	{
		reader->error = pstrdup("an index or a quoted key is expected");
		return false;
	}
	for (; reader->pos < reader->len &&
		 isdigit((unsigned char) reader->text[reader->pos]); reader->pos++)
	{
		index = index * 10 + (reader->text[reader->pos] - '0');
		if (index > PG_INT32_MAX)
		{
			reader->pos = start;
			reader->error = pstrdup("index is out of range");
			return false;
		}
	}
	return add_part(reader, NULL, negative ? -index : index, start);
}

static void
skip_spaces(PathReader *reader)
{
	while (reader->pos < reader->len && reader->text[reader->pos] == ' ')
		reader->pos++;
}

/* Reads an index or a quoted name in brackets; false after an error. */
static bool
read_brackets(PathReader *reader)
{
	int			start;

	reader->pos++;
	skip_spaces(reader);
	start = reader->pos;
	if (start < reader->len &&
		(reader->text[start] == '"' || reader->text[start] == '\''))
	{
		StringInfoData buf;
		int			end;

		initStringInfo(&buf);
		end = scope_read_quoted(reader->text, reader->len, start, &buf);
		if (end < 0)
		{
			reader->error = pstrdup("unclosed quote");
			return false;
		}
		reader->pos = end;
		if (!add_part(reader, buf.data, 0, start))
			return false;
	}
	else if (start >= reader->len || !read_index(reader))
	{
		if (reader->error == NULL)
			reader->error = pstrdup("unclosed \"[\"");
		return false;
	}

	skip_spaces(reader);
	if (reader->pos >= reader->len || reader->text[reader->pos] != ']')
	{
		reader->error = pstrdup("\"]\" is expected");
		return false;
	}
	reader->pos++;
	return true;
}

static bool
read_path(PathReader *reader)
{
	if (reader->len > PATH_MAX_BYTES)
	{
		reader->error = psprintf("path is longer than %d bytes",
								 PATH_MAX_BYTES);
		return false;
	}
	if (!read_name(reader))
		return false;
	while (reader->pos < reader->len)
	{
		char		c = reader->text[reader->pos];

		if (c == '[')
		{
			if (!read_brackets(reader))
				return false;
		}
		else if (c == '.')
		{
			reader->pos++;
			if (!read_name(reader))
				return false;
		}
		else
		{
			const char *at = reader->text + reader->pos;
			int			left = reader->len - reader->pos;

			reader->error = psprintf("unexpected \"%.*s\" in a path",
									 valid_character(at, left), at);
			if (c == '(')
				reader->hint = pstrdup("There are no functions; a filter "
									   "comes after \"|\".");
			return false;
		}
	}
	return true;
}

/* Checks the names of the path, and sets its root; false after an error. */
static bool
check_path(PathReader *reader, const ScopeNames *names)
{
	ScopePath  *path = reader->path;
	const char *parts[3];
	int			bad_part;

	if (scope_check_item(path, names, &reader->error, &bad_part,
						 &reader->hint))
	{
		reader->code = "unknown_path";
		reader->pos = reader->offsets[bad_part];
		return reader->error == NULL;
	}
	for (int i = 0; i < path->nparts && i < lengthof(parts); i++)
		parts[i] = path->parts[i].name;
	reader->error = scope_check_parts(parts,
									  Min(path->nparts, lengthof(parts)),
									  names, &bad_part, &reader->hint);
	if (reader->error != NULL)
	{
		reader->code = "unknown_path";
		reader->pos = reader->offsets[bad_part];
		return false;
	}
	path->root = 0;
	while (strcmp(scope_root_names[path->root], parts[0]) != 0)
		path->root++;
	return true;
}

ScopePath *
scope_path_parse(const char *text, int len, const ScopeNames *names,
				 Mistake *mistake)
{
	PathReader	reader = {.text = text, .len = len, .code = "path_syntax"};

	reader.path = palloc0(sizeof(ScopePath));
	reader.path->parts = palloc0(sizeof(PathPart) * PATH_MAX_PARTS);
	if (!read_path(&reader) || !check_path(&reader, names))
	{
		mistake->code = reader.code;
		mistake->message = reader.error;
		mistake->offset = reader.pos;
		mistake->hint = reader.hint;
		return NULL;
	}
	reader.path->parts = repalloc(reader.path->parts, sizeof(PathPart) *
								  reader.path->nparts);
	reader.path->text = pnstrdup(text, len);
	return reader.path;
}

char *
scope_path_prefix(const ScopePath *path, int upto)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < upto && i < path->nparts; i++)
	{
		const PathPart *part = &path->parts[i];

		if (part->name == NULL)
			appendStringInfo(&buf, "[%d]", part->index);
		else
		{
			char	   *longer = problem_path_member(buf.data, part->name);

			resetStringInfo(&buf);
			appendStringInfoString(&buf, longer);
		}
	}
	return buf.data;
}

const char *
scope_path_as_text(const char *text, int len, const ScopeNames *names,
				   int *length)
{
	int			skip = len > 2 && memcmp(text, "$.", 2) == 0 ? 2 : 0;
	Mistake		mistake;
	int			root;

	text += skip;
	len -= skip;
	root = scope_root_length(text, len);
	if (root == 0 || root == len || len > PATH_MAX_BYTES ||
		scope_path_parse(text, len, names, &mistake) == NULL)
		return NULL;
	*length = len;
	return text;
}

void
scope_path_warn(const ScopePath *scope_path, const char *path,
				Problems *problems)
{
	const char *number = scope_path->text + scope_path->number_at;
	int			len = strspn(number, "0123456789");
	int			before = scope_path->number_at - 1;

	if (scope_path->number_at == 0)
		return;
	problem_warning(problems, path, "key_not_index",
					psprintf("Write %.*s[%.*s]%s for an element of an array, "
							 "and %.*s[\"%.*s\"]%s for a key.", before,
							 scope_path->text, len, number, number + len,
							 before, scope_path->text, len, number,
							 number + len),
					"\"%.*s\" in %s is a key, not an index", len, number,
					scope_path->text);
}
