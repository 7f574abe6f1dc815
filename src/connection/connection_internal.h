/*
 * connection_internal.h
 *	  What a connection is made of: for the connection*.c files only.
 */
#ifndef WF_CONNECTION_INTERNAL_H
#define WF_CONNECTION_INTERNAL_H

#include "connection/connection.h"

struct Connection
{
	MemoryContextCallback callback;
	pg_uuid_t	id;
	char	   *name;
	char	   *kind;
	bool		is_shared;		/* the row is for every tenant */
	pg_uuid_t	tenant_id;		/* of the row, unless it is shared */
	Jsonb	   *config;
	Jsonb	   *credentials;
	bool		shown;			/* of connection_find_shown(): credentials is
								 * NULL, since they were not read */
	bool		forgotten;		/* its secrets are overwritten */
};

/* Sets the name and the tenant; from here on its memory is wiped in time. */
extern void connection_keep(Connection *c, const pg_uuid_t *tenant_id,
							const char *name);

/* Raises 42704: there is no such connection. */
extern void connection_raise_none(const char *name) compat_noreturn;

/*--- connection_value.c ---*/

/* A member that is neither missing nor null, or NULL. */
extern JsonbValue *connection_member(Jsonb *object, const char *key);

/* What errors call a credential; they never quote it.  Palloc'd. */
extern char *connection_credential_name(const Connection *c, const char *key);

/*
 * Reads a secret, which errors call what.  If it is in a file, the file is one
 * of the row's own tenant, or one for rows of all tenants; never another
 * tenant's.  Raises 22023 and 58P01 as secret_read() does.
 */
extern char *connection_read_secret(const Connection *c,
									const JsonbValue *value,
									const char *what);

/* A credential's text, or NULL if there is none; raises the same. */
extern char *connection_credential(const Connection *c, const char *key);

/*--- connection_shape.c ---*/

/*
 * What is shown in the place of the address of an incoming webhook: of a
 * literal one in config the host; url is NULL if it is not in config.
 */
extern char *connection_shown_url(const JsonbValue *url);

/*--- connection_signature.c ---*/

/* Signs the request, which has its body, if there is a signing secret. */
extern void connection_add_signature(const Connection *c, Request *request);

/* Adds what a signature would look like, as far as config says so. */
extern void connection_show_signature(const Connection *c, Request *request);

/*--- connection_oauth.c ---*/

/* Do its requests carry a token? */
extern bool connection_has_oauth2(const Connection *c);

/* Adds the token, which connection_find_token() has found. */
extern void connection_add_token(const Connection *c, Request *request,
								 const TokenUse *use);

/*--- connection.c ---*/

/* Adds the headers of config, unless the step has set the same header. */
extern void connection_add_config_headers(const Connection *c,
										  Request *request);

#endif							/* WF_CONNECTION_INTERNAL_H */
