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
