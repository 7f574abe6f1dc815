/*
 * transfer_state.h
 *	  One exchange, as the files of this folder see it.
 */
#ifndef WF_TRANSFER_STATE_H
#define WF_TRANSFER_STATE_H

#include <curl/curl.h>

#include "lib/ilist.h"
#include "transfer/request.h"
#include "transfer/transfer_response.h"

#if LIBCURL_VERSION_NUM < 0x075800
#error "workflow_engine needs libcurl 7.88 or newer"
#endif

#define MAX_HEADER_BYTES (64 * 1024)	/* of one answer */
#define MAX_REDIRECTS 3
#define MAX_URL 16384

/* Of all answers of one exchange, interim ones and redirects included. */
#define MAX_HEADER_BYTES_ALL ((MAX_REDIRECTS + 1) * MAX_HEADER_BYTES)

/* A limit that ends a step is named, by its setting where it has one. */
#define TOO_LARGE_TEXT \
	"the response is over %zu bytes (workflow_engine.max_response_size)"
#define TIMEOUT_TEXT \
	"no complete answer within %lld ms (timeout of the step or workflow_engine.http_timeout)"

/* Bytes that a callback collects; grows without ever raising. */
typedef struct TransferBuffer
{
	char	   *data;
	size_t		len;
	size_t		size;
} TransferBuffer;

typedef enum TransferState
{
	STATE_QUEUED,				/* waits for a place; no handle yet */
	STATE_ACTIVE,				/* libcurl has it */
	STATE_FINISHED,				/* waits for transfer_collect */
	STATE_COLLECTED
} TransferState;

/* Where a mail's dialogue stands: what was said last. */
typedef enum SmtpState
{
	SMTP_NONE,					/* libcurl still connects, or no mail */
	SMTP_FROM,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_CONTENT,
	SMTP_ENDED
} SmtpState;

/* The transfers of one scheme, host and port. */
typedef struct TransferHost
{
	dlist_node	node;			/* in the ring of hosts */
	char	   *name;
	int			active;
	int			waiting;
	dlist_head	queue;
} TransferHost;

/* A string that nothing may show and that is wiped. */
typedef struct TransferSecret
{
	char	   *data;
	size_t		len;
} TransferSecret;

struct Transfer
{
	dlist_node	node;			/* in its host's queue, or in finished */
	TransferState state;
	MemoryContext context;		/* holds this struct and all below */
	void	   *cookie;
	TransferHost *host;			/* NULL: refused before it was queued */

	/* what to send: copies */
	TransferProtocol protocol;
	char	   *url;
	bool		url_secret;
	char	   *method;
	char	   *body;			/* HTTP body, or the whole mail; NULL: none */
	size_t		body_len;
	bool		follow_redirects;
	char	   *secrets_below;
	bool		once;
	char	   *username;
	char	   *password;
	char	   *oauth_bearer;
	char	   *mail_from;
	TransferTls starttls;
	struct curl_slist *headers;
	struct curl_slist *own_headers; /* of them, those for any server */
	struct curl_slist *recipients;
	List	   *secrets;		/* of TransferSecret * */

	/* limits, as they were when it started */
	int64		started_ms;		/* of the monotonic clock */
	int64		timeout_ms;
	int			connect_timeout_ms;
	size_t		max_response_size;

	/* what the callbacks of libcurl leave */
	CURL	   *easy;
	char		curl_error[CURL_ERROR_SIZE];
	TransferFailure failure;	/* of our own; FAILURE_NONE: none */
	char		why[200];		/* its reason */
	TransferBuffer head;		/* header lines or SMTP reply */
	int			head_lines;
	int			head_lines_total;
	size_t		head_total;
	bool		head_ended;
	TransferBuffer answer;		/* the body */
	size_t		held;			/* of it, as counted (transfer_budget.c) */
	bool		paused;			/* waits for room */
	dlist_node	paused_node;
	bool		again;			/* sent anew, on a connection of its own */
	bool		begun;			/* connected, the request comes next */
	int			redirects;		/* followed so far */
	size_t		head_before;	/* bytes of headers before the last of them */
	bool		elsewhere;		/* one led to another scheme, host or port */
	bool		proxied;		/* sockets are opened to the proxy */
	bool		opened;			/* a socket was, since the last request */
	char		shut[64];		/* an address refused since then; or "" */
	int			reply;			/* code of the last SMTP reply */

	/* the dialogue of a mail */
	dlist_node	dialogue_node;
	SmtpState	dialogue;
	int			socket;
	struct curl_slist *next_recipient;
	int			asked;			/* recipients named to the server */
	int			taken;			/* of them, those that it takes */
	TransferBuffer in;			/* lines that are not complete */
	TransferBuffer out;			/* to be sent, from out_sent on */
	size_t		out_sent;
	const char *content_at;		/* in body: goes into out next; or NULL */
	bool		offers_size;
	bool		offers_smtputf8;
	bool		needs_smtputf8;
	bool		content_sent;	/* whole */
	bool		accepted;		/* the mail was */

	Response	response;
};

/* Sets an option of t->easy, unless one before it was refused. */
#define SET(option, value) \
	do { \
		if (rc == CURLE_OK) \
			rc = curl_easy_setopt(t->easy, option, value); \
	} while (0)


/*
 * Notes why the transfer fails.  The first failure counts; it stands before
 * what libcurl says.
 */
extern void transfer_fail(Transfer *t, TransferFailure failure,
						  const char *fmt,...) pg_attribute_printf(3, 4);

#endif							/* WF_TRANSFER_STATE_H */
