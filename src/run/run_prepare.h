/*
 * run_prepare.h
 *	  What a step would do, worked out without doing it.
 */
#ifndef WF_RUN_PREPARE_H
#define WF_RUN_PREPARE_H

#include "action/action.h"
#include "plan/plan.h"

/* What preparing a step depends on. */
typedef struct StepInputs
{
	const PlanStep *step;
	const Scope *scope;			/* at least the roots that the step sees */
	const pg_uuid_t *tenant_id;
	Oid			run_as;			/* the role that a native call is made as */
	const char *key;			/* the idempotency key of a request */
	bool		shown;			/* the request is to be shown: connections are
								 * read without credentials, as the current
								 * user */
} StepInputs;

typedef enum PreparedKind
{
	PREPARED_NOTHING,			/* an error was raised before it was known */
	PREPARED_SKIP,				/* the condition is not true */
	PREPARED_NATIVE,			/* call is ready to be made */
	PREPARED_REQUEST			/* request is rendered, without credentials */
} PreparedKind;

typedef struct PreparedStep
{
	PreparedKind kind;
	char	   *why;			/* SKIP: why the condition is undecided; NULL:
								 * it is false */
	const Action *action;		/* NULL unless NATIVE or REQUEST */
	Call		call;			/* params and connection included */
	Oid			run_as;
	Request    *request;		/* REQUEST */
	Jsonb	   *prepare_state;	/* REQUEST: what interpret will need */
} PreparedStep;

/*
 * Decides the condition, renders the parameters, finds the action and its
 * connection, and renders the request.  Executes nothing, sends nothing and
 * writes nothing; reads the tables of actions, connections and templates in
 * the caller's transaction.  Results live in the current memory context.
 *
 * *prepared is zeroed.  Raises the step's error: 42704 for an action that does
 * not exist, and whatever templates, connections and actions raise.  What was
 * known before the error stays in *prepared: call.params are the step's input.
 * The caller that gets a request hands it to request_wipe, and call.connection
 * to connection_forget.
 */
extern void run_prepare(const StepInputs *inputs, PreparedStep *prepared);

/*
 * The parameters of a step that could not be prepared, without those that are
 * not known or raise an error; in the current memory context.  Raises only
 * what is no error of a parameter.
 */
extern Jsonb *run_prepare_known_params(const StepInputs *inputs,
									   const PreparedStep *prepared);

/*
 * Does a step execute in the transaction?  So do functions, and actions that
 * are not known, since they may be functions.
 */
extern bool run_step_is_native(const PlanStep *step);

#endif							/* WF_RUN_PREPARE_H */
