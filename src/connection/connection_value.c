/*
 * connection_value.c
 *	  What is in a connection: members of config and credentials, and secrets.
 *
 * Runs in a worker, inside a transaction.  Owns nothing: a secret that is read
 * is in memory of secret_alloc(), in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "connection/connection_internal.h"
#include "connection/secret.h"

JsonbValue *
connection_member(Jsonb *object, const char *key)
{
	JsonbValue	root;
	JsonbValue *value;

	if (object == NULL)
		return NULL;
	json_of_jsonb(object, &root);
	if (!json_is_object(&root))
		return NULL;
	value = json_member(&root, key);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

char *
connection_credential_name(const Connection *c, const char *key)
{
	return psprintf("credential \"%s\" of connection \"%s\"", key, c->name);
}

char *
connection_read_secret(const Connection *c, const JsonbValue *value,
					   const char *what)
{
	return secret_read(value, c->is_shared ? NULL : &c->tenant_id, what);
}

char *
connection_credential(const Connection *c, const char *key)
{
	JsonbValue *value = connection_member(c->credentials, key);

	if (value == NULL)
		return NULL;
	return connection_read_secret(c, value,
								  connection_credential_name(c, key));
}
