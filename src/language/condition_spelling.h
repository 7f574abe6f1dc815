/*
 * condition_spelling.h
 *	  The speller, which corrects the spelling of jsonpath predicates: what the
 *	  files condition_spelling*.c call of one another.  No other file includes
 *	  it.
 */
#ifndef WF_CONDITION_SPELLING_H
#define WF_CONDITION_SPELLING_H

#include "postgres.h"

#include <ctype.h>

#include "language/condition_node.h"

#define SPELLING_MAX_WRAPPED 16 /* "!" without parentheses, nested */

/* A text that is read, and written again with its mistakes corrected. */
typedef struct Speller
{
	const char *text;
	const char *pos;			/* what is read next */
	StringInfoData out;
	int			depth;			/* of open parentheses */
	const char *outermost;		/* the last "(" at depth 0 in text */

	/*
	 * The "(" that were added after a "!" and have no ")" yet: the depth at
	 * which each must be closed, and the offset after it in out.
	 */
	int			wrapped[SPELLING_MAX_WRAPPED];
	int			wrapped_at[SPELLING_MAX_WRAPPED];
	int			nwrapped;
	SpellingMistake *mistake;
} Speller;

static inline bool
is_word_start(char c)
{
	return isalpha((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

static inline bool
is_word_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

/* The first byte from c on that is no white space. */
static inline const char *
skip_blanks(const char *c)
{
	while (isspace((unsigned char) *c))
		c++;
	return c;
}

/* Is word[0..len) equal to other? */
static inline bool
word_is(const char *word, int len, const char *other)
{
	return strlen(other) == len && memcmp(word, other, len) == 0;
}

/*
 * Notes a mistake at that place of the text if it is the first one; hint may
 * be NULL.
 */
extern void spelling_note(Speller *s, const char *where,
						  const char *message, const char *hint);

/* Writes the text up to end as it is, and moves the position to end. */
extern void spelling_copy(Speller *s, const char *end);

/* Writes a text in double quotes. */
extern void spelling_write_quoted(Speller *s, const char *text, int len);

/* Writes an operator, or its replacement, and moves the position to end. */
extern void spelling_write_operator(Speller *s, const char *op,
									const char *end);

/*
 * Writes "!", with parentheses around what follows if it has none, and moves
 * the position to end, or to the first byte after it that is no white space.
 */
extern void spelling_write_not(Speller *s, const char *end);

/* Writes a key after the path that it belongs to: .key or ."odd key". */
extern void spelling_write_key(Speller *s, const char *key, int len);

/*
 * Writes the ")" of each "(" that spelling_write_not opened at the current
 * depth.
 */
extern void spelling_close_wrapped(Speller *s);

/*
 * Is the last byte written one that ends a path?  Then a "." or "[" that
 * follows without a blank belongs to that path.
 */
extern bool spelling_is_after_path(const Speller *s);

/* The last byte written that is no white space; 0 if there is none. */
extern char spelling_last_written(const Speller *s);

/* Reads a word, which begins at the position. */
extern void spelling_read_word(Speller *s);

/* Reads "$" or "@" at the position, and a name directly after a "$". */
extern void spelling_read_root(Speller *s);

#endif							/* WF_CONDITION_SPELLING_H */
