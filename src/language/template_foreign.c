/*
 * template_foreign.c
 *	  Warns of literal text that looks like a template of another language.
 *
 * {trigger.x}, ${x}, {% if %} and trigger.x alone are ordinary texts here, but
 * their author probably meant a value.  A text may also be meant for another
 * system's templates, so these are warnings and no errors.
 *
 * Part of the compiler of templates, see template_compile.c.  The only effect
 * is problems added, in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "language/template_node.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* A longer text in braces is not taken for an expression. */
#define MAX_LOOKALIKE_BYTES 200

/* After so many warnings, the rest of a text is not read. */
#define MAX_WARNINGS 5

typedef struct Lookalikes
{
	const char *text;
	int			len;
	const char *path;
	const ScopeNames *names;
	Problems   *problems;
	int			nfound;
} Lookalikes;

/* The position of what after start on the same line; -1: it is not near. */
static int
find_close(const Lookalikes *l, int start, const char *what)
{
	int			len = strlen(what);

	for (int i = start; i + len <= l->len && i < start + MAX_LOOKALIKE_BYTES;
		 i++)
	{
		if (memcmp(l->text + i, what, len) == 0)
			return i;
		if (l->text[i] == '\n')
			break;
	}
	return -1;
}

static void
warn(Lookalikes *l, int start, int end, const char *hint)
{
	problem_warning(l->problems, l->path, "foreign_template", hint,
					"\"%.*s\" is no template and stands as it is, at position "
					"%d", end - start, l->text + start,
					pg_mbstrlen_with_len(l->text, start) + 1);
	problem_at(l->problems, l->text, l->len, start);
	l->nfound++;
}

/* Is it a path that the step may read? */
static bool
is_path(const Lookalikes *l, const char *text, int len)
{
	Mistake		mistake;

	return scope_root_length(text, len) > 0 &&
		scope_path_parse(text, len, l->names, &mistake) != NULL;
}

/* Has it only bytes that a path without blanks may have? */
static bool
is_path_like(const char *text, int len)
{
	if (len == 0 || !(isalpha((unsigned char) text[0]) || text[0] == '_'))
		return false;
	for (int i = 0; i < len; i++)
	{
		if (!isalnum((unsigned char) text[i]) && !IS_HIGHBIT_SET(text[i]) &&
			strchr("._-[]", text[i]) == NULL)
			return false;
	}
	return true;
}

/*
 * Warns of {path}, and of ${path}, #{path} and %{path}.  Without a sign it
 * must be a path of the context, since texts often have braces.  Returns the
 * position at which to continue.
 */
static int
check_braces(Lookalikes *l, int brace)
{
	bool		has_sign = brace > 0 &&
		strchr("$#%", l->text[brace - 1]) != NULL;
	int			close = find_close(l, brace + 1, "}");
	const char *inner = l->text + brace + 1;
	int			len = close - brace - 1;

	if (close < 0)
		return brace + 1;
	while (len > 0 && isspace((unsigned char) *inner))
		inner++, len--;
	if (len > 0 && *inner == '$')	/* { $.trigger.x } */
		inner++, len--;
	if (len > 0 && *inner == '.')
		inner++, len--;
	while (len > 0 && isspace((unsigned char) inner[len - 1]))
		len--;
	if (is_path(l, inner, len))
		warn(l, brace - has_sign, close + 1,
			 psprintf("Write {{ %.*s }} for the value.", len, inner));
	else if (has_sign && is_path_like(inner, len))
		warn(l, brace - 1, close + 1,
			 psprintf("Write {{ trigger.%.*s }} for a value of the payload.",
					  len, inner));
	else
		return brace + 1;
	return close + 1;
}

/*
 * Warns of {% tag %} and <%= value %>.  Returns the position at which to
 * continue.
 */
static int
check_tag(Lookalikes *l, int start, const char *close)
{
	int			end = find_close(l, start + 2, close);

	if (end < 0)
		return start + 2;
	warn(l, start, end + 2,
		 psprintf("%s A value is {{ trigger.name }}.",
				  scope_block_hint(l->names)));
	return end + 2;
}

/* The position after the {{...}} that begins at start. */
static int
skip_template(const Lookalikes *l, int start)
{
	for (int i = start + 2; i + 1 < l->len; i++)
	{
		if (l->text[i] == '}' && l->text[i + 1] == '}')
			return i + 2;
	}
	return l->len;
}

static bool
looking_at(const Lookalikes *l, int i, const char *what)
{
	int			len = strlen(what);

	return l->len - i >= len && memcmp(l->text + i, what, len) == 0;
}

/* Warns of a text that is a path and nothing else: trigger.x, $.trigger.x */
static void
check_whole(Lookalikes *l)
{
	int			len;
	const char *text = scope_path_as_text(l->text, l->len, l->names, &len);

	if (text != NULL)
		problem_warning(l->problems, l->path, "path_as_text",
						psprintf("Write {{ %.*s }} for the value.", len,
								 text),
						"\"%.*s\" is a text here, not the value of that "
						"path", l->len, l->text);
}

void
template_check_foreign(const char *text, int len, const char *path,
					   const ScopeNames *names, Problems *problems)
{
	Lookalikes	l = {text, len, path, names, problems, 0};

	check_whole(&l);
	for (int i = 0; i < len && l.nfound < MAX_WARNINGS;)
	{
		CHECK_FOR_INTERRUPTS();
		if (looking_at(&l, i, "\\{{"))
			i += 3;
		else if (looking_at(&l, i, "{{"))
			i = skip_template(&l, i);
		else if (looking_at(&l, i, "{%"))
			i = check_tag(&l, i, "%}");
		else if (looking_at(&l, i, "<%"))
			i = check_tag(&l, i, "%>");
		else if (text[i] == '{')
			i = check_braces(&l, i);
		else
			i++;
	}
}
