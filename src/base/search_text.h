/*
 * search_text.h
 *	  Texts that people type to find something, in any script.
 */
#ifndef WF_SEARCH_TEXT_H
#define WF_SEARCH_TEXT_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * The words of a text as they are compared: a list of char *.  Letters are
 * lower case, digits are those of ASCII; vowel marks, marks of direction and
 * the Arabic article are left out, and letters that are often written one for
 * the other are one.  "order_id" and "orderId" have the words "order" and
 * "id". UTF-8, palloc'd.
 */
extern List *search_words(const char *text);

/* Does the word only say that a number follows: "no", "number", رقم? */
extern bool search_is_filler(const char *word);

/*
 * A value as it probably stands in data: digits of ASCII, no vowel marks or
 * marks of direction, one blank for several, none at the ends, no "#" before
 * it.  UTF-8, palloc'd.
 */
extern char *search_value(const char *text);

/* The parts of a text between blanks and line breaks: a list of char *. */
extern List *search_split(const char *text);

#endif							/* WF_SEARCH_TEXT_H */
