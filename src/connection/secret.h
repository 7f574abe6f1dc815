/*
 * secret.h
 *	  Secret texts: read, used for a signature, overwritten.
 */
#ifndef WF_SECRET_H
#define WF_SECRET_H

#include "postgres.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* Is it what a credential may be: a text, or {"file": name}? */
extern bool secret_shape_valid(const JsonbValue *value);

/*
 * The text of a credential, in memory of secret_alloc().  If value names a
 * file, it is read from the tenant's directory, or from secrets_dir itself if
 * tenant is NULL, which means that the row is for all tenants.  what names the
 * credential in errors: 22023 if it is malformed, 58P01 if its file cannot be
 * read.  No error quotes it.
 */
extern char *secret_read(const JsonbValue *value, const pg_uuid_t *tenant,
						 const char *what);

/*
 * len bytes and one for a NUL, zeroed, in the current memory context.  They
 * are overwritten before the context is reset or deleted.
 */
extern char *secret_alloc(size_t len);

/*
 * A prefix and a secret, such as "Bearer " and a token, in memory of
 * secret_alloc().
 */
extern char *secret_concat(const char *prefix, const char *secret);

/*
 * The signature of Standard Webhooks, palloc'd: "v1," and the base64 of the
 * HMAC-SHA256 of "id.timestamp.body".  timestamp is in seconds since 1970.
 * secret is base64 with or without "whsec_" before it; anything else raises
 * 22023.
 */
extern char *secret_sign(const char *secret, const char *id, int64 timestamp,
						 const char *body, size_t body_len);

/* Is it base64, with or without "whsec_" before it? */
extern bool secret_key_valid(const char *secret);

/*
 * The signature of other schemes, palloc'd: the HMAC of the body alone, as
 * base64 or as hexadecimal digits.  The key is the secret's text as it is.
 * Raises 22023 if the algorithm is none that is known.
 */
extern char *secret_sign_body(const char *secret, const char *algorithm,
							  bool base64, const char *body,
							  size_t body_len);

/* Is it the name of an algorithm: sha256, sha512 or sha1? */
extern bool secret_algorithm_valid(const char *name);

#endif							/* WF_SECRET_H */
