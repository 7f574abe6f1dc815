/*
 * transfer.h
 *	  Concurrent HTTP and SMTP exchanges over one curl multi handle.
 *
 * Nothing here uses SPI or knows of workflows.  transfer_start() raises
 * errors; the other functions raise none but out of memory, and none through
 * libcurl's frames.  All run in one process, a worker, outside of its
 * transactions.
 */
#ifndef WF_TRANSFER_H
#define WF_TRANSFER_H

#include "postgres.h"
#include "config/address_list.h"
#include "transfer/request.h"
#include "transfer/transfer_response.h"

typedef struct TransferLimits
{
	int			max_in_flight;	/* transfers that libcurl has at a time */
	int			max_per_host;	/* of them, those of one host */
	size_t		max_response_size;	/* bytes */
	int			connect_timeout_ms;
	const char *ca_file;		/* "": the system's */
	const AddressList *allowed_hosts;	/* beside public addresses; may be
										 * NULL */
	const char *http_proxy;		/* "": none */
	const char *user_agent;
} TransferLimits;

/*
 * Makes ready what transfers need; a second call does nothing.  It allocates
 * in TopMemoryContext.  Raises 53000 if libcurl cannot be initialized, and
 * the operating system's errors.
 */
extern void transfer_start(void);

/*
 * Takes new limits and copies what it needs of them.  Transfers that are
 * active keep their limits, but the new allowed_hosts decide which addresses
 * they connect to from now on.
 */
extern void transfer_set_limits(const TransferLimits *given);

/*
 * Submits a request; it starts at once, or after others of its host.  cookie
 * is the caller's, for transfer_cookie().  Never fails: a transfer that
 * cannot start is finished with FAILURE_REFUSED.
 */
extern Transfer *transfer_submit(const Request *request, void *cookie);

/*
 * The descriptor that is readable (WL_SOCKET_READABLE) if transfer_drive()
 * has something to do; it stays the same as long as the process lives.
 */
extern int	transfer_fd(void);

/*
 * Milliseconds until transfer_drive() is due even if the descriptor is not
 * readable; 0 if it is due, or if a transfer can be collected; -1 if never.
 */
extern long transfer_timeout(void);

/* Moves all transfers as far as they go without waiting. */
extern void transfer_drive(void);

/* The next finished transfer, or NULL.  It is the caller's to free. */
extern Transfer *transfer_collect(void);

extern void *transfer_cookie(const Transfer *transfer);

/* What came back; valid until transfer_free(). */
extern const Response *transfer_response(const Transfer *transfer);

/*
 * A part of what came back, len bytes, as it may be shown: one line of valid
 * text, the request's secrets masked.  It lives until transfer_free().
 */
extern char *transfer_show_text(Transfer *transfer, const char *text,
								size_t len);

/*
 * Takes back a transfer that is still queued: it is finished then, with
 * FAILURE_WITHDRAWN, and true is returned.  False if it is active or
 * finished; nothing has changed then.
 */
extern bool transfer_withdraw(Transfer *transfer);

/* Bytes that it holds now: its request, and what has come. */
extern size_t transfer_size(const Transfer *transfer);

/*
 * Frees a transfer in any state, after its secrets were overwritten.  One
 * that is active is broken off.
 */
extern void transfer_free(Transfer *transfer);

/* How many transfers are queued or active. */
extern int	transfer_in_flight(void);

#endif							/* WF_TRANSFER_H */
