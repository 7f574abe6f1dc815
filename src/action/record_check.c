/*
 * record_check.c
 *	  Checks what a record action names before it runs: the table, and the
 *	  privileges of the step's role.  record_check_columns.c checks columns and
 *	  the literals for them.
 *
 * Runs in the backend that writes or validates a definition, never in a
 * worker.  Finds tables, columns and keys by the functions of record.c, so
 * that the check says what the step would do.  It differs in two ways.  It
 * collects problems and raises none.  And it waits for nobody: a table that
 * another session has locked against reading is passed over.
 *
 * Whoever validates need not be allowed to act as the step's role, so nothing
 * here may execute code of users: literals are converted only to types that
 * superusers have created, and no statement is planned.  Row security is not
 * judged.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "action/record_check.h"
#include "action/record_check_internal.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static const struct
{
	AclMode		mode;
	const char *word;
}			modes[RECORD_CHECK_MODES] = {
	{ACL_SELECT, "SELECT"},
	{ACL_INSERT, "INSERT"},
	{ACL_UPDATE, "UPDATE"},
};

static int
mode_number(AclMode mode)
{
	for (int i = 0; i < RECORD_CHECK_MODES; i++)
	{
		if (modes[i].mode == mode)
			return i;
	}
	pg_unreachable();
}

/*--- acting as the step's role ---*/

static void
enter(RecordCheck *check)
{
	Oid			role = check->step->role;

	check->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", settings_step_path(), PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&check->save_user, &check->save_context);
	if (OidIsValid(role))
		SetUserIdAndSecContext(role, check->save_context |
							   SECURITY_LOCAL_USERID_CHANGE);
}

static void
leave(RecordCheck *check)
{
	SetUserIdAndSecContext(check->save_user, check->save_context);
	AtEOXact_GUC(false, check->guc_level);
}

/*--- the table ---*/

typedef struct NameInput
{
	const char *name;
	RangeVar   *result;
} NameInput;

static void
parse_name(void *arg)
{
	NameInput  *input = arg;

	input->result = record_range_var(input->name);
}

static char *
role_name(const RecordCheck *check)
{
	return GetUserNameFromId(check->step->role, false);
}

static void
report_schema(RecordCheck *check, const char *schema)
{
	problem_warning(check->step->problems, check->table_path,
					"missing_privilege",
					psprintf("GRANT USAGE ON SCHEMA %s TO %s",
							 quote_identifier(schema),
							 quote_identifier(role_name(check))),
					"role \"%s\" has no %s privilege on %s", role_name(check),
					"USAGE", psprintf("schema \"%s\"", schema));
}

/* Is there such a schema of this database, and may the role look into it? */
static bool
find_schema(RecordCheck *check, const RangeVar *var)
{
	Oid			schema;

	if (var->catalogname != NULL &&
		strcmp(var->catalogname, get_database_name(MyDatabaseId)) != 0)
	{
		problem_warning(check->step->problems, check->table_path,
						"other_database", NULL,
						"table \"%s.%s.%s\" is in another database",
						var->catalogname, var->schemaname, var->relname);
		return false;
	}
	if (var->schemaname == NULL)
		return true;
	schema = get_namespace_oid(var->schemaname, true);
	if (!OidIsValid(schema))
	{
		problem_warning(check->step->problems, check->table_path,
						"unknown_schema", NULL,
						"schema \"%s\" does not exist", var->schemaname);
		return false;
	}
	if (OidIsValid(check->step->role) &&
		compat_schema_aclcheck(schema, check->step->role,
							   ACL_USAGE) != ACLCHECK_OK)
	{
		report_schema(check, var->schemaname);
		return false;
	}
	return true;
}

/* A temporary table is none for a step, which runs in another session. */
static Oid
find_relation(const RangeVar *var)
{
	Oid			relid = RangeVarGetRelid(var, NoLock, true);

	if (OidIsValid(relid) &&
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return InvalidOid;
	return relid;
}

/*
 * There is no such relation for the role.  If there is one in a schema that it
 * may not use, that is the reason.
 */
static void
report_unknown(RecordCheck *check, const RangeVar *var, const char *name)
{
	Oid			user;
	int			context;
	Oid			relid;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(check->save_user, check->save_context);
	relid = find_relation(var);
	SetUserIdAndSecContext(user, context);
	if (OidIsValid(relid) && OidIsValid(check->step->role))
		report_schema(check, get_namespace_name(get_rel_namespace(relid)));
	else
		problem_warning(check->step->problems, check->table_path,
						"unknown_table",
						var->schemaname != NULL ? NULL :
						psprintf("Steps look for it in workflow_engine.search_path: %s.",
								 wf_search_path),
						"relation \"%s\" does not exist", name);
}

/* Can a statement of that verb be made for the relation? */
static bool
check_relkind(RecordCheck *check, AclMode verb)
{
	char		kind = get_rel_relkind(check->table.relid);

	if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
		kind == RELKIND_VIEW || kind == RELKIND_FOREIGN_TABLE ||
		(verb == ACL_SELECT &&
		 (kind == RELKIND_MATVIEW || kind == RELKIND_SEQUENCE)))
		return true;
	problem_warning(check->step->problems, check->table_path, "no_table",
					NULL, "\"%s\" is no table that a step can %s",
					check->table.name,
					verb == ACL_SELECT ? "read" : "write");
	return false;
}

