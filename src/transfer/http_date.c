/*
 * http_date.c
 *	  Reading the dates that HTTP servers send.
 *
 * Pure: a text in, a time out.  Any process.  curl_getdate() reads many other
 * texts too, so the shape is checked first.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>
#include <curl/curl.h>

#include "transfer/http_date.h"

/*
 * Does text have the shape?  In a shape, A is a letter, + any number of
 * letters, 9 a digit, _ a digit or a blank; any other character is itself.
 */
static bool
has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++)
	{
		unsigned char c = *text;
		bool		letter = isascii(c) && isalpha(c);
		bool		digit = isascii(c) && isdigit(c);

		if (*shape == '+')
		{
			while (isascii((unsigned char) *text) &&
				   isalpha((unsigned char) *text))
				text++;
			continue;
		}
		if (*shape == 'A' ? !letter : *shape == '9' ? !digit :
			*shape == '_' ? !digit && c != ' ' : c != (unsigned char) *shape)
			return false;
		text++;
	}
	return *text == '\0';
}

time_t
http_date(const char *text)
{
	static const char *const shapes[] = {
		"AAA, 99 AAA 9999 99:99:99 GMT",
		"AAA+, 99-AAA-99 99:99:99 GMT",
		"AAA AAA _9 99:99:99 9999"
	};

	for (int i = 0; i < lengthof(shapes); i++)
	{
		if (has_shape(text, shapes[i]))
			return curl_getdate(text, NULL);
	}
	return (time_t) -1;
}
