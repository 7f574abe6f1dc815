/*
 * store_added.c
 *	  What somebody has added to workflow_runs, and the engine must respect.
 *
 * The engine writes rows of workflow_runs past the executor, which does no
 * harm as long as the table is as the install script made it: its one check,
 * its two foreign keys and its trigger hold by construction.  A default, a
 * computed column, a check, a trigger, a rule or a constraint of somebody
 * else's would take no part.  If there is one, rows are written by SQL
 * statements; this file finds it.
 *
 * Runs in workers and in backends.  Reads the relation cache and a few rows of
 * the catalog.  Owns the answer, in static memory: it holds until the table
 * changes (store_tables_generation).  Nothing survives the process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "store/run_columns.h"
#include "store/store_added.h"
#include "store/store_changes.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#define OWN_CHECK "workflow_runs_status_check"
#define OWN_TRIGGER "wf_run_check"

/* The last column that wf_fire fills; the rest are null in a new run. */
#define LAST_FIRED Anum_workflow_runs_depth

static RunsWriting known;		/* the answer */
static bool is_known = false;
static uint64 known_generation; /* of the tables that it is about */

/*--- columns ---*/

/*
 * Does an INSERT give this column of somebody's a value, or may it refuse
 * null?  A type that is not built in may be a domain or have a default.
 */
static bool
column_takes_part(Form_pg_attribute att)
{
	return att->atthasdef || att->attidentity != '\0' ||
		att->attgenerated != '\0' || att->attnotnull ||
		att->atttypid >= FirstGenbkiObjectId;
}

static void
examine_columns(Relation rel, RunsWriting *writing)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			column = i + 1;

		if (att->attisdropped)
			continue;
		if (column > Natts_workflow_runs)
		{
			writing->insert_by_statement |= column_takes_part(att);
			writing->update_by_statement |= att->attgenerated != '\0';
			continue;
		}
		if (column > LAST_FIRED && att->atthasdef)
			writing->insert_by_statement = true;
		if (att->atttypmod != -1 ||
			(att->attnotnull && store_column_may_be_null(column)))
			writing->insert_by_statement = writing->update_by_statement = true;
	}
}

/*--- checks ---*/

static void
examine_checks(Relation rel, RunsWriting *writing)
{
	TupleConstr *constraints = RelationGetDescr(rel)->constr;
	bool		added = rel->rd_rel->relispartition;	/* of its bounds */

	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
		added |= strcmp(constraints->check[i].ccname, OWN_CHECK) != 0;
	writing->insert_by_statement |= added;
	writing->update_by_statement |= added;
}

/*--- constraints that are triggers: foreign keys, deferrable ones ---*/

/* Fills numbers with the columns in conkey or confkey; returns how many. */
static int
columns_of(HeapTuple constraint, AttrNumber attribute, int16 *numbers)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(CONSTROID, constraint, attribute,
										&isnull);
	ArrayType  *array;
	int			n;

	if (isnull)
		return 0;
	array = DatumGetArrayTypeP(datum);
	n = Min(ARR_DIMS(array)[0], INDEX_MAX_KEYS);
	memcpy(numbers, ARR_DATA_PTR(array), n * sizeof(int16));
	return n;
}

/* Is it one of the two foreign keys of the install script? */
static bool
is_own_key(HeapTuple constraint)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(constraint);
	int16		columns[INDEX_MAX_KEYS];
	int			n = columns_of(constraint, Anum_pg_constraint_conkey, columns);

	if (form->contype != CONSTRAINT_FOREIGN || n != 2 ||
		columns[0] != Anum_workflow_runs_definition_id)
		return false;
	if (columns[1] == Anum_workflow_runs_tenant_id)
		return form->confrelid == store_relation("workflow_definitions");
	return columns[1] == Anum_workflow_runs_definition_version &&
		form->confrelid == store_relation("workflow_definition_versions");
}

