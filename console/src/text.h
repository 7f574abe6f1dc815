/*
 * text.h
 *	  A text that grows, and the only JSON that C writes: escaped strings.
 */
#ifndef WF_TEXT_H
#define WF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Text
{
	char	   *data;			/* ends with a NUL that len does not count */
	size_t		len;
	size_t		size;			/* allocated */
} Text;

extern void *text_alloc(size_t size);
extern char *text_copy(const char *data, size_t len);
extern void text_init(Text *t);
extern void text_add(Text *t, const char *data, size_t len);
extern void text_adds(Text *t, const char *s);
extern void text_addf(Text *t, const char *format,...)
			__attribute__((format(printf, 2, 3)));
extern void text_add_json(Text *t, const char *data, size_t len);
extern void text_add_member(Text *t, const char *key, const char *value);
extern void text_free(Text *t);
extern void text_wipe(Text *t);
extern bool text_is_utf8(const char *data, size_t len);
extern bool text_two_lines(const char *data, size_t len, char *first,
						   size_t first_size, char *second,
						   size_t second_size);
extern bool text_is_uuid(const char *data, size_t len);
extern void text_hex(char *out, const unsigned char *data, size_t len);
extern bool text_unhex(unsigned char *out, size_t size, const char *hex,
					   size_t len);
extern bool text_same_secret(const void *a, const void *b, size_t len);

#endif							/* WF_TEXT_H */
