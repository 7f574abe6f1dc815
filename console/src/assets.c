/*
 * assets.c
 *	  The files of the page, as embed.sh has put them into the program.
 *
 * Constants; nothing is read from disk.
 */
#include "assets.h"

#include <string.h>

/* The file of exactly that path, or NULL. */
const Asset *
asset_find(Span path)
{
	for (const Asset *asset = embedded_assets; asset->path; asset++)
		if (span_is(path, asset->path))
			return asset;
	return NULL;
}

/* Whether Accept-Encoding has gzip, and not as q=0. */
bool
asset_takes_gzip(const Request *request)
{
	Span		list = request->header[HEADER_ACCEPT_ENCODING];

	for (size_t i = 0; list.data != NULL && i + 4 <= list.len; i++)
	{
		const char *rest = list.data + i + 4;
		const char *end = list.data + list.len;

		if (memcmp(list.data + i, "gzip", 4) != 0 ||
			(i > 0 && strchr(", \t", rest[-5]) == NULL))
			continue;
		return rest == end || strchr(", \t", *rest) != NULL ||
			(*rest == ';' && end - rest >= 4 &&
			 memcmp(rest, ";q=0", 4) != 0);
	}
	return false;
}
