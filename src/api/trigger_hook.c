/*
 * trigger_hook.c
 *	  Checks CREATE TRIGGER ... EXECUTE FUNCTION wf_fire_trigger(...).
 *
 * Runs in the backend that creates a trigger, if the library is loaded there:
 * in every backend of a server that preloads it.  Otherwise the trigger is
 * created without a check, and warns when it fires.
 *
 * Owns this process's place in the chain of object_access_hook.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "api/trigger_hook.h"
#include "api/trigger_spec.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "workflow_engine"

/* The hook that was there before ours, which ours calls first. */
static object_access_hook_type prev_object_access_hook = NULL;

/* Is it wf_fire_trigger of our extension? */
static bool
is_our_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	Oid			extension;
	char	   *name;
	bool		named;

	if (!HeapTupleIsValid(tuple))
		return false;
	row = (Form_pg_proc) GETSTRUCT(tuple);
	named = row->prolang == ClanguageId &&
		strcmp(NameStr(row->proname), "wf_fire_trigger") == 0;
	ReleaseSysCache(tuple);
	if (!named)
		return false;
	extension = getExtensionOfObject(ProcedureRelationId, function);
	name = OidIsValid(extension) ? get_extension_name(extension) : NULL;
	return name != NULL && strcmp(name, EXTENSION_NAME) == 0;
}

/* A column of type name, copied; NULL if it is null. */
static char *
name_column(HeapTuple tuple, TupleDesc desc, AttrNumber column)
{
	bool		isnull;
	Datum		name = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(name)));
}

/*
 * Fills *trigger with what trigger_spec_make reads of it, as the relation
 * cache would: the cache does not have the new trigger yet.
 */
static void
read_trigger(HeapTuple tuple, TupleDesc desc, Trigger *trigger)
{
	Form_pg_trigger row = (Form_pg_trigger) GETSTRUCT(tuple);
	bool		isnull;
	Datum		arguments;
	char	   *p;

	memset(trigger, 0, sizeof(Trigger));
	trigger->tgname = pstrdup(NameStr(row->tgname));
	trigger->tgtype = row->tgtype;
	trigger->tgnargs = row->tgnargs;
	trigger->tgoldtable = name_column(tuple, desc, Anum_pg_trigger_tgoldtable);
	trigger->tgnewtable = name_column(tuple, desc, Anum_pg_trigger_tgnewtable);
	if (row->tgnargs == 0)
		return;
	arguments = heap_getattr(tuple, Anum_pg_trigger_tgargs, desc, &isnull);
	p = VARDATA_ANY(DatumGetByteaPCopy(arguments));
	trigger->tgargs = palloc(row->tgnargs * sizeof(char *));
	for (int i = 0; i < row->tgnargs; i++)
	{
		trigger->tgargs[i] = p;
		p += strlen(p) + 1;
	}
}

/*
 * Fills *trigger and *table if the trigger calls our function; else false.
 * The row was written by the command under way, so only SnapshotSelf sees it.
 * A clone for a partition is not looked at: the trigger that it is cloned from
 * has been checked.
 */
static bool
load_trigger(Oid oid, Trigger *trigger, Oid *table)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		ours = false;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, SnapshotSelf, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger row = (Form_pg_trigger) GETSTRUCT(tuple);

		ours = !row->tgisinternal && !OidIsValid(row->tgparentid) &&
			is_our_function(row->tgfoid);
		if (ours)
			read_trigger(tuple, RelationGetDescr(rel), trigger);
		*table = row->tgrelid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return ours;
}

/*
 * Is a restore under way?  The scripts of pg_dump turn check_function_bodies
 * off.  A trigger in a dump was accepted once, but a column that it names may
 * have been renamed since then, and that must not make the restore fail.
 */
static bool
in_restore(void)
{
	return !check_function_bodies || IsBinaryUpgrade;
}

/* Raises the first problem of the trigger; in a restore warns of all. */
static void
check_trigger(Oid oid)
{
	Trigger		trigger;
	Oid			table;
	Relation	rel;
	ListCell   *lc;

	if (!load_trigger(oid, &trigger, &table))
		return;
	rel = relation_open(table, AccessShareLock);
	foreach(lc, trigger_spec_make(rel, &trigger)->problems)
	{
		SpecProblem *problem = lfirst(lc);

		ereport(in_restore() ? WARNING : ERROR,
				(errcode(problem->sqlstate),
				 errmsg("%s", problem->message),
				 problem->hint ? errhint("%s", problem->hint) : 0));
	}
	relation_close(rel, NoLock);
}

/*--- the hook ---*/

/* Does the server create the trigger for itself, such as a foreign key's? */
static bool
is_internal(void *arg)
{
	ObjectAccessPostCreate *create = arg;

	return create != NULL && create->is_internal;
}

static void
on_object_access(ObjectAccessType access, Oid classId, Oid objectId,
				 int subId, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, classId, objectId, subId, arg);
	if (classId == TriggerRelationId && access == OAT_POST_CREATE &&
		!is_internal(arg))
		check_trigger(objectId);
}

void
trigger_hook_install(void)
{
	prev_object_access_hook = object_access_hook;
	object_access_hook = on_object_access;
}
