/*
 * text.c
 *	  A text that grows, and the only JSON that C writes: escaped strings.
 *
 * Knows nothing of HTTP or PostgreSQL, and owns nothing beyond the texts of
 * its callers.  What is large is counted by budget.c before it comes here;
 * what is small and cannot be allocated ends the program, since sessions are
 * lost then in any case and the supervisor starts it anew.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory that is there; never returns NULL. */
void *
text_alloc(size_t size)
{
	void	   *p = calloc(1, size > 0 ? size : 1);

	if (p == NULL)
	{
		fputs("wf_console: out of memory\n", stderr);
		abort();
	}
	return p;
}

/* A copy with a NUL after it, to be freed by the caller. */
char *
text_copy(const char *data, size_t len)
{
	char	   *copy = text_alloc(len + 1);

	memcpy(copy, data, len);
	return copy;
}

void
text_init(Text *t)
{
	t->size = 128;
	t->data = text_alloc(t->size);
	t->len = 0;
}

/*
 * Makes room for so many bytes and the NUL.  What was there is overwritten
 * when it moves: it may be a part of a password.
 */
static void
make_room(Text *t, size_t more)
{
	size_t		size = t->size;
	char	   *data;

	if (t->len + more + 1 <= t->size)
		return;
	while (size < t->len + more + 1)
		size *= 2;
	data = text_alloc(size);
	memcpy(data, t->data, t->len);
	explicit_bzero(t->data, t->size);
	free(t->data);
	t->data = data;
	t->size = size;
}

void
text_add(Text *t, const char *data, size_t len)
{
	make_room(t, len);
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void
text_adds(Text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void
text_addf(Text *t, const char *format,...)
{
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	make_room(t, len);
	va_start(args, format);
	vsnprintf(t->data + t->len, len + 1, format, args);
	va_end(args);
	t->len += len;
}

/*
 * Adds a JSON string, with its quotes.  The caller has made sure that the
 * bytes are UTF-8, or takes what PostgreSQL says of them.
 */
void
text_add_json(Text *t, const char *data, size_t len)
{
	text_add(t, "\"", 1);
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = data[i];

		if (c == '"' || c == '\\')
		{
			char		pair[2] = {'\\', c};

			text_add(t, pair, 2);
		}
		else if (c < 0x20 || c == 0x7f)
			text_addf(t, "\\u%04x", c);
		else
			text_add(t, data + i, 1);
	}
	text_add(t, "\"", 1);
}

/* Adds "key": "value" or "key": null, and a comma if it is not the first. */
void
text_add_member(Text *t, const char *key, const char *value)
{
	if (t->len > 0 && t->data[t->len - 1] != '{')
		text_adds(t, ", ");
	text_add_json(t, key, strlen(key));
	text_adds(t, ": ");
	if (value == NULL)
		text_adds(t, "null");
	else
		text_add_json(t, value, strlen(value));
}

void
text_free(Text *t)
{
	free(t->data);
	t->data = NULL;
	t->len = t->size = 0;
}

/* The same for what may be a secret. */
void
text_wipe(Text *t)
{
	if (t->data != NULL)
		explicit_bzero(t->data, t->size);
	text_free(t);
}

/* How many bytes follow the first one of a character; -1: it is none. */
static int
followers(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c < 0xe0)
		return 1;
	if (c >= 0xe0 && c < 0xf0)
		return 2;
	if (c >= 0xf0 && c < 0xf5)
		return 3;
	return -1;
}

/* Whether all of it is UTF-8 as PostgreSQL takes it: no NUL, no surrogate. */
bool
text_is_utf8(const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *) data;

	for (size_t i = 0; i < len; i++)
	{
		int			n = followers(s[i]);
		unsigned char first = s[i];

		if (n < 0 || first == '\0' || i + n >= len)
			return false;
		for (int k = 1; k <= n; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
		if ((first == 0xe0 && s[i + 1] < 0xa0) ||
			(first == 0xed && s[i + 1] >= 0xa0) ||
			(first == 0xf0 && s[i + 1] < 0x90) ||
			(first == 0xf4 && s[i + 1] >= 0x90))
			return false;
		i += n;
	}
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Cuts "first LF second", of UTF-8, into two buffers.  False: it is nothing of
 * that form, one of them is empty or too long, or there is a third line; the
 * buffers are overwritten then.
 */
bool
text_two_lines(const char *data, size_t len, char *first, size_t first_size,
			   char *second, size_t second_size)
{
	const char *feed = memchr(data, '\n', len);
	size_t		n1 = feed ? (size_t) (feed - data) : 0;
	size_t		n2 = feed ? len - n1 - 1 : 0;

	explicit_bzero(first, first_size);
	explicit_bzero(second, second_size);
	if (n1 == 0 || n1 >= first_size || n2 == 0 || n2 >= second_size ||
		memchr(feed + 1, '\n', n2) != NULL || !text_is_utf8(data, len))
		return false;
	memcpy(first, data, n1);
	memcpy(second, feed + 1, n2);
	return true;
}

/* Whether it is a UUID in its usual form of 36 characters. */
bool
text_is_uuid(const char *data, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? data[i] != '-' : hex_value(data[i]) < 0)
			return false;
	}
	return true;
}

/* Writes 2 * len digits and a NUL. */
void
text_hex(char *out, const unsigned char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++)
	{
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

/* The bytes of exactly 2 * size digits; false: it is anything else. */
bool
text_unhex(unsigned char *out, size_t size, const char *hex, size_t len)
{
	if (len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++)
	{
		int			high = hex_value(hex[2 * i]);
		int			low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = high << 4 | low;
	}
	return true;
}

/* Takes the same time for any two. */
bool
text_same_secret(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a;
	const volatile unsigned char *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}
