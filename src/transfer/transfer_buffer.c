/*
 * transfer_buffer.c
 *	  Bytes that a callback of libcurl collects.
 *
 * Runs in a worker, also below libcurl's frames, through which no error may
 * be raised: memory is allocated with MCXT_ALLOC_NO_OOM.  What a server sends
 * may repeat a secret, so memory is overwritten before it is freed.
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_buffer.h"
#include "utils/memutils.h"

bool
buffer_append(Transfer *t, TransferBuffer *buffer, const char *data,
			  size_t len)
{
	if (buffer->len + len + 1 > buffer->size)
	{
		size_t		size = Max(buffer->size * 2, 1024);
		char	   *grown;

		while (size < buffer->len + len + 1)
			size *= 2;
		grown = MemoryContextAllocExtended(t->context, size,
										   MCXT_ALLOC_NO_OOM |
										   MCXT_ALLOC_HUGE);
		if (grown == NULL)
		{
			transfer_fail(t, FAILURE_TOO_LARGE,
						  "out of memory for the response");
			return false;
		}
		if (buffer->data != NULL)
		{
			memcpy(grown, buffer->data, buffer->len);
			explicit_bzero(buffer->data, buffer->size);
			pfree(buffer->data);
		}
		buffer->data = grown;
		buffer->size = size;
	}
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
	return true;
}

void
buffer_free(TransferBuffer *buffer)
{
	if (buffer->data == NULL)
		return;
	explicit_bzero(buffer->data, buffer->size);
	pfree(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}
