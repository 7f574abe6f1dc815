/*
 * transfer_text.c
 *	  Texts of a transfer that may be shown.
 *
 * Runs in a worker, outside libcurl's callbacks: it allocates.
 */
#include "postgres.h"
#include "compat.h"

#include "mb/pg_wchar.h"
#include "transfer/transfer_mask.h"
#include "transfer/transfer_text.h"

char *
transfer_clean_text(Transfer *t, const char *text, size_t len)
{
	char	   *clean = MemoryContextAlloc(t->context, len + 1);
	const char *query = t->url != NULL ? strchr(t->url, '?') : NULL;
	bool		valid;

	memcpy(clean, text, len);
	clean[len] = '\0';
	/* before bytes are replaced, which could hide a part of a secret */
	mask_text(t, clean, len);
	if (query != NULL)
		mask_exact(clean, len, query, strlen(query));
	valid = pg_encoding_verifymbstr(GetDatabaseEncoding(), clean,
									(int) len) == (int) len;
	for (char *p = clean; p < clean + len; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			*p = ' ';
		else if (!valid && IS_HIGHBIT_SET(*p))
			*p = '?';
	}
	while (len > 0 && clean[len - 1] == ' ')
		clean[--len] = '\0';
	return clean;
}
