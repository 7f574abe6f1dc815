/*
 * transfer_internal.h
 *	  What the files of the transfer family share, and nobody else sees.
 *
 * transfer.c			life of a transfer: submit, queue, collect, free
 * transfer_event.c		the multi handle, its epoll descriptor and timer
 * transfer_copy.c		checks a request and copies it; wipes the copy
 * transfer_http.c		options and callbacks of an HTTP exchange
 * transfer_mail.c		options and callbacks of an SMTP exchange
 * transfer_result.c	from libcurl's verdict to a Response
 */
#ifndef WF_TRANSFER_INTERNAL_H
#define WF_TRANSFER_INTERNAL_H

#include <curl/curl.h>

#include "lib/ilist.h"
#include "transfer.h"

#if LIBCURL_VERSION_NUM < 0x075800
#error "workflow_engine needs libcurl 7.88 or newer"
#endif

#define MAX_HEADERS 200			/* lines of one answer */
#define MAX_HEADER_BYTES (64 * 1024)	/* of one answer */
#define MAX_REDIRECTS 3
/* ... and of all answers of one exchange, interim ones included */
#define MAX_HEADER_BYTES_ALL ((MAX_REDIRECTS + 1) * MAX_HEADER_BYTES)

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
	size_t		body_sent;		/* SMTP: handed to libcurl so far */
	bool		follow_redirects;
	bool		once;
	char	   *username;
	char	   *password;
	char	   *oauth_bearer;
	char	   *mail_from;
	TransferTls starttls;
	struct curl_slist *headers;
	struct curl_slist *recipients;
	List	   *secrets;		/* of TransferSecret * */

	/* limits, as they were when it started */
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
	size_t		head_total;
	bool		head_ended;
	TransferBuffer answer;		/* the body */
	bool		begun;			/* connected, the request comes next */
	bool		was_https;
	int			reply;			/* code of the last SMTP reply */
	bool		accepted;		/* the mail was */

	Response	response;
};

/*--- transfer_event.c ---*/
extern CURLM *transfer_multi(void);
extern void event_start(void);
extern long event_timeout(void);
extern void event_drive(void);
extern bool event_timer_due(void);
extern void signals_block(sigset_t *saved);
extern void signals_restore(const sigset_t *saved);

/*--- transfer_http.c ---*/
extern CURLcode http_options(Transfer *t);
extern CURLcode common_options(Transfer *t, curl_write_callback on_header);
extern void transfer_fail(Transfer *t, TransferFailure failure,
						  const char *fmt,...) pg_attribute_printf(3, 4);
extern bool buffer_append(Transfer *t, TransferBuffer *buffer,
						  const char *data, size_t len);

/*--- transfer_mail.c ---*/
extern CURLcode mail_options(Transfer *t);

/*--- transfer_result.c ---*/
extern void transfer_result(Transfer *t, CURLcode code);
extern char *transfer_clean_text(Transfer *t, const char *text, size_t len);

/*--- transfer_copy.c ---*/
extern const char *transfer_copy(Transfer *t, const Request *request,
								 const char *user_agent, char **host);
extern void transfer_wipe(Transfer *t);

#endif							/* WF_TRANSFER_INTERNAL_H */
