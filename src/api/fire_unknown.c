/*
 * fire_unknown.c
 *	  A NOTICE for a trigger type that no definition has.
 *
 * Runs in the backend that has called wf_fire, if no definition was found.
 * It is usual that a tenant has no workflow for an event, so the search is
 * cheap: one scan of an index says whether the type is known, and the nearest
 * type is searched for among a bounded number of definitions, once a
 * statement.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "api/definition.h"
#include "api/fire_once.h"
#include "api/fire_unknown.h"
#include "base/problems.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

/* The nearest type is searched for among so many definitions. */
#define MAX_DEFINITIONS 1000

/* Has a definition that the session sees this trigger type? */
static bool
is_known(Relation rel, Snapshot snapshot, const char *type)
{
	Oid			index = store_relation("workflow_definitions_type");
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
										  DEF_TRIGGER_TYPE - 1);
	pg_uuid_t	tenant;
	int			nkeys = 1;
	ScanKeyData keys[2];
	SysScanDesc scan;
	bool		known;

	ScanKeyEntryInitialize(&keys[0], 0, DEF_TRIGGER_TYPE,
						   BTEqualStrategyNumber, InvalidOid,
						   att->attcollation, F_TEXTEQ,
						   CStringGetTextDatum(type));
	if (settings_tenant(&tenant) == TENANT_BOUND)
		ScanKeyInit(&keys[nkeys++], DEF_TENANT_ID,
					BTEqualStrategyNumber, F_UUID_EQ,
					UUIDPGetDatum(&tenant));
	scan = systable_beginscan(rel, index, true, snapshot, nkeys, keys);
	known = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	return known;
}

/*
 * "Did you mean ...?" with the nearest of the types that the session may see,
 * palloc'd; NULL if none is near.
 */
static char *
nearest_type(Relation rel, Snapshot snapshot, const char *wanted)
{
	const char **types = palloc(sizeof(char *) * MAX_DEFINITIONS);
	TupleDesc	desc = RelationGetDescr(rel);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0,
										  NULL);
	HeapTuple	tuple;
	int			n = 0;

	for (int i = 0; i < MAX_DEFINITIONS &&
		 HeapTupleIsValid(tuple = systable_getnext(scan)); i++)
	{
		bool		isnull;
		Datum		tenant = heap_getattr(tuple, DEF_TENANT_ID, desc,
										  &isnull);
		Datum		type = heap_getattr(tuple, DEF_TRIGGER_TYPE, desc,
										&isnull);

		if (settings_tenant_visible(DatumGetUUIDP(tenant)))
			types[n++] = TextDatumGetCString(type);
	}
	systable_endscan(scan);
	return nearest_word_hint(wanted, types, n);
}

/* Has the current user the privilege to read the trigger types? */
static bool
may_read_types(Oid table)
{
	return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(table, DEF_TRIGGER_TYPE, GetUserId(),
							  ACL_SELECT) == ACLCHECK_OK;
}

static void
notice_unknown(const char *trigger_type, const char *hint)
{
	pg_uuid_t	tenant;

	ereport(NOTICE,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg(settings_tenant(&tenant) == TENANT_BOUND
					? "no workflow of this tenant has the trigger type \"%s\""
					: "no workflow has the trigger type \"%s\"",
					trigger_type),
			 hint ? errhint("%s", hint) : 0));
}

void
fire_notice_unknown(const char *trigger_type)
{
	Relation	rel;
	Snapshot	snapshot;

	if (!message_level_is_interesting(NOTICE))
		return;
	rel = table_open(store_relation("workflow_definitions"), AccessShareLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (!is_known(rel, snapshot, trigger_type) &&
		fire_first_time(InvalidOid, trigger_type))
		notice_unknown(trigger_type, may_read_types(RelationGetRelid(rel))
					   ? nearest_type(rel, snapshot, trigger_type) : NULL);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}
