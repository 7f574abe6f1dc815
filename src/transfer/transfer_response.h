/*
 * transfer_response.h
 *	  What came back.
 */
#ifndef WF_TRANSFER_RESPONSE_H
#define WF_TRANSFER_RESPONSE_H

#include "postgres.h"
#include "nodes/pg_list.h"

typedef struct Transfer Transfer;	/* one exchange */

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

#endif							/* WF_TRANSFER_RESPONSE_H */