/* Does saving a run change one of these columns of the constraint? */
static bool
is_saved(HeapTuple constraint, AttrNumber attribute)
{
	int16		columns[INDEX_MAX_KEYS];
	int			n = columns_of(constraint, attribute, columns);
	const AttrNumber *saved = store_unit_tables[UNIT_RUN].columns;

	for (int i = 0; i < n; i++)
	{
		if (columns[i] == Anum_workflow_runs_previous_results)
			return true;
		for (int k = 0; k < STORE_NCHANGES; k++)
			if (saved[store_changed_columns[k]] == columns[i])
				return true;
	}
	return false;
}

static void
examine_constraint(Relation rel, const Trigger *trigger, RunsWriting *writing)
{
	Datum		oid = ObjectIdGetDatum(trigger->tgconstraint);
	HeapTuple	tuple = SearchSysCache1(CONSTROID, oid);
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (form->conrelid != RelationGetRelid(rel) || !is_own_key(tuple))
	{
		writing->insert_by_statement |= TRIGGER_FOR_INSERT(trigger->tgtype);
		if (form->conrelid == RelationGetRelid(rel))
			writing->update_by_statement |=
				is_saved(tuple, Anum_pg_constraint_conkey);
		if (form->confrelid == RelationGetRelid(rel))
			writing->update_by_statement |=
				is_saved(tuple, Anum_pg_constraint_confkey);
	}
	ReleaseSysCache(tuple);
}

static void
examine_triggers(Relation rel, RunsWriting *writing)
{
	TriggerDesc *desc = rel->trigdesc;

	for (int i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		Trigger    *trigger = &desc->triggers[i];
		int16		type = trigger->tgtype;

		if (trigger->tgisinternal && OidIsValid(trigger->tgconstraint))
			examine_constraint(rel, trigger, writing);
		else if (trigger->tgenabled != TRIGGER_DISABLED &&
				 strcmp(trigger->tgname, OWN_TRIGGER) != 0)
		{
			writing->insert_by_statement |= TRIGGER_FOR_INSERT(type);
			writing->update_by_statement |= TRIGGER_FOR_UPDATE(type);
		}
	}
}

/*--- indexes ---*/

static bool
is_own_index(Oid index)
{
	static const char *const own[] = {"workflow_runs_due",
		"workflow_runs_later", "workflow_runs_timer",
		"workflow_runs_held", "workflow_runs_state", "workflow_runs_parent",
	"workflow_runs_key"};
	char	   *name = get_rel_name(index);

	for (int i = 0; name != NULL && i < lengthof(own); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	return false;
}

/*
 * Expressions and predicates of somebody's index may call functions of the
 * table's owner, which are to be executed as the owner, and so may the
 * operators of an exclusion constraint.
 */
static bool
index_takes_part(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		takes_part;

	if (!HeapTupleIsValid(tuple))
		return false;
	takes_part = ((Form_pg_index) GETSTRUCT(tuple))->indisexclusion ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return takes_part && !is_own_index(index);
}

static void
examine_indexes(Relation rel, RunsWriting *writing)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		bool		added = index_takes_part(lfirst_oid(lc));

		writing->insert_by_statement |= added;
		writing->update_by_statement |= added;
	}
	list_free(indexes);
}

static RunsWriting
examine(Relation rel)
{
	RunsWriting writing = {0};

	writing.has_rules = rel->rd_rules != NULL;
	writing.insert_by_statement = writing.update_by_statement =
		writing.has_rules;
	examine_columns(rel, &writing);
	examine_checks(rel, &writing);
	examine_triggers(rel, &writing);
	examine_indexes(rel, &writing);
	return writing;
}

RunsWriting
store_runs_writing(void)
{
	store_check_tables(STORE_TABLES_OF_FIRE);
	while (!is_known || known_generation != store_tables_generation())
	{
		uint64		began = store_tables_generation();
		Relation	rel;

		CHECK_FOR_INTERRUPTS();
		rel = table_open(store_relation("workflow_runs"), AccessShareLock);
		known = examine(rel);
		table_close(rel, AccessShareLock);
		known_generation = began;
		is_known = true;
	}
	return known;
}
