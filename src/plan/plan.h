/*
 * plan.h
 *	  A definition compiled: immutable, shared by all runs of a version.
 *
 * The name Plan is the executor's: ours is WorkflowPlan.
 */
#ifndef WF_PLAN_H
#define WF_PLAN_H

#include "language/condition.h"
#include "language/scope.h"
#include "language/template.h"
#include "plan/step_position.h"
#include "utils/uuid.h"

#define PLAN_MAX_STEPS 1000
#define PLAN_MAX_NAME 128		/* bytes of a step's or action's name */
#define PLAN_MAX_TEXT 255		/* characters of name and trigger_type */
#define PLAN_MAX_ATTEMPTS 100
#define PLAN_MAX_COEFFICIENT 100
#define PLAN_MAX_TIMEOUT_MS (INT64CONST(24) * 60 * 60 * 1000)
#define PLAN_MAX_INTERVAL_MS (30 * PLAN_MAX_TIMEOUT_MS)

/* What validation knows of the action library. */
typedef struct ActionParam
{
	char	   *name;
	char	   *type;			/* string, number, boolean, object, array, or
								 * several with '|'; NULL is any */
	bool		required;
	char	   *format;			/* what it is, for forms and for checks: see
								 * plan_check_value(); NULL is not said */
	char	   *help;
	int			nwords;			/* of enum, which its literals must be among;
								 * 0: any */
	const char **words;
} ActionParam;

/* What holds between the parameters of one step. */
typedef enum ActionRuleKind
{
	RULE_ONE_OF,				/* exactly one of params is given */
	RULE_ANY_OF,				/* at least one of params is given */
	RULE_NEEDS,					/* if subject is given, all params are */
	RULE_EXCLUDES				/* if subject is given, no params are */
} ActionRuleKind;

typedef struct ActionRule
{
	ActionRuleKind kind;
	char	   *subject;		/* RULE_NEEDS, RULE_EXCLUDES */
	int			nparams;
	char	  **params;
} ActionRule;

typedef struct ActionSpec
{
	char	   *name;
	char	   *kind;			/* native, http, smtp, function */
	char	   *handler;		/* of a function: its signature; else NULL */
	bool		open;			/* params is {}: anything goes */
	int			nparams;
	ActionParam *params;
	int			nrules;
	ActionRule *rules;
} ActionSpec;

typedef struct ActionCatalogue
{
	int			nactions;
	ActionSpec *actions;

	/*
	 * Called for the parameters of each step that has no error, after they
	 * have been checked against the action; may add problems.  NULL: nothing
	 * more is checked.
	 */
	void		(*check_step) (const struct ActionCatalogue *catalogue,
							   const ActionSpec *spec, const Template *params,
							   const char *path, const ScopeNames *names,
							   Problems *problems);
	const void *check_arg;		/* for check_step */
} ActionCatalogue;

typedef struct PlanRetry
{
	int			max_attempts;
	int64		initial_ms;		/* -1: the action's default */
	double		coefficient;
	int64		max_ms;			/* -1: no ceiling but the engine's */
} PlanRetry;

/* What a step does.  Each kind has data of its own. */
typedef enum PlanStepKind
{
	STEP_ACTION
} PlanStepKind;

/* Of a STEP_ACTION: it executes an action of the library. */
typedef struct PlanAction
{
	char	   *name;
	Template   *params;			/* always an object */
	bool		has_retry;
	PlanRetry	retry;
	int64		timeout_ms;		/* -1: the setting's */
} PlanAction;

/* A node of the plan.  What it has in common with steps of every kind: */
typedef struct PlanStep
{
	PlanStepKind kind;
	int			next;			/* number of the step after it; -1: the end */
	char	   *name;
	Condition  *condition;		/* NULL: always */
	bool		sees[SCOPE_NROOTS]; /* its JSON speaks of "steps", "run" ... */
	bool		continue_on_error;
	PlanAction *action;			/* STEP_ACTION; use plan_action() */
} PlanStep;

/* What a step has that is known to execute an action. */
static inline const PlanAction *
plan_action(const PlanStep *step)
{
	Assert(step->kind == STEP_ACTION);
	return step->action;
}

typedef struct WorkflowPlan
{
	char	   *name;			/* NULL: the JSON has none */
	char	   *trigger_type;	/* likewise */
	int			nsteps;
	PlanStep   *steps;			/* the first one begins; next says the rest */
} WorkflowPlan;

/*
 * Compiles a definition in the current memory context.  Adds every problem
 * to problems; if problems->nerrors is not 0 the result is not to be
 * executed (and may be NULL).  With a NULL catalogue, actions and their
 * parameters are not checked (a saved version was, when it was saved).
 */
extern WorkflowPlan *plan_compile(Jsonb *definition,
								  const ActionCatalogue *catalogue,
								  Problems *problems);

/* Is name fit to be a step's, or an action's? */
extern bool plan_is_step_name(const char *name);

/* The step at that position; NULL: it is the end of the plan. */
extern const PlanStep *plan_step_at(const WorkflowPlan *plan,
									StepPosition position);

/*
 * The position after the step at that position, as the plan has it.  At the
 * end of the plan it is the number of its steps.
 */
extern StepPosition plan_next(const WorkflowPlan *plan,
							  StepPosition position);

/* Is that a position of the plan: at one of its steps, or at its end? */
extern bool plan_has_position(const WorkflowPlan *plan,
							  StepPosition position);

/*
 * Parses the params column of workflow_actions into spec, of which name and
 * kind are the caller's.  Adds problems for what it does not understand.
 *
 *		{"n": {"type": "number", "required": true, "help": "..."},
 *		 "url": {"type": "string", "format": "url", "order": 1},
 *		 "how": {"type": "string", "enum": ["fast", "slow"], "default":
 *				 "fast", "label": "How", "example": "slow"},
 *		 "$one_of": [["template", "body", "html"]],
 *		 "$any_of": [["url", "path"]],
 *		 "$needs": {"path": ["connection"]}}
 *
 * Keys that begin with "$" are rules between parameters (ActionRuleKind);
 * each names parameters of the same object.
 */
extern void action_spec_parse(ActionSpec *spec, Jsonb *params,
							  Problems *problems);

/*
 * Checks the parameters of a step, a compiled object, against its action;
 * path is theirs ("steps[1].params").  A parameter that is the literal null
 * is not given.
 */
extern void action_spec_check(const ActionSpec *spec, const Template *params,
							  const char *path, Problems *problems);

#endif							/* WF_PLAN_H */
