/*
 * role.c
 *	  Type wf_role: the role that a workflow's steps run as; its default, and
 *	  who may choose it.
 *
 * It is regrole (the oid of a role, shown and written as its name) but for
 * one thing.  Input of regrole refuses a role that does not exist, before
 * any trigger can help, and so a dump could not be restored into a server
 * that lacks the role.  In a restore wf_role reads such a role as no role
 * ("-").  A workflow without a role is kept and never runs.  That a restore
 * is under way is told by check_function_bodies, which the scripts of
 * pg_dump turn off.
 *
 * A dump carries a bare number if a role had been dropped before it was
 * taken.  In another server that number may be the oid of any role, so in a
 * restore a number is no role either.
 *
 * Each version of a definition names a role, and so does the definition.  To
 * warn of a role once, and not for each row, input only notes the name; who
 * inserts a version warns (version.c), since every definition has one.
 *
 * Owns the names that input has noted, and those that this process has
 * warned of.
 */
#include "postgres.h"
#include "compat.h"

#include "api/role.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/regproc.h"

static List *missing = NIL;		/* of char * */
static List *warned = NIL;		/* the same */

/* list with a copy of name at its end, if it is not there. */
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
 * The name (or number) of the role in text, if it is not there; else NULL.
 * Raises what input of regrole raises for what is no name.
 */
static const char *
role_not_there(const char *text)
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

/* Outside a restore: as regrole, which raises 42704 for an unknown role. */
Datum
wf_role_in(PG_FUNCTION_ARGS)
{
	const char *name = NULL;

	if (!check_function_bodies)
		name = role_not_there(PG_GETARG_CSTRING(0));
	if (name == NULL)
		return regrolein(fcinfo);
	missing = add_name(missing, name);
	PG_RETURN_OID(InvalidOid);
}

/*--- run_as ---*/

/*
 * May whoever writes a definition now have its steps run as role, which must
 * exist?
 */
bool
role_is_allowed(Oid role)
{
	return compat_can_set_role(GetUserId(), role) &&
		(superuser() || !superuser_arg(role));
}

PG_FUNCTION_INFO_V1(wf_default_run_as_role);

/*
 * The default of run_as: the role of workflow_engine.default_run_as, if there
 * is one and the writer may use it, else the writer.
 */
Datum
wf_default_run_as_role(PG_FUNCTION_ARGS)
{
	Oid			role = InvalidOid;

	if (wf_default_run_as[0] != '\0')
		role = get_role_oid(wf_default_run_as, true);
	if (!OidIsValid(role) || !role_is_allowed(role))
		role = GetUserId();
	PG_RETURN_OID(role);
}
