/*
 * label.c
 *	  What the configuration calls a tenant, in each language: a word for one
 *	  and a word for several.
 *
 * A pure function; owns nothing.
 */
#include "label.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 80				/* bytes of a word */

/* Adds a word without the blanks around it; false: it is none. */
static bool
add_word(Text *labels, char *word)
{
	size_t		len;

	word += strspn(word, " \t");
	len = strlen(word);
	while (len > 0 && isspace((unsigned char) word[len - 1]))
		len--;
	text_add(labels, word, len);
	return len > 0 && len <= LONGEST && text_is_utf8(word, len);
}

/*
 * Adds ",en:branch/branches" of "en: branch / branches", which it cuts in two.
 * False: it is not of that form, or the language is there already.
 */
bool
label_add(Text *labels, char *one)
{
	char	   *slash = strchr(one, '/');
	char		start[8];

	if (slash == NULL || strpbrk(slash + 1, "/:") != NULL ||
		strchr(one, ':') != one + 2 || strchr(one + 3, ':') != NULL ||
		!islower((unsigned char) one[0]) || !islower((unsigned char) one[1]))
		return false;
	snprintf(start, sizeof(start), ",%.3s", one);
	if (strstr(labels->data, start) != NULL)
		return false;
	*slash = '\0';
	text_adds(labels, start);
	if (!add_word(labels, one + 3))
		return false;
	text_adds(labels, "/");
	return add_word(labels, slash + 1);
}
