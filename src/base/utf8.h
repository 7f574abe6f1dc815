/*
 * utf8.h
 *	  Characters of a UTF-8 text: reading, classifying and quoting them.  Pure.
 */
#ifndef WF_UTF8_H
#define WF_UTF8_H

#include "postgres.h"

/*
 * The character at text, which has at least one byte before its end; *len is
 * set to its length.  A byte that begins no character of UTF-8 is read as
 * itself, with the length 1.
 */
extern uint32 utf8_read(const char *text, int *len);

/* A blank of any width, but no line break and no tab. */
extern bool utf8_is_blank(uint32 c);

/* A tab, a line break or another control character. */
extern bool utf8_is_control(uint32 c);

/* A mark that is not seen: of direction, of joining, of byte order. */
extern bool utf8_is_invisible(uint32 c);

/* The digit that c is, in one of the ways to write it; -1: none. */
extern int	utf8_digit(uint32 c);

/* Is there nothing to see in text? */
extern bool utf8_is_empty(const char *text);

/*
 * A copy of text for an error message: at most max bytes, with "..." after
 * them if text is longer, and characters that are not seen written as
 * <U+200E>.  Palloc'd, UTF-8.
 */
extern char *utf8_quote(const char *text, int max);

/* A copy of a text of the database in UTF-8.  Palloc'd. */
extern char *to_utf8(const char *text);

#endif							/* WF_UTF8_H */
