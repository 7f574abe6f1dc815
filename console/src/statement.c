/*
 * statement.c
 *	  The statements of console/sql, made ready for a session: @wf@ is replaced
 *	  by the schema of the extension.
 *
 * The schema comes from quote_ident, so it may stand where a name may; nothing
 * else is put into a statement.  Constants; nothing is kept.
 */
#include "statement.h"

#include <string.h>

#include "embedded.h"

static const char *
find(const char *name)
{
	for (const Statement *s = embedded_statements; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s->text;
	return NULL;
}

bool
statement_known(const char *name)
{
	return find(name) != NULL;
}

/* Adds the text without what it begins with of comments; @wf@ replaced. */
static void
add_text(Text *out, const char *text, const char *schema)
{
	const char *at;

	while ((at = strstr(text, "@wf@")) != NULL)
	{
		text_add(out, text, at - text);
		text_adds(out, schema);
		text = at + 4;
	}
	text_adds(out, text);
	while (out->len > 0 && strchr("; \n\t", out->data[out->len - 1]) != NULL)
		out->data[--out->len] = '\0';
}

/*
 * Writes the statement of that name, which is known.  With limit its body is
 * null if it is larger than ANSWER_LIMIT, and a third column has its size: so
 * the server does not send what would not be answered.  OFFSET 0 keeps the
 * body from being computed twice.  What writes cannot be wrapped so: a WITH
 * that writes stands at the top alone.
 */
void
statement_write(Text *out, const char *name, const char *schema, bool limit)
{
	if (limit)
		text_addf(out, "SELECT status, CASE WHEN octet_length(body) <= %d"
				  " THEN body END, octet_length(body) FROM (SELECT * FROM (\n",
				  ANSWER_LIMIT);
	add_text(out, find(name), schema);
	if (limit)
		text_adds(out, "\n) answer OFFSET 0) answer");
}
