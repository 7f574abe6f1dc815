/*
 * preview.h
 *	  The HTML of a mail that is tried, kept until the frame of the page asks.
 */
#ifndef WF_PREVIEW_H
#define WF_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREVIEW_LIMIT (512 * 1024)	/* bytes */
#define PREVIEW_TIME 60000		/* milliseconds */

/* Of a session: the frame may ask after the next one was made. */
#define PREVIEWS 3

/* One of them; all zero: there is none. */
typedef struct Preview
{
	char		id[37];
	char	   *html;
	size_t		length;
	int64_t		until;
} Preview;

extern bool preview_keep(Preview *preview, const char *html, size_t length,
						 int64_t now);
extern char *preview_take(Preview *preview, const char *id, int64_t now,
						  size_t *length);
extern void preview_expire(Preview *preview, int64_t now);
extern void preview_drop(Preview *preview);

#endif							/* WF_PREVIEW_H */
