/*
 * secret.h
 *	  Secret texts: where they come from and how they are wiped.
 */
#ifndef WF_SECRET_H
#define WF_SECRET_H

#include "postgres.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* Does the JSON have the shape of a credential: a text, or {"file": name}? */
extern bool secret_shape_valid(const JsonbValue *value);

/*
 * The text of a credential, in memory of the current context that is wiped
 * before it is freed.  Its file is in the directory of tenant, whose row
 * names it, or (NULL: the row is for every tenant) in secrets_dir itself.
 * what names the credential in errors: 22023 if it is malformed, 58P01 if its
 * file cannot be read.  No error quotes it.
 */
extern char *secret_read(const JsonbValue *value, const pg_uuid_t *tenant,
						 const char *what);

/* len bytes of such memory and one for a NUL, zeroed. */
extern char *secret_alloc(size_t len);

/* psprintf() for a prefix and a secret: "Bearer " and a token. */
extern char *secret_concat(const char *prefix, const char *secret);

/*
 * A signature as Standard Webhooks have it: "v1,<base64 of HMAC-SHA256>"
 * over "id.timestamp.body".  secret is base64 with or without "whsec_"
 * before it, else 22023.
 */
extern char *secret_sign(const char *secret, const char *id, int64 timestamp,
						 const char *body, size_t body_len);

/* Is it base64, with or without "whsec_" before it? */
extern bool secret_key_valid(const char *secret);

#endif							/* WF_SECRET_H */
