/*
 * transfer_buffer.h
 *	  Bytes that a callback of libcurl collects.
 */
#ifndef WF_TRANSFER_BUFFER_H
#define WF_TRANSFER_BUFFER_H

#include "transfer/transfer_state.h"

/*
 * Appends to a buffer of the transfer's and keeps a NUL after its last byte.
 * The memory is of the transfer's context; what it outgrows is overwritten.
 * False if memory is short: the transfer's failure is noted then.
 */
extern bool buffer_append(Transfer *t, TransferBuffer *buffer,
						  const char *data, size_t len);

/* Overwrites and frees what was collected; the buffer is empty then. */
extern void buffer_free(TransferBuffer *buffer);

#endif							/* WF_TRANSFER_BUFFER_H */
