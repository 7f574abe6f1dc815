/*
 * connection.h
 *	  Connections, and what their credentials add to a request.
 */
#ifndef WF_CONNECTION_H
#define WF_CONNECTION_H

#include "postgres.h"
#include "connection/token.h"
#include "transfer/request.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct Connection Connection;

/*
 * Finds the connection of that name: the tenant's own, or else the one for
 * all tenants.  Runs in a transaction of the worker, as the worker's own user.
 * If there is none, returns NULL with missing_ok, else raises 42704.  Config
 * and credentials are in the current memory context until connection_forget().
 */
extern Connection *connection_find(const pg_uuid_t *tenant_id,
								   const char *name, bool missing_ok);

/*
 * The same to show what a step would do: without the credentials, as the
 * current user, who may see fewer rows than a worker does.  Addresses of
 * incoming webhooks are masked.  If missing_ok is false and there is none,
 * raises 42704, or ERRCODE_SCOPE_UNKNOWN if one may be hidden from this
 * session.
 */
extern Connection *connection_find_shown(const pg_uuid_t *tenant_id,
										 const char *name, bool missing_ok);

extern const pg_uuid_t *connection_id(const Connection *connection);
extern const char *connection_name(const Connection *connection);
extern const char *connection_kind(const Connection *connection);

/*
 * A scalar of config as text, palloc'd, or NULL.  Raises 22023 if it is an
 * object or an array.
 */
extern char *connection_config(const Connection *connection, const char *key);

/*
 * The value that config gives to a header, palloc'd, or NULL.  The case of
 * letters in the name does not matter.
 */
extern char *connection_header(const Connection *connection,
							   const char *name);

/*
 * Does the engine or libcurl write the header?  Then neither a step nor a
 * connection may set it.
 */
extern bool connection_header_reserved(const char *name);

/* Has the row any credential? */
extern bool connection_has_credentials(const Connection *connection);

/*
 * What is wrong with a connection of that name and kind for an action that
 * takes kinds, which end with NULL: a palloc'd message, or NULL.
 */
extern char *connection_kind_problem(const char *name, const char *kind,
									 const char *const *kinds,
									 const char *action);

/* Raises 22023 with that message. */
extern void connection_require_kind(const Connection *connection,
									const char *const *kinds,
									const char *action);

/*
 * The connection's base_url, or the default of its kind; NULL if it has
 * neither.  Palloc'd.
 */
extern char *connection_base_url(const Connection *connection);

/*
 * Sets request->url to the address that a connection of an incoming webhook
 * has for the channel.  The address is a secret: url_secret is set, and no
 * redirect is followed.  Raises 22023 if there is none or it is malformed,
 * 58P01 if its file cannot be read.
 */
extern void connection_channel_url(const Connection *connection,
								   const char *channel, Request *request);

/*
 * Do requests of this connection carry a token of OAuth 2, and is there one?
 * *use says which, for connection_authorize().  waited_for is the number of
 * the token that the run has waited for, or 0: see token_find().
 */
typedef enum TokenNeed
{
	TOKEN_NOT_NEEDED,
	TOKEN_THERE,
	TOKEN_MISSING				/* it must be asked for first: use->key */
} TokenNeed;

extern TokenNeed connection_find_token(const Connection *connection,
									   int64 waited_for, TokenUse *use);

/*
 * Fills the request for a token, with its credentials, which request_wipe()
 * overwrites.  Raises 22023 if a credential is missing or malformed, 58P01 if
 * its file cannot be read.  No error quotes a secret.
 */
extern void connection_token_request(const Connection *connection,
									 Request *request);

/*
 * Adds the connection's headers and credentials to a request that the action
 * has filled: secret headers, user name, password, token, signature.  Raises
 * 22023 if a credential is missing or malformed, 58P01 if its file cannot be
 * read, and 42501 if the request's URL is not below the connection's base_url.
 * No error quotes a secret.  The secrets are overwritten by request_wipe(), or
 * when the memory context is reset.
 */
extern void connection_authorize(const Connection *connection,
								 const TokenUse *token, Request *request);

/*
 * What connection_authorize() would add, as far as it is no secret: of a
 * connection_find_shown().  In the place of a secret stands CONNECTION_MASK.
 * Returns NULL, or why the request would be refused if the connection has
 * credentials; palloc'd.
 */
extern char *connection_show(const Connection *connection, Request *request);
#define CONNECTION_MASK "***"

/*
 * Overwrites the credentials; NULL is allowed.  It is also done when the
 * memory context is reset.
 */
extern void connection_forget(Connection *connection);

/*
 * Checks a row that is written, for the table's trigger: its kind is known,
 * and config and credentials have what the kind needs and nothing unknown.
 * Either may be NULL.  Raises 22023 with every problem in the detail.
 */
extern void connection_check(const char *kind, Jsonb *config,
							 Jsonb *credentials);

/* Is a secret in the credentials itself, and not only the name of its file? */
extern bool connection_holds_secret(Jsonb *credentials);

/*
 * Credentials without what is secret: a literal becomes "set", the name of a
 * file "file:name".  Members stay, also those in headers, basic and channels.
 * In the current memory context.
 */
extern Jsonb *connection_shape(Jsonb *credentials);

/*
 * Config as it may be shown: of addresses of incoming webhooks, which are
 * secrets, the host.
 */
extern Jsonb *connection_shown_config(const char *kind, Jsonb *config);

/*
 * Calls each(kind, key, in_config, required, arg) for every key that a row of
 * each kind may have, in their order; a key of both columns twice.
 */
typedef void (*ConnectionKeyFunc) (const char *kind, const char *key,
								   bool in_config, bool required, void *arg);
extern void connection_each_key(ConnectionKeyFunc each, void *arg);

#endif							/* WF_CONNECTION_H */
