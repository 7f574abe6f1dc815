/*
 * buffer.c
 *	  What has come in of a request: a buffer that suffices for headers and a
 *	  sign-in, and grows once, for a body whose size is known.
 *
 * What it held is overwritten before it is freed, since passwords come in by
 * it.  Owned by the client.
 */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "request.h"
#include "text.h"

#define FIRST_SIZE (REQUEST_HEAD + 4096)

void
buffer_init(Buffer *buffer)
{
	memset(buffer, 0, sizeof(*buffer));
	buffer->size = FIRST_SIZE;
	buffer->data = text_alloc(FIRST_SIZE + 1);
}

void
buffer_free(Buffer *buffer)
{
	explicit_bzero(buffer->data, buffer->size + 1);
	free(buffer->data);
	budget_give(buffer->budget);
	memset(buffer, 0, sizeof(*buffer));
}

/* Moves what is there into another allocation. */
static void
move(Buffer *buffer, size_t size, size_t budget)
{
	Buffer		moved = {text_alloc(size + 1), buffer->length, size, budget};

	memcpy(moved.data, buffer->data, buffer->length);
	buffer_free(buffer);
	*buffer = moved;
}

/* Makes room for so many bytes in all; false: there is no memory for them. */
bool
buffer_grow(Buffer *buffer, size_t size)
{
	if (size <= buffer->size)
		return true;
	if (!budget_take(size))
		return false;
	move(buffer, size, size);
	return true;
}

/* Drops so many bytes from the beginning, and room that is not needed. */
void
buffer_drop(Buffer *buffer, size_t bytes)
{
	buffer->length -= bytes;
	memmove(buffer->data, buffer->data + bytes, buffer->length);
	explicit_bzero(buffer->data + buffer->length, bytes);
	if (buffer->budget > 0 && buffer->length <= FIRST_SIZE)
		move(buffer, FIRST_SIZE, 0);
}
