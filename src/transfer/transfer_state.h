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
#define MAX_REDIRECTS 3			/* followed in one exchange */
#define MAX_URL 16384			/* bytes */

/* Of all answers of one exchange, interim ones and redirects included. */
#define MAX_HEADER_BYTES_ALL ((MAX_REDIRECTS + 1) * MAX_HEADER_BYTES)

/* An error that a limit causes names the setting of that limit. */
#define TOO_LARGE_TEXT \
	"the response is over %zu bytes (workflow_engine.max_response_size)"
#define TIMEOUT_TEXT \
	"no complete answer within %lld ms (timeout of the step or workflow_engine.http_timeout)"

/* Bytes that are collected; see transfer_buffer.h. */
typedef struct TransferBuffer
{
	char	   *data;			/* NULL while nothing was collected */
	size_t		len;
	size_t		size;			/* allocated */
} TransferBuffer;

/* The states of a transfer; README.md has the drawing. */
typedef enum TransferState
{
	STATE_QUEUED,				/* waits in its host's queue; no handle yet */
	STATE_ACTIVE,				/* libcurl has it */
	STATE_FINISHED,				/* waits for transfer_collect() */
	STATE_COLLECTED				/* waits for transfer_free() */
} TransferState;

/* What was sent last in the dialogue of a mail. */
typedef enum SmtpState
{
	SMTP_NONE,					/* no dialogue: HTTP, or libcurl still
								 * connects */
	SMTP_FROM,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_CONTENT,
	SMTP_ENDED
} SmtpState;

/* The transfers of one scheme, host and port. */
typedef struct TransferHost
{
	dlist_node	node;			/* in the ring of hosts, while waiting > 0 */
	char	   *name;			/* "https://example.com:443" */
	int			active;			/* transfers that libcurl has */
	int			waiting;		/* transfers in queue */
	dlist_head	queue;
} TransferHost;

/* A secret, which is masked in answers and overwritten at the end. */
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
	void	   *cookie;			/* the caller's */
	TransferHost *host;			/* NULL unless queued or active */

	/* the transfer's own copy of the request: see request.h */
	TransferProtocol protocol;
	char	   *url;			/* after a redirect, where it led to */
	bool		url_secret;
	char	   *method;
	char	   *body;			/* HTTP body, or the whole mail; NULL: none */
	size_t		body_len;
	bool		body_secret;	/* it has a secret in it */
	bool		answer_secret;
	bool		follow_redirects;
	char	   *secrets_below;
	bool		once;
	char	   *username;
	char	   *password;
	char	   *oauth_bearer;
	char	   *mail_from;
	TransferTls starttls;
	struct curl_slist *headers; /* for the server of the request's URL */
	struct curl_slist *own_headers; /* of them, those for any server */
	struct curl_slist *recipients;
	List	   *secrets;		/* of TransferSecret * */

	/* limits; all but timeout_ms as they were when it started */
	int64		started_ms;		/* by monotonic_ms() */
	int64		timeout_ms;
	int			connect_timeout_ms;
	size_t		max_response_size;	/* bytes */

	/* what the callbacks of libcurl leave */
	CURL	   *easy;			/* NULL unless active */
	char		curl_error[CURL_ERROR_SIZE];
	TransferFailure failure;	/* found by us, not by libcurl; see
								 * transfer_fail() */
	char		failure_reason[200];
	TransferBuffer head;		/* header lines, or an SMTP reply */
	int			head_lines;		/* of this answer */
	int			head_lines_total;	/* of all answers */
	size_t		head_total;		/* bytes, of all answers */
	bool		head_ended;		/* the next line begins an answer or reply */
	TransferBuffer answer;		/* the body */
	size_t		counted_bytes;	/* of answer, by transfer_budget.c */
	bool		paused;			/* waits for room in the budget */
	dlist_node	paused_node;
	bool		resent;			/* on a new connection, because the reused one
								 * was closed */
	bool		request_begun;	/* connected: the request is sent next */
	int			redirects;		/* followed so far */
	size_t		head_total_before;	/* head_total at the last redirect */
	bool		left_origin;	/* a redirect led to another scheme, host or
								 * port */
	bool		proxied;		/* sockets are opened to the proxy */
	bool		socket_opened;	/* since the last request */
	char		refused_address[64];	/* since then, by the guard; or "" */
	int			reply;			/* code of the last SMTP reply */

	/* the dialogue of a mail: transfer_smtp.c */
	dlist_node	dialogue_node;
	SmtpState	dialogue;
	int			socket;
	struct curl_slist *next_recipient;
	int			recipients_named;	/* by RCPT TO, so far */
	int			recipients_accepted;	/* of them */
	TransferBuffer input;		/* received, not yet a complete line */
	TransferBuffer output;		/* to be sent, from output_sent on */
	size_t		output_sent;
	const char *content_next;	/* in body: what goes into output next; NULL:
								 * nothing */
	bool		offers_size;	/* by the server's EHLO */
	bool		offers_smtputf8;
	bool		needs_smtputf8; /* an address or a header is not ASCII */
	bool		content_sent;	/* all of it */
	bool		mail_accepted;	/* the server has taken the mail */

	Response	response;
};

/*
 * Sets an option of t->easy, unless an option before it was refused.  The
 * function that uses it has CURLcode rc, with which it begins as CURLE_OK.
 */
#define SET(option, value) \
	do { \
		if (rc == CURLE_OK) \
			rc = curl_easy_setopt(t->easy, option, value); \
	} while (0)

/*
 * Notes why the transfer fails.  The first failure that is noted stays, and
 * it is reported instead of what libcurl says.  Callable below libcurl's
 * frames.
 */
extern void transfer_fail(Transfer *t, TransferFailure failure,
						  const char *fmt,...) pg_attribute_printf(3, 4);

#endif							/* WF_TRANSFER_STATE_H */
