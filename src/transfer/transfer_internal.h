/*
 * transfer_internal.h
 *	  What the files of the transfer family share, and nobody else sees.
 *
 * transfer.c			life of a transfer: submit, queue, collect, free
 * transfer_event.c		the multi handle, its epoll descriptor and timer
 * transfer_copy.c		checks a request and copies it; wipes the copy
 * transfer_mask.c		secrets of a transfer, and finding them in answers
 * transfer_budget.c	how much of all answers is held at a time
 * transfer_guard.c		which addresses may be connected to; the proxy
 * transfer_http.c		options and callbacks of an HTTP exchange
 * transfer_redirect.c	which redirects are followed, and with what
 * transfer_mail.c		how libcurl enters a mail server; reading replies
 * transfer_smtp.c		the dialogue of a mail from there on
 * transfer_result.c	from libcurl's verdict to a Response
 */
#ifndef WF_TRANSFER_INTERNAL_H
#define WF_TRANSFER_INTERNAL_H

#include <curl/curl.h>

#include "lib/ilist.h"
#include "transfer/transfer.h"

#if LIBCURL_VERSION_NUM < 0x075800
#error "workflow_engine needs libcurl 7.88 or newer"
#endif

#define MAX_HEADERS 200			/* lines of one answer */
#define MAX_HEADER_BYTES (64 * 1024)
#define MAX_REDIRECTS 3
#define MAX_URL 16384
#define MIN_SECRET 6			/* shorter ones are not searched for */
/* ... and of all answers of one exchange, interim ones included */
#define MAX_HEADER_BYTES_ALL ((MAX_REDIRECTS + 1) * MAX_HEADER_BYTES)
#define MAX_HEADER_LINES_ALL 4000

/* A limit that ends a step is named, by its setting where it has one. */
#define TOO_LARGE_TEXT \
	"the response is over %zu bytes (workflow_engine.max_response_size)"
#define TIMEOUT_TEXT \
	"no complete answer within %lld ms (timeout of the step or workflow_engine.http_timeout)"
#define CONNECT_TIMEOUT_TEXT \
	"could not connect within %d ms (connect time-out, workflow_engine.connect_timeout)"

/* libcurl's own limit on one line (CURL_MAX_HTTP_HEADER) */
#define LONG_LINE_TEXT "a response header is over 102400 bytes"

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

/* What a line of a mail server's reply was. */
typedef enum ReplyLine
{
	REPLY_CONTINUES,
	REPLY_COMPLETE,
	REPLY_FAILED				/* the failure is noted */
} ReplyLine;

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

/*--- transfer_event.c ---*/
extern CURLM *transfer_multi(void);
extern void event_start(void);
extern long event_timeout(void);
extern void event_drive(void);
extern int64 monotonic_ms(void);
extern void signals_block(sigset_t *saved);
extern void signals_restore(const sigset_t *saved);

/*--- transfer_http.c ---*/
extern CURLcode http_options(Transfer *t);
extern bool http_found_closed(Transfer *t, CURLcode code);
extern bool http_answer_whole(Transfer *t, CURLcode code);
extern void http_leave_silent(Transfer *t);
extern CURLcode common_options(Transfer *t, curl_write_callback on_header);
extern void transfer_fail(Transfer *t, TransferFailure failure,
						  const char *fmt,...) pg_attribute_printf(3, 4);
extern bool buffer_append(Transfer *t, TransferBuffer *buffer,
						  const char *data, size_t len);
extern void buffer_free(TransferBuffer *buffer);

/*--- transfer_budget.c ---*/
extern bool budget_allows(Transfer *t, size_t more);
extern void budget_count(Transfer *t);
extern void budget_leave(Transfer *t);
extern void budget_free(Transfer *t);
extern void budget_resume(void);

/*--- transfer_redirect.c ---*/
extern bool redirect_follow(Transfer *t, CURLcode code);

/*--- transfer_guard.c ---*/
extern void guard_set(const AddressList *allowed, const char *proxy);
extern CURLcode guard_options(Transfer *t);
extern bool guard_connection(Transfer *t, const char *ip, int port);
extern void guard_result(Transfer *t, CURLcode code);

/*--- transfer_mail.c ---*/
extern CURLcode mail_options(Transfer *t);
extern ReplyLine mail_take_line(Transfer *t, const char *line, size_t len);
extern void mail_note_refusal(Transfer *t);

/*--- transfer_smtp.c ---*/
extern int	smtp_start(void);
extern void smtp_begin(Transfer *t);
extern void smtp_drive(int64 now);
extern long smtp_timeout(int64 now);
extern Transfer *smtp_take_ended(void);
extern void smtp_forget(Transfer *t);

/*--- transfer_result.c ---*/
extern void transfer_result(Transfer *t, CURLcode code);
extern char *transfer_clean_text(Transfer *t, const char *text, size_t len);

/*--- transfer_mask.c ---*/
extern void mask_add(Transfer *t, const char *data, size_t len);
extern void mask_add_encoded(Transfer *t, const char *data, size_t len);
extern void mask_add_url(Transfer *t, const char *url);
extern void mask_exact(char *text, size_t len, const char *needle,
					   size_t needle_len);
extern void mask_text(Transfer *t, char *text, size_t len);
extern void mask_wipe(Transfer *t);

/*--- transfer_copy.c ---*/
extern const char *transfer_copy(Transfer *t, const Request *request,
								 const char *user_agent, char **host);
extern void transfer_wipe(Transfer *t);

#endif							/* WF_TRANSFER_INTERNAL_H */
