/*
 * trigger_spec.c
 *	  What a trigger with wf_fire_trigger has to do, from its arguments.
 *
 * Runs in the backend that creates such a trigger, where every problem found
 * here is an error (trigger_hook.c), and in the backend whose statement fires
 * it (fire_trigger.c).  By then the table may have been altered; the statement
 * succeeds all the same, so the problems are warnings.
 *
 * Reads the catalog; has no effect but memory in the current context.
 */
#include "postgres.h"
#include "compat.h"

#include "access/transam.h"
#include "api/trigger_spec.h"
#include "base/problems.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define MAX_TRIGGER_TYPE 255	/* characters: no definition has more */
#define MIN_UUID 32				/* characters: no uuid has fewer */

/* The members that the engine itself puts into the payload. */
static const char *const own_members[] = {"_op", "_schema", "_table", "_old"};

/* Adds a problem.  The message and the hint are kept as they are. */
static void
add_problem(TriggerSpec *spec, int sqlstate, const char *message,
			const char *hint)
{
	SpecProblem *problem = palloc(sizeof(SpecProblem));

	problem->sqlstate = sqlstate;
	problem->message = message;
	problem->hint = hint;
	spec->problems = lappend(spec->problems, problem);
}

/*--- when it fires ---*/

/* False after adding a problem: the transition table is missing. */
static bool
check_transition(TriggerSpec *spec, const char *have, const char *clause)
{
	if (have != NULL)
		return true;
	add_problem(spec, ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
				"a statement-level trigger with wf_fire_trigger needs a transition table",
				psprintf("Add REFERENCING %s TABLE AS ... to CREATE TRIGGER.",
						 clause));
	return false;
}

/* False after adding a problem: the trigger cannot be used to fire. */
static bool
check_kind(TriggerSpec *spec, const Trigger *trigger)
{
	if (!TRIGGER_FOR_AFTER(trigger->tgtype) ||
		TRIGGER_FOR_TRUNCATE(trigger->tgtype))
	{
		add_problem(spec, ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
					"wf_fire_trigger must be called AFTER INSERT, UPDATE or DELETE",
					NULL);
		return false;
	}
	if (TRIGGER_FOR_ROW(trigger->tgtype))
		return true;
	if ((TRIGGER_FOR_INSERT(trigger->tgtype) ||
		 TRIGGER_FOR_UPDATE(trigger->tgtype)) &&
		!check_transition(spec, trigger->tgnewtable, "NEW"))
		return false;
	return (!TRIGGER_FOR_DELETE(trigger->tgtype) &&
			!TRIGGER_FOR_UPDATE(trigger->tgtype)) ||
		check_transition(spec, trigger->tgoldtable, "OLD");
}

/* Sets the trigger type; false after adding a problem. */
static bool
check_trigger_type(TriggerSpec *spec, const Trigger *trigger)
{
	if (trigger->tgnargs < 1 || trigger->tgargs[0][0] == '\0')
	{
		add_problem(spec, ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
					"wf_fire_trigger needs the trigger type as its first argument",
					"For example: EXECUTE FUNCTION wf_fire_trigger('new_order').");
		return false;
	}
	spec->trigger_type = trigger->tgargs[0];
	if (pg_mbstrlen(spec->trigger_type) <= MAX_TRIGGER_TYPE)
		return true;
	add_problem(spec, ERRCODE_INVALID_PARAMETER_VALUE,
				psprintf("the trigger type has more than %d characters",
						 MAX_TRIGGER_TYPE), NULL);
	return false;
}

/*--- columns ---*/

/* The number of the column of that name; 0 if there is none. */
static AttrNumber
find_column(Relation rel, const char *name)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return 0;
}

/* Adds the problem that rel has no such column; the nearest is the hint. */
static void
undefined_column(TriggerSpec *spec, Relation rel, const char *name)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char **names = palloc(sizeof(char *) * (desc->natts + 1));
	const char *hint;
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			names[n++] = NameStr(att->attname);
	}
	hint = nearest_word_hint(name, names, n);
	if (hint == NULL)
		hint = "Arguments of wf_fire_trigger are the trigger type, the tenant's column or id, and columns of the payload (\"name\" or \"new_name=name\").";
	add_problem(spec, ERRCODE_UNDEFINED_COLUMN,
				psprintf("column \"%s\" of relation \"%s\" does not exist",
						 name, RelationGetRelationName(rel)), hint);
}

/*--- the tenant ---*/

/*
 * May a value of the type be a tenant?  A uuid and a text may.  Of a type that
 * an extension or a user has defined it is known only when there is a value,
 * whose text may be that of a uuid.
 */
