/*
 * preview.c
 *	  The HTML of a mail that is tried, kept until the frame of the page asks.
 *
 * A frame cannot send the header with the token, so it asks by an id that
 * nobody can guess, once, within a minute.  A session has PREVIEWS of them:
 * the newest takes the place of the oldest.
 *
 * Runs in the loop; owns the copy of the text, which counts as a buffer.
 */
#include "preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "budget.h"
#include "text.h"

void
preview_drop(Preview *preview)
{
	if (preview->html == NULL)
		return;
	budget_give(preview->length);
	free(preview->html);
	memset(preview, 0, sizeof(*preview));
}

void
preview_expire(Preview *preview, int64_t now)
{
	if (preview->html != NULL && now >= preview->until)
		preview_drop(preview);
}

/* An id of 128 random bits, written as a UUID. */
static bool
draw_id(char *id)
{
	unsigned char bytes[16];
	char	   *at = id;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return false;
	for (int i = 0; i < 16; i++)
		at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10
					  ? "-" : "", bytes[i]);
	return true;
}

/*
 * Keeps a copy in the place of what is there; preview->id is its id then.
 * False: it is too large, or too much is under way.
 */
bool
preview_keep(Preview *preview, const char *html, size_t length, int64_t now)
{
	preview_drop(preview);
	if (length == 0 || length > PREVIEW_LIMIT || !budget_take(length))
		return false;
	preview->html = text_copy(html, length);
	preview->length = length;
	preview->until = now + PREVIEW_TIME;
	if (draw_id(preview->id))
		return true;
	preview_drop(preview);
	return false;
}

/*
 * The text of that id, which is the caller's now, with its part of the budget;
 * NULL: there is none.
 */
char *
preview_take(Preview *preview, const char *id, int64_t now, size_t *length)
{
	char	   *html = preview->html;

	if (html == NULL || now >= preview->until ||
		!text_same_secret(preview->id, id, strlen(preview->id)))
		return NULL;
	*length = preview->length;
	memset(preview, 0, sizeof(*preview));
	return html;
}
