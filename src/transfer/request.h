/*
 * request.h
 *	  What to send: a request as an action builds it.
 */
#ifndef WF_REQUEST_H
#define WF_REQUEST_H

#include "postgres.h"
#include "base/name_value.h"
#include "nodes/pg_list.h"

typedef enum TransferProtocol
{
	TRANSFER_HTTP,
	TRANSFER_SMTP
} TransferProtocol;

/* STARTTLS on an smtp:// connection; smtps:// has TLS from the beginning. */
typedef enum TransferTls
{
	TLS_REQUIRED,
	TLS_OPTIONAL,				/* used if the server offers it */
	TLS_NEVER
} TransferTls;

typedef struct TransferMail
{
	char	   *from;			/* of the envelope: local@domain */
	List	   *recipients;		/* of the envelope: char *, local@domain */
	List	   *headers;		/* of NameValue *, complete and encoded */
	char	   *text;			/* UTF-8; text or html may be NULL, not both */
	char	   *html;
	List	   *attachments;	/* of MailAttachment * */
	TransferTls starttls;
} TransferMail;

/*
 * A request.  An action fills it in a short-lived memory context;
 * transfer_submit() copies what it needs.  Texts are UTF-8.
 */
typedef struct Request
{
	TransferProtocol protocol;
	char	   *url;
	bool		url_secret;		/* its path is a credential: never shown */
	char	   *method;			/* HTTP */
	List	   *headers;		/* HTTP: of NameValue * */
	const char *key_header;		/* HTTP: the name of the header that has the
								 * idempotency key; NULL: none has */
	List	   *secret_headers; /* HTTP: of NameValue *; they replace headers
								 * of the same name */
	char	   *body;			/* HTTP; may be NULL */
	size_t		body_len;
	char	   *body_secret;	/* HTTP: a secret that body has in it, maybe
								 * encoded; body is then overwritten too */
	bool		answer_secret;	/* HTTP: the body of the answer is a
								 * credential, and comes as it was received;
								 * else the request's secrets are masked */
	bool		follow_redirects;
	char	   *secrets_below;	/* a redirect is followed with the secrets
								 * only to URLs below this one; NULL: never */
	bool		once;			/* never sent again by itself if a reused
								 * connection breaks before the answer */
	char	   *username;		/* secret; HTTP Basic or SMTP AUTH */
	char	   *password;		/* secret */
	char	   *oauth_bearer;	/* secret; SMTP XOAUTH2 */
	TransferMail *mail;			/* SMTP */
	int64		timeout_ms;		/* of the whole exchange */
} Request;

/*
 * Adds a header.  The value is a text of the database and becomes UTF-8.
 * Raises 22023 if the name or the value cannot stand in a header.
 */
extern void request_header(Request *request, const char *name,
						   const char *value);

/*
 * Adds a header whose value is a secret, in memory that the caller wipes or
 * request_wipe() does.  The value is not copied.  Raises 22023 if the name
 * cannot be that of a header.
 */
extern void request_secret_header(Request *request, const char *name,
								  char *value);

/*
 * Sets a header that is no secret and removes those of the same name, in any
 * case of letters.  The value is not copied.
 */
extern void request_replace_header(Request *request, const char *name,
								   char *value);

/* Overwrites the secrets of a request that has been submitted. */
extern void request_wipe(Request *request);

#endif							/* WF_REQUEST_H */
