/*
 * valid_text.h
 *	  Text that is made of whole characters.
 */
#ifndef WF_VALID_TEXT_H
#define WF_VALID_TEXT_H

#include "postgres.h"

/*
 * text itself if it is valid in the database's encoding; else a palloc'd copy
 * that has U+FFFD (in other encodings than UTF-8: "?") in the place of each
 * stretch of bytes that are no characters.
 */
extern const char *valid_text(const char *text);

/*
 * The number of bytes of the character at text, which has len bytes (at least
 * one).  1 if there is no valid character.
 */
extern int	valid_character(const char *text, int len);

#endif							/* WF_VALID_TEXT_H */
