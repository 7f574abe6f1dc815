/*
 * buffer.h
 *	  What has come in of a request.
 */
#ifndef WF_BUFFER_H
#define WF_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Buffer
{
	char	   *data;			/* size + 1 bytes */
	size_t		length;			/* of what is there */
	size_t		size;			/* room, without that for a NUL */
	size_t		budget;			/* taken of it, if it is large */
} Buffer;

extern void buffer_init(Buffer *buffer);
extern bool buffer_grow(Buffer *buffer, size_t size);
extern void buffer_drop(Buffer *buffer, size_t bytes);
extern void buffer_free(Buffer *buffer);

#endif							/* WF_BUFFER_H */