/* Sets check->table, and locks it; false after adding a problem. */
static bool
find_table(RecordCheck *check, const char *name, AclMode verb)
{
	NameInput	input = {name, NULL};
	char	   *message = problem_catch(parse_name, &input);
	Oid			relid;

	if (message != NULL)
	{
		problem_warning(check->step->problems, check->table_path,
						"bad_table_name", NULL, "%s", message);
		return false;
	}
	if (!find_schema(check, input.result))
		return false;
	relid = find_relation(input.result);
	if (!OidIsValid(relid))
	{
		report_unknown(check, input.result, name);
		return false;
	}
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;			/* it is being altered, by somebody else */
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
	{
		check->table = record_table_of(name, relid);
		if (check_relkind(check, verb))
			return true;
	}
	UnlockRelationOid(relid, AccessShareLock);
	return false;
}

bool
record_check_begin(RecordCheck *check, const StepCheck *step, AclMode verb)
{
	char	   *name = step_check_text(step, "table");

	if (name == NULL)
		return false;
	memset(check, 0, sizeof(RecordCheck));
	check->step = step;
	check->table_path = problem_path_member(step->path, "table");
	enter(check);
	if (find_table(check, name, verb))
		return true;
	leave(check);
	return false;
}

/*--- privileges ---*/

static bool
may_use_column(const RecordCheck *check, AttrNumber column, AclMode mode)
{
	Oid			role = check->step->role;

	return !OidIsValid(role) ||
		pg_class_aclcheck(check->table.relid, role, mode) == ACLCHECK_OK ||
		pg_attribute_aclcheck(check->table.relid, column, role,
							  mode) == ACLCHECK_OK;
}

bool
record_check_any(RecordCheck *check, AclMode mode)
{
	Oid			role = check->step->role;

	if (!OidIsValid(role) ||
		pg_class_aclcheck(check->table.relid, role, mode) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(check->table.relid, role, mode,
								  ACLMASK_ANY) == ACLCHECK_OK)
		return true;
	check->lacks_all[mode_number(mode)] = true;
	return false;
}

void
record_check_read_any(RecordCheck *check)
{
	(void) record_check_any(check, ACL_SELECT);
}

/* A column is noted once. */
void
record_check_privilege(RecordCheck *check, AttrNumber number,
					   const char *column, AclMode mode)
{
	int			i = mode_number(mode);
	ListCell   *lc;

	if (may_use_column(check, number, mode))
		return;
	foreach(lc, check->lacking[i])
	{
		if (strcmp(lfirst(lc), column) == 0)
			return;
	}
	check->lacking[i] = lappend(check->lacking[i], pstrdup(column));
}

/* '"a", "b"' for messages; with bare names if they need no quotes. */
static char *
list_columns(List *columns, bool for_sql)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, columns)
	{
		const char *column = lfirst(lc);

		appendStringInfoString(&list, list.len ? ", " : "");
		if (for_sql)
			appendStringInfoString(&list, quote_identifier(column));
		else
			appendStringInfo(&list, "\"%s\"", column);
	}
	return list.data;
}

static void
report_privilege(RecordCheck *check, int i)
{
	const char *role = role_name(check);
	List	   *columns = check->lacks_all[i] ? NIL : check->lacking[i];
	char	   *object = psprintf("table \"%s\"", check->table.name);
	char	   *on = "";

	if (columns != NIL)
	{
		object = psprintf("%s %s of %s",
						  list_length(columns) == 1 ? "column" : "columns",
						  list_columns(columns, false), object);
		on = psprintf(" (%s)", list_columns(columns, true));
	}
	problem_warning(check->step->problems, check->table_path,
					"missing_privilege",
					psprintf("GRANT %s%s ON %s TO %s", modes[i].word, on,
							 check->table.qualified, quote_identifier(role)),
					"role \"%s\" has no %s privilege on %s", role,
					modes[i].word, object);
}

void
record_check_end(RecordCheck *check)
{
	for (int i = 0; i < RECORD_CHECK_MODES; i++)
	{
		if (check->lacks_all[i] || check->lacking[i] != NIL)
			report_privilege(check, i);
	}
	UnlockRelationOid(check->table.relid, AccessShareLock);
	leave(check);
}
