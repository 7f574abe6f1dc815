/*
 * trigger_spec.h
 *	  What a trigger with wf_fire_trigger has to do, from its arguments.
 */
#ifndef WF_TRIGGER_SPEC_H
#define WF_TRIGGER_SPEC_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/uuid.h"

/* One member of the payload. */
typedef struct SpecMember
{
	const char *key;
	const char *name;			/* of the column */
	AttrNumber	column;			/* 0: there is no such column */
} SpecMember;

/* What is wrong with a trigger. */
typedef struct SpecProblem
{
	int			sqlstate;
	const char *message;
	const char *hint;			/* may be NULL */
} SpecProblem;

typedef struct TriggerSpec
{
	bool		can_fire;		/* if false, only problems is set */
	const char *trigger_type;
	const char *tenant_name;	/* of the column that holds the tenant */
	AttrNumber	tenant_column;	/* 0: each row is of the tenant below */
	pg_uuid_t	tenant;
	int			nmembers;
	SpecMember *members;
	List	   *problems;		/* of SpecProblem * */
} TriggerSpec;

/*
 * Reads the trigger's kind (tgtype and the names of its transition tables) and
 * its arguments, and checks them against the columns that rel has now.  The
 * result is in the current memory context and points into the arguments.
 *
 * Raises nothing: whatever is wrong is a problem in the result.  With a member
 * without a column, or one of a name that the engine uses itself, the trigger
 * can still fire; with any other problem it cannot.
 */
extern TriggerSpec *trigger_spec_make(Relation rel, const Trigger *trigger);

#endif							/* WF_TRIGGER_SPEC_H */
