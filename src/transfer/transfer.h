/*
 * transfer.h
 *	  Concurrent HTTP and SMTP exchanges over one curl multi handle.
 *
 * No SPI and no word of workflows.  No function here raises an ERROR after
 * transfer_start() but for out of memory, and none is raised through libcurl.
 */
#ifndef WF_TRANSFER_H
#define WF_TRANSFER_H

#include "postgres.h"
#include "config/address_list.h"
#include "transfer/request.h"
#include "transfer/transfer_response.h"

typedef struct TransferLimits
{
	int			max_in_flight;
	int			max_per_host;
	size_t		max_response_size;	/* bytes */
	int			connect_timeout_ms;
	const char *ca_file;		/* "" is the system's */
	const AddressList *allowed_hosts;	/* let in beside public addresses */
	const char *http_proxy;		/* "" is none */
	const char *user_agent;
} TransferLimits;

/* Once per process, outside a transaction; allocates in TopMemoryContext. */
extern void transfer_start(void);

/*
 * Takes new limits (after a reload).  Transfers under way keep theirs, but
 * whom they may connect to is judged by allowed_hosts as it is now.
 */
extern void transfer_set_limits(const TransferLimits *limits);

/*
 * Starts an exchange.  cookie is the caller's.  Never fails: what cannot
 * start comes back finished with FAILURE_REFUSED.
 */
extern Transfer *transfer_submit(const Request *request, void *cookie);

/* The descriptor to wait on (WL_SOCKET_READABLE): an epoll of all sockets. */
extern int	transfer_fd(void);

/* Milliseconds until libcurl wants to be driven, -1: nothing pending. */
extern long transfer_timeout(void);

/* Moves everything that is ready; first the sockets, then the timers. */
extern void transfer_drive(void);

/* The next finished exchange, or NULL; it stays valid until freed. */
extern Transfer *transfer_collect(void);

extern void *transfer_cookie(const Transfer *transfer);
extern const Response *transfer_response(const Transfer *transfer);

/*
 * Takes one back that still waits for its place: it is finished then, with
 * FAILURE_WITHDRAWN.  False: it is under way, or finished.
 */
extern bool transfer_withdraw(Transfer *transfer);

/* Bytes that it holds now: what is to be sent, and what has come. */
extern size_t transfer_size(const Transfer *transfer);

/* Forgets one: cancels it where under way, frees it and wipes secrets. */
extern void transfer_free(Transfer *transfer);

/* Exchanges under way (submitted, not yet finished). */
extern int	transfer_in_flight(void);

#endif							/* WF_TRANSFER_H */