static bool
can_hold_tenant(Oid type)
{
	char		category;
	bool		preferred;

	if (type != UUIDOID)
		type = getBaseType(type);
	if (type == UUIDOID || type >= FirstNormalObjectId)
		return true;
	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

/*
 * Takes the argument as the column of the tenant, or as a literal uuid if
 * there is no such column; false after adding a problem.
 */
static bool
set_tenant(TriggerSpec *spec, Relation rel, const char *argument)
{
	Form_pg_attribute att;

	spec->tenant_name = argument;
	spec->tenant_column = find_column(rel, argument);
	if (spec->tenant_column == 0)
	{
		if (settings_parse_uuid(argument, &spec->tenant))
			return true;
		if (strlen(argument) < MIN_UUID)
			undefined_column(spec, rel, argument);
		else
			add_problem(spec, ERRCODE_INVALID_TEXT_REPRESENTATION,
						psprintf("\"%s\" is neither a column of relation \"%s\" nor a uuid",
								 argument, RelationGetRelationName(rel)),
						"The second argument of wf_fire_trigger is the column that holds the tenant, or the tenant's id.");
		return false;
	}
	att = TupleDescAttr(RelationGetDescr(rel), spec->tenant_column - 1);
	if (can_hold_tenant(att->atttypid))
		return true;
	add_problem(spec, ERRCODE_DATATYPE_MISMATCH,
				psprintf("column \"%s\" of relation \"%s\" cannot hold a tenant: its type is %s",
						 argument, RelationGetRelationName(rel),
						 format_type_be(att->atttypid)),
				"A tenant is a uuid, in a column of type uuid or text.");
	return false;
}

/*--- members of the payload ---*/

static bool
is_own_member(const char *key)
{
	for (int i = 0; i < lengthof(own_members); i++)
	{
		if (strcmp(key, own_members[i]) == 0)
			return true;
	}
	return false;
}

static bool
has_member(const TriggerSpec *spec, const char *key)
{
	for (int i = 0; i < spec->nmembers; i++)
	{
		if (strcmp(spec->members[i].key, key) == 0)
			return true;
	}
	return false;
}

/* Adds a member, or a problem if the engine has a member of that name. */
static void
add_member(TriggerSpec *spec, const char *key, const char *name,
		   AttrNumber column)
{
	SpecMember *member;

	if (is_own_member(key))
	{
		add_problem(spec, ERRCODE_DUPLICATE_COLUMN,
					psprintf("column \"%s\" cannot be in the payload as \"%s\"",
							 name, key),
					psprintf("The payload has a \"%s\" of its own. Name the columns of the payload in the trigger's arguments, this one as \"new_name=%s\".",
							 key, name));
		return;
	}
	member = &spec->members[spec->nmembers++];
	member->key = key;
	member->name = name;
	member->column = column;
}

/*
 * Adds the member of an argument, "column" or "new_name=column".  A member is
 * added even if there is no such column: its value is null then.
 */
static void
add_argument_member(TriggerSpec *spec, Relation rel, const char *argument)
{
	char	   *key = pstrdup(argument);
	char	   *equals = strchr(key, '=');
	const char *name = key;
	AttrNumber	column;

	if (equals != NULL)
	{
		*equals = '\0';
		name = equals + 1;
	}
	column = find_column(rel, name);
	if (column == 0)
		undefined_column(spec, rel, name);
	else if (key[0] == '\0')
		add_problem(spec, ERRCODE_INVALID_PARAMETER_VALUE,
					psprintf("argument \"%s\" of wf_fire_trigger has no name before \"=\"",
							 argument), NULL);
	else if (has_member(spec, key))
		add_problem(spec, ERRCODE_DUPLICATE_COLUMN,
					psprintf("\"%s\" is named more than once in the arguments of wf_fire_trigger",
							 key), NULL);
	if (key[0] != '\0' && !has_member(spec, key))
		add_member(spec, key, name, column);
}

static void
add_all_members(TriggerSpec *spec, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *name;

		if (att->attisdropped)
			continue;
		name = pstrdup(NameStr(att->attname));
		add_member(spec, name, name, att->attnum);
	}
}

TriggerSpec *
trigger_spec_make(Relation rel, const Trigger *trigger)
{
	TriggerSpec *spec = palloc0(sizeof(TriggerSpec));

	spec->can_fire = check_kind(spec, trigger) &&
		check_trigger_type(spec, trigger) &&
		set_tenant(spec, rel, trigger->tgnargs > 1 ? trigger->tgargs[1]
				   : "tenant_id");
	if (!spec->can_fire)
		return spec;
	spec->members = palloc(sizeof(SpecMember) *
						   Max(trigger->tgnargs,
							   RelationGetDescr(rel)->natts));
	for (int i = 2; i < trigger->tgnargs; i++)
		add_argument_member(spec, rel, trigger->tgargs[i]);
	if (trigger->tgnargs <= 2)
		add_all_members(spec, rel);
	return spec;
}
