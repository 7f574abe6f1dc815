/*
 * connection.h
 *	  Connections and their credentials: the only file that holds a secret.
 */
#ifndef WF_CONNECTION_H
#define WF_CONNECTION_H

#include "postgres.h"
#include "transfer/request.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct Connection Connection;

/*
 * Finds the connection of that name, the tenant's before the one for all.
 * Runs in a transaction of the worker, as the worker's own user.
 * Returns NULL where there is none and missing_ok; else raises 42704.
 * Config and credentials live in the current memory context until
 * connection_forget.
 */
extern Connection *connection_find(const pg_uuid_t *tenant_id,
								   const char *name, bool missing_ok);

extern const pg_uuid_t *connection_id(const Connection *connection);
extern const char *connection_name(const Connection *connection);
extern const char *connection_kind(const Connection *connection);

/*
 * A text of config, or NULL; a number comes as text.  Raises 22023 where it
 * is no scalar.
 */
extern char *connection_config(const Connection *connection, const char *key);

/*
 * The value that config gives a header, or NULL; the case of letters in its
 * name does not matter.
 */
extern char *connection_header(const Connection *connection,
							   const char *name);

/*
 * Does the engine or the transfer itself write the header?  Then neither a
 * step nor a connection may.
 */
extern bool connection_header_reserved(const char *name);

/* Has the row any credential? */
extern bool connection_has_credentials(const Connection *connection);

/* Raises 22023 where the connection is of another kind. */
extern void connection_require_kind(const Connection *connection,
									const char *kind, const char *action);

/*
 * The connection's base_url, or its kind's; NULL where there is neither.
 */
extern char *connection_base_url(const Connection *connection);

/*
 * Sets request->url to what an incoming-webhook connection has for that
 * channel; it is a secret (request->url_secret).  Raises 22023.
 */
extern void connection_channel_url(const Connection *connection,
								   const char *channel, Request *request);

/*
 * Adds to request what the connection's kind and credentials say: secret
 * headers, user name and password.  Reads {"file": ...} credentials.
 * Raises 22023 (what is missing or malformed), 42501 where the request's
 * URL is not below the connection's base_url, 58P01 (no such file), and
 * never quotes a secret.  What it adds is wiped with its memory context.
 */
extern void connection_authorize(const Connection *connection,
								 Request *request);

/* Wipes the credentials.  Also done when the memory context is reset. */
extern void connection_forget(Connection *connection);

/*
 * Validates a row on write (trigger): the kind is known, config and
 * credentials have what it needs, no unknown keys.  Raises 22023 with every
 * problem in the detail.
 */
extern void connection_check(const char *kind, Jsonb *config,
							 Jsonb *credentials);

/* Do the credentials hold a secret itself, and not the name of its file? */
extern bool connection_holds_secret(Jsonb *credentials);

#endif							/* WF_CONNECTION_H */
