/*
 * valid_text.c
 *	  Text that is made of whole characters.
 *
 * Pure.  Any process.
 *
 * A message of PostgreSQL may end in the middle of a character: its scanners
 * quote single bytes ("at or near").  A message that is stored, returned or
 * sent must be valid in the database's encoding, or clients refuse it.
 */
#include "postgres.h"
#include "compat.h"

#include "base/valid_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

int
valid_character(const char *text, int len)
{
	int			n = pg_encoding_verifymbchar(GetDatabaseEncoding(), text, len);

	return Max(n, 1);
}

/* A copy with a mark in place of each stretch of invalid bytes. */
static char *
mend(const char *text, int len)
{
	int			encoding = GetDatabaseEncoding();
	bool		in_gap = false;
	StringInfoData buf;

	initStringInfo(&buf);
	while (len > 0)
	{
		int			n = pg_encoding_verifymbchar(encoding, text, len);

		if (n > 0)
			appendBinaryStringInfo(&buf, text, n);
		else if (!in_gap)
			appendStringInfoString(&buf,
								   encoding == PG_UTF8 ? "\xEF\xBF\xBD" : "?");
		in_gap = n <= 0;
		text += Max(n, 1);

		len -= Max(n, 1);
	}
	return buf.data;
}

const char *
valid_text(const char *text)
{
	int			len = strlen(text);

	if (pg_verify_mbstr(GetDatabaseEncoding(), text, len, true))
		return text;

	return mend(text, len);
}
