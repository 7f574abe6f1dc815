/*
 * role.c
 *	  Type wf_role, the role that a workflow's steps run as; its default, and
 *	  which roles a writer may choose.
 *
 * The type is regrole (the OID of a role, shown and written as its name) but
 * for one thing.  Input of regrole raises for a role that does not exist,
 * before any trigger can help, so a dump could not be restored into a server
 * without that role.  In a restore wf_role reads such a role as no role
 * ("-").  A workflow without a role is kept and never runs.  A restore is
 * recognized by check_function_bodies, which the scripts of pg_dump turn off.
 *
 * A dump has a bare number if a role had been dropped before the dump was
 * taken.  In another server that number may be the OID of any role, so in a
 * restore a number is no role either.
 *
 * Each version of a definition names a role, and so does the definition.  To
 * warn of a role once, and not for each row, input only notes the name; the
 * trigger that inserts a version warns (version.c), since every definition
 * has a version.
 *
 * Runs in the backend that writes.  Owns the names that input has noted, and
 * those that this process has warned of.
 */
#include "postgres.h"
#include "compat.h"

#include "api/role.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "store/store_schema.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/*
 * Of char *, in TopMemoryContext: the type's input function cannot hand
 * anything to the trigger that runs later in the statement but by a variable.
 */
static List *missing = NIL;

/* The same, of the names that were warned of: once in a process. */
static List *warned = NIL;

/* Returns list, with a copy of name at its end if list does not have it. */
static List *
add_name(List *list, const char *name)
{
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, list)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return list;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	list = lappend(list, pstrdup(name));
	MemoryContextSwitchTo(old);
	return list;
}

static bool
is_number(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

void
role_forget_missing(void)
{
	list_free_deep(missing);
	missing = NIL;
}

static void
warn_of(const char *name)
{
	ereport(WARNING,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 is_number(name)
			 ? errmsg("role number %s was dropped before the dump was taken",
					  name)
			 : errmsg("role \"%s\" does not exist", name),
			 errdetail("Workflows that run as it are restored without a role and do not run."),
			 errhint("Create the role and restore again, or set run_as in workflow_definitions.")));
}

void
role_warn_of_missing(void)
{
	ListCell   *lc;

	foreach(lc, missing)
	{
		int			before = list_length(warned);

		warned = add_name(warned, lfirst(lc));
		if (list_length(warned) > before)
			warn_of(lfirst(lc));
	}
	role_forget_missing();
}

/*
 * The name in text if no role has it, or a number as it is; NULL if there is
 * such a role, or text is more than one name.  Raises what input of regrole
 * raises for a text that is no name.
 */
static const char *
missing_name(const char *text)
{
	List	   *names;

	if (strcmp(text, "-") == 0)
		return NULL;
	if (is_number(text))
		return text;

	names = compat_qualified_name_list(text);
	if (list_length(names) != 1 ||
		OidIsValid(get_role_oid(strVal(linitial(names)), true)))
		return NULL;
	return strVal(linitial(names));
}

PG_FUNCTION_INFO_V1(wf_role_in);

/*
 * Input of wf_role.  If no restore is under way it is that of regrole, which
 * raises 42704 for an unknown role.
 */
Datum
wf_role_in(PG_FUNCTION_ARGS)
{
	const char *name = NULL;

	if (!check_function_bodies)
		name = missing_name(PG_GETARG_CSTRING(0));
	if (name == NULL)
		return regrolein(fcinfo);
	missing = add_name(missing, name);
	PG_RETURN_OID(InvalidOid);
}

/*--- run_as ---*/

bool
role_exists(Oid role)
{
	return OidIsValid(role) &&
		SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/* May the writer have steps run as that role? */
static bool
may_choose(Oid writer, Oid role)
{
	return compat_can_set_role(writer, role) &&
		(superuser_arg(writer) || !superuser_arg(role));
}

bool
role_is_allowed(Oid role)
{
	return may_choose(GetUserId(), role);
}

Oid
role_default_run_as(Oid writer)
{
	Oid			role = InvalidOid;

	if (wf_default_run_as[0] != '\0')
		role = get_role_oid(wf_default_run_as, true);
	return OidIsValid(role) && may_choose(writer, role) ? role : writer;
}

PG_FUNCTION_INFO_V1(wf_default_run_as_role);

/* The default of run_as. */
Datum
wf_default_run_as_role(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(role_default_run_as(GetUserId()));
}

PG_FUNCTION_INFO_V1(wf_run_as_roles);

/*
 * The roles that the caller may give as run_as, the default first; those of
 * PostgreSQL's own (pg_...) are not meant to run anything.
 */
Datum
wf_run_as_roles(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			default_role = get_role_oid(wf_default_run_as, true);
	Oid			type = OIDOID;
	Datum		first = ObjectIdGetDatum(default_role);
	int			level;

	InitMaterializedSRF(fcinfo, 0);
	level = store_enter_search_path();
	SPI_connect();
	SPI_execute_with_args("SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r"
						  " WHERE r.rolname !~ '^pg_'"
						  " ORDER BY r.oid <> $1, r.rolname",
						  1, &type, &first, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		Datum		values[3];
		bool		nulls[3] = {0};
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Oid			role =
			DatumGetObjectId(SPI_getbinval(row, desc, 1, &nulls[0]));

		if (!role_is_allowed(role))
			continue;
		values[0] = SPI_getbinval(row, desc, 2, &nulls[0]);
		values[1] = BoolGetDatum(role == default_role);
		values[2] = BoolGetDatum(role == GetUserId());
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	SPI_finish();
	store_leave_search_path(level);
	return (Datum) 0;
}
