/*
 * uuid_list.c
 *	  Lists of ids, and idempotency keys.
 *
 * Pure.  Any process.  The lists are short (the tenants of a tick), so they
 * are searched from end to end.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "utils/builtins.h"

bool
ids_equal(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, UUID_LEN) == 0;
}

bool
ids_contain(List *ids, const pg_uuid_t *id)
{
	ListCell   *lc;

	foreach(lc, ids)
	{
		if (ids_equal(lfirst(lc), id))
			return true;
	}
	return false;
}

pg_uuid_t *
id_copy(const pg_uuid_t *id)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	*copy = *id;
	return copy;
}

char *
id_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

void
check_idempotency_key(const char *key)
{
	size_t		len = strlen(key);

	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an idempotency key must not be empty"),
				 errhint("Use null if there is no key.")));
	if (len > MAX_IDEMPOTENCY_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the idempotency key is too long"),
				 errdetail("It has %zu bytes; the limit is %d bytes.", len,
						   MAX_IDEMPOTENCY_KEY),
				 errhint("Use a hash of what the key is made of.")));
}
