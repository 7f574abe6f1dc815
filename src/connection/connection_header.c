/*
 * connection_header.c
 *	  Which headers a connection may set.
 *
 * Pure.  Any process.  The engine and libcurl write some headers themselves.
 * If a connection could set them too, a request could name another length or
 * another host than it has, and a proxy and a server could disagree about
 * where it ends (request smuggling).
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/mime.h"
#include "connection/connection.h"
#include "connection/connection_header.h"

bool
connection_header_reserved(const char *name)
{
	static const char *const reserved[] = {
		"Host", "Content-Length", "Transfer-Encoding", "Connection",
		"Keep-Alive", "Upgrade", "TE", "Trailer", "Expect",
		"Idempotency-Key"
	};

	for (int i = 0; i < lengthof(reserved); i++)
	{
		if (pg_strcasecmp(name, reserved[i]) == 0)
			return true;
	}
	return pg_strncasecmp(name, "Proxy-", 6) == 0;
}

/* Is one of the first n keys that name, in any case of letters? */
static bool
is_among(const JsonMember *each, int n, const char *name)
{
	for (int i = 0; i < n; i++)
	{
		if (pg_strcasecmp(each[i].key, name) == 0)
			return true;
	}
	return false;
}

const char *
header_names_problem(const JsonbValue *headers)
{
	int			n;
	JsonMember *each;

	if (!json_is_object(headers))
		return "must be an object";
	each = json_members(headers, &n);
	for (int i = 0; i < n; i++)
	{
		if (!mime_header_name_valid(each[i].key))
			return "has a malformed header name";
		if (connection_header_reserved(each[i].key))
			return psprintf("cannot set \"%s\"", each[i].key);
		if (is_among(each, i, each[i].key))
			return psprintf("has \"%s\" twice", each[i].key);
	}
	return NULL;
}

const char *
key_header_problem(const JsonbValue *value)
{
	const char *name = value->type == jbvString ? json_cstring(value) : "";

	if (!mime_header_name_valid(name))
		return "must be the name of a header";
	if (pg_strcasecmp(name, "Idempotency-Key") != 0 &&
		(connection_header_reserved(name) ||
		 pg_strcasecmp(name, "Content-Type") == 0 ||
		 pg_strcasecmp(name, "Authorization") == 0))
		return psprintf("cannot be \"%s\"", name);
	return NULL;
}

bool
key_header_is_set(const JsonbValue *config, const JsonbValue *headers)
{
	JsonbValue *name = json_member(config, "idempotency_header");
	JsonMember *each;
	int			n;

	if (name == NULL || name->type != jbvString || headers == NULL ||
		!json_is_object(headers))
		return false;
	each = json_members(headers, &n);
	return is_among(each, n, json_cstring(name));
}
