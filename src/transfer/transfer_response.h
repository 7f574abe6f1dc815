/*
 * transfer_response.h
 *	  What came back.
 */
#ifndef WF_TRANSFER_RESPONSE_H
#define WF_TRANSFER_RESPONSE_H

#include "postgres.h"
#include "nodes/pg_list.h"

typedef struct Transfer Transfer;	/* one exchange; transfer_state.h */

/* Why there is no answer. */
typedef enum TransferFailure
{
	FAILURE_NONE,				/* there is one: see status */
	FAILURE_RESOLVE,
	FAILURE_CONNECT,
	FAILURE_TLS,
	FAILURE_TIMEOUT,
	FAILURE_BROKEN,				/* reset, closed early, protocol error */
	FAILURE_TOO_LARGE,			/* over a limit, which error names */
	FAILURE_AUTH,				/* SMTP AUTH or STARTTLS was refused */
	FAILURE_REFUSED,			/* not sent: the URL, the scheme or the
								 * address may not be, or memory is short */
	FAILURE_WITHDRAWN			/* not sent: transfer_withdraw() */
} TransferFailure;

/* A recipient that a mail server has refused. */
typedef struct RefusedRecipient
{
	int			recipient;		/* index in the mail's recipients, from 0 */
	int			status;			/* the reply's code */
	char	   *reply;			/* the reply's text, codes first; may be cut */
} RefusedRecipient;

/*
 * What came back.  It lives in the transfer's memory context, until
 * transfer_free().
 */
typedef struct Response
{
	TransferFailure failure;
	char	   *error;			/* for people: no secret and no query of the
								 * URL is in it; NULL: none */
	bool		request_written;	/* the server may have acted on it */
	int			status;			/* HTTP status, or the code of the last SMTP
								 * reply; 0: none */
	List	   *headers;		/* of NameValue *, of the last answer; names
								 * in lower case */
	char	   *body;			/* bytes as received but for masked secrets
								 * (none if answer_secret was set), and a NUL
								 * after them; SMTP: the text of the
								 * last reply */
	size_t		body_len;
	char	   *redirect;		/* HTTP: 'redirects to "URL", reason', if the
								 * answer is a redirect that was not followed;
								 * else NULL */
	List	   *refused;		/* SMTP: of RefusedRecipient *, in order */
} Response;

#endif							/* WF_TRANSFER_RESPONSE_H */
