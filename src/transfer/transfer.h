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
#include "base/name_value.h"
#include "config/address.h"
#include "nodes/pg_list.h"

typedef enum TransferProtocol
{
	TRANSFER_HTTP,
	TRANSFER_SMTP
} TransferProtocol;

typedef enum TransferTls
{
	TLS_REQUIRED,
	TLS_OPTIONAL,
	TLS_NEVER
} TransferTls;

typedef struct TransferMail
{
	char	   *from;			/* envelope: addr-spec only */
	List	   *recipients;		/* of char *, addr-specs */
	List	   *headers;		/* of NameValue *, complete and encoded */
	char	   *text;			/* UTF-8; either may be NULL, not both */
	char	   *html;
	TransferTls starttls;		/* for smtp:// */
} TransferMail;

/*
 * What to send.  Built by an action in a short-lived context;
 * transfer_submit copies what it needs.
 */
typedef struct Request
{
	TransferProtocol protocol;
	char	   *url;
	bool		url_secret;		/* its path is a credential: never shown */
	char	   *method;			/* HTTP */
	List	   *headers;		/* HTTP: of NameValue * */
	const char *key_header;		/* HTTP: which of them has the idempotency
								 * key; NULL: none */
	List	   *secret_headers; /* HTTP: of NameValue * */
	char	   *body;			/* HTTP; may be NULL */
	size_t		body_len;
	bool		follow_redirects;
	char	   *secrets_below;	/* the URL below which redirects are followed
								 * with the secrets; NULL: none is */
	bool		once;			/* no silent second sending where a reused
								 * connection broke before the answer */
	char	   *username;		/* secret; HTTP basic or SMTP AUTH */
	char	   *password;		/* secret */
	char	   *oauth_bearer;	/* secret; SMTP XOAUTH2 */
	TransferMail *mail;			/* SMTP */
	int64		timeout_ms;		/* the whole exchange */
} Request;

typedef enum TransferFailure
{
	FAILURE_NONE,				/* an answer came: see status */
	FAILURE_RESOLVE,
	FAILURE_CONNECT,
	FAILURE_TLS,
	FAILURE_TIMEOUT,
	FAILURE_BROKEN,				/* reset, closed early, protocol error */
	FAILURE_TOO_LARGE,			/* a limit of ours; error names it */
	FAILURE_AUTH,				/* SMTP AUTH or STARTTLS refused */
	FAILURE_REFUSED,			/* not sent: URL, scheme, address, memory */
	FAILURE_WITHDRAWN			/* not sent: the caller took it back */
} TransferFailure;

/* A recipient that a mail server has refused. */
typedef struct RefusedRecipient
{
	int			recipient;		/* which of the mail's, from 0 */
	int			status;			/* the reply's code */
	char	   *reply;			/* its words, the codes first; may be cut */
} RefusedRecipient;

/*
 * What came back.  Lives in its own memory context, freed by
 * transfer_free().
 */
typedef struct Response
{
	TransferFailure failure;
	char	   *error;			/* for people; no secret, no URL query */
	bool		request_written;	/* the peer may have acted on it */
	int			status;			/* HTTP status or last SMTP reply code */
	List	   *headers;		/* of NameValue *, of the last answer, names
								 * in lower case */
	char	   *body;			/* bytes as received, NUL added behind; SMTP:
								 * the last reply's text */
	size_t		body_len;
	char	   *redirect;		/* HTTP: 'redirects to "...", ...': where to,
								 * and why that was not followed; or NULL */
	List	   *refused;		/* SMTP: of RefusedRecipient *, in order */
} Response;

typedef struct Transfer Transfer;	/* one exchange in flight */

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
