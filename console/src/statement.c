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

#define PIECE 65536				/* bytes of a body in a row */

static const char *
find(const char *name)
{
	for (const Statement *s = embedded_statements; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s->text;
	return NULL;
}

/*
 * Whether its body comes in pieces.  What writes cannot be wrapped so, since a
 * WITH that writes stands at the top alone; it has little to say.
 */
bool
statement_is_cut(const Route *route)
{
	return !route->writes && !route->keeps;
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
 * Writes the statement of that name, which is known.  If it is cut, its body
 * comes in pieces, one a row, as bytes, with the size of the whole and the
 * place of the piece; if the whole is larger than ANSWER_LIMIT there is one
 * row with null: so the server does not send what would not be answered.
 * OFFSET 0 keeps the body from being computed twice.
 */
void
statement_write(Text *out, const char *name, const char *schema, bool cut)
{
	if (cut)
		text_addf(out, "SELECT status, CASE WHEN size <= %d THEN"
				  " substring(bytes, place + 1, %d) END, size, place"
				  " FROM (SELECT status, bytes, octet_length(bytes) AS size"
				  " FROM (SELECT status, convert_to(body, 'UTF8') AS bytes"
				  " FROM (\n", ANSWER_LIMIT, PIECE);
	add_text(out, find(name), schema);
	if (cut)
		text_addf(out, "\n) answer OFFSET 0) answer) answer,"
				  " LATERAL generate_series(0, CASE WHEN size <= %d"
				  " THEN greatest(size - 1, 0) ELSE 0 END, %d) place",
				  ANSWER_LIMIT, PIECE);
}
