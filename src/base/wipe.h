/*
 * wipe.h
 *	  Overwriting a secret in memory.
 */
#ifndef WF_WIPE_H
#define WF_WIPE_H

#include "postgres.h"

/*
 * Overwrites a text up to its NUL; NULL is allowed.  explicit_bzero() is not
 * optimized away, as memset() before pfree() may be.
 */
static inline void
wipe_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
}

#endif							/* WF_WIPE_H */
