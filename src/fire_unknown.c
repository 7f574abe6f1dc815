/*
 * fire_unknown.c
 *	  A NOTICE for a trigger type that nobody has defined.
 *
 * Runs in a backend that has called wf_fire, after no definition was found.
 * That a tenant has no workflow for an event is nothing unusual, and it must
 * stay cheap.  So a type that is known is remembered; and a type is looked
 * for once a statement, however often the statement fires it.
 *
 * Owns, for the life of the process, the names of types that are known.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "fire_once.h"
#include "fire_unknown.h"
#include "miscadmin.h"
#include "problems.h"
#include "settings.h"
#include "store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

/* Columns of workflow_definitions. */
enum
{
	DEFINITION_TENANT_ID = 2,
	DEFINITION_TRIGGER_TYPE = 4
};

#define MAX_TYPE_BYTES 1024		/* 255 characters */
#define MAX_KNOWN 256			/* types that are remembered */
#define MAX_TYPES 1000			/* types among which the nearest is sought */

/* What was known, and to which binding of the session. */
static HTAB *known = NULL;
static TenantBinding known_binding;
static pg_uuid_t known_tenant;

static void
forget_known(void)
{
	HASHCTL		ctl = {.keysize = MAX_TYPE_BYTES,.entrysize = MAX_TYPE_BYTES};

	if (known != NULL)
		hash_destroy(known);
	known = hash_create("workflow_engine trigger types", 16, &ctl,
						HASH_ELEM | HASH_STRINGS);
}

/* A session that is bound anew knows nothing of what it knew. */
static void
follow_binding(void)
{
	pg_uuid_t	tenant = {0};
	TenantBinding binding = settings_tenant(&tenant);

	if (known != NULL && binding == known_binding &&
		memcmp(&tenant, &known_tenant, sizeof(tenant)) == 0 &&
		hash_get_num_entries(known) < MAX_KNOWN)
		return;
	forget_known();
	known_binding = binding;
	known_tenant = tenant;
}

/*
 * Reads the trigger types of the definitions that the session sees: true if
 * wanted is among them, else *n types are in types.
 */
static bool
read_types(const char *wanted, const char **types, int *n)
{
	Relation	rel = table_open(store_relation("workflow_definitions"),
								 AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0,
										  NULL);
	HeapTuple	tuple;
	bool		found = false;

	*n = 0;
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		char	   *type;

		CHECK_FOR_INTERRUPTS();
		if (!settings_tenant_visible(
				DatumGetUUIDP(heap_getattr(tuple, DEFINITION_TENANT_ID, desc,
										   &isnull))))
			continue;
		type = TextDatumGetCString(heap_getattr(tuple, DEFINITION_TRIGGER_TYPE,
												desc, &isnull));
		found = strcmp(type, wanted) == 0;
		if (*n < MAX_TYPES)
			types[(*n)++] = type;
		else
			pfree(type);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return found;
}

static bool
may_read_types(void)
{
	Oid			table = store_relation("workflow_definitions");

	return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(table, DEFINITION_TRIGGER_TYPE, GetUserId(),
							  ACL_SELECT) == ACLCHECK_OK;
}

void
fire_notice_unknown(const char *trigger_type)
{
	const char **types;
	const char *hint = NULL;
	int			n;

	if (!message_level_is_interesting(NOTICE))
		return;
	follow_binding();
	if (strlen(trigger_type) < MAX_TYPE_BYTES &&
		hash_search(known, trigger_type, HASH_FIND, NULL) != NULL)
		return;
	if (!fire_first_time(InvalidOid, trigger_type))
		return;
	types = palloc(sizeof(char *) * MAX_TYPES);
	if (read_types(trigger_type, types, &n))
	{
		(void) hash_search(known, trigger_type, HASH_ENTER, NULL);
		return;
	}
	if (may_read_types())
		hint = nearest_word_hint(trigger_type, types, n);
	ereport(NOTICE,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg(known_binding == TENANT_BOUND
					? "no workflow of this tenant has the trigger type \"%s\""
					: "no workflow has the trigger type \"%s\"",
					trigger_type),
			 hint ? errhint("%s", hint) : 0));
}
