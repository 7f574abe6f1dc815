/*
 * run.c
 *	  One run: a state machine over the steps of its plan.
 *
 * Runs in a worker, inside a tick's transaction.  The state is the row
 * (RunRow): status, current_step, attempt, step_results.  Nothing else is
 * remembered, so whoever loads the row goes on where it stands.
 *
 *	            ┌── native, skipped ──┐
 *	            ▼                     │
 *	  begin ─► step ──────────────────┘
 *	            │ outbound: intent       ┌─ answer: completed, or failed and
 *	            ▼                        │  on_error continue ─► next step
 *	         sending ─(commit, send)─► receive
 *	                                     └─ failed and on_error stop ─► failed
 *
 * A step executes in a fence (fence.c): what it did is undone when it fails,
 * and the failure becomes part of the history.  A run changes in memory
 * only; the worker saves it in the same transaction, so a native step's
 * effect, its result and the run's progress commit together.
 */
#include "postgres.h"
#include "compat.h"

#include "clock.h"
#include "current_run.h"
#include "fence.h"
#include "hooks.h"
#include "ids.h"
#include "jsonobject.h"
#include "jsonvalue.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "run.h"
#include "run_plan.h"
#include "settings.h"
#include "step_result.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

CurrentRun	current_run = {0};

/* One step's execution: what goes into the fence and what comes out. */
typedef struct StepCall
{
	RunRow	   *run;
	const RunPlan *plan;
	const PlanStep *step;
	Scope		scope;
	char	   *key;			/* idempotency key */
	TimestampTz started_at;
	/* out: */
	const Action *action;
	bool		skipped;
	char	   *why;			/* skipped because undecided */
	Jsonb	   *input;
	Jsonb	   *output;			/* native */
	Intent	   *intent;			/* outbound */
} StepCall;

/*--- what a step sees ---*/

static Jsonb *
text_json(const char *text)
{
	JsonbValue	value;

	json_set_string(&value, text, strlen(text));
	return json_to_jsonb(&value);
}

/* Building what is not looked at would cost, with a thousand steps behind. */
static Jsonb *
earlier_steps(const RunRow *run, const PlanStep *step)
{
	const Action *action = action_find(step->action);
	ObjectBuilder b;

	if (step->sees_steps || action == NULL || action->reads_scope)
		return step_results_context(run->step_results, run->new_results);
	object_begin(&b);
	return object_end(&b);
}

static void
fill_scope(Scope *scope, const RunRow *run, const PlanStep *step)
{
	ObjectBuilder b;

	scope->root[SCOPE_TRIGGER] = run->payload;
	scope->root[SCOPE_STEPS] = earlier_steps(run, step);

	object_begin(&b);
	object_text(&b, "id", id_text(&run->id));
	object_text(&b, "queued_at", iso_time(run->queued_at));
	object_number(&b, "attempt", run->attempt + 1);
	scope->root[SCOPE_RUN] = object_end(&b);

	object_begin(&b);
	object_text(&b, "id", id_text(&run->definition_id));
	object_text(&b, "name", run->workflow_name);
	object_number(&b, "version", run->version);
	scope->root[SCOPE_WORKFLOW] = object_end(&b);

	object_begin(&b);
	object_text(&b, "id", id_text(&run->tenant_id));
	scope->root[SCOPE_TENANT] = object_end(&b);

	scope->root[SCOPE_NOW] = text_json(iso_time(clock_now()));
}

/*--- inside the fence ---*/

/* Decides the condition; false: the step is skipped. */
static bool
wanted(StepCall *sc)
{
	ConditionResult result;

	if (sc->step->condition == NULL)
		return true;
	result = condition_decide(sc->step->condition, &sc->scope, &sc->why);
	if (result != CONDITION_UNKNOWN)
		sc->why = NULL;
	return result == CONDITION_TRUE;
}

/* The action that the step names; *handler where it is a function. */
static const Action *
find_action(const char *name, char **handler)
{
	const Action *action = action_find(name);

	*handler = NULL;
	if (action != NULL)
		return action;
	*handler = store_action_handler(name);
	if (*handler == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("unknown action \"%s\"", name)));
	return &function_action;
}

/* The connection by parameter, else by the action's default name. */
static Connection *
find_connection(const StepCall *sc)
{
	const Template *given = template_member(sc->step->params, "connection");
	const char *name = sc->action->default_connection;

	if (given != NULL)
		name = template_render_text(given, &sc->scope, ESCAPE_NONE);
	if (name == NULL)
		return NULL;
	return connection_find(&sc->run->tenant_id, name,
						   given == NULL && !sc->action->needs_connection);
}

typedef struct EscapeArg
{
	const Action *action;
	const Connection *connection;
} EscapeArg;

static TemplateEscape
escape_for(const char *key, void *arg)
{
	EscapeArg  *escape = arg;

	return escape->action->escape(key, escape->connection);
}

static Jsonb *
render_params(const StepCall *sc, const Connection *connection)
{
	EscapeArg	arg = {sc->action, connection};

	return template_render_object(sc->step->params, &sc->scope,
								  sc->action->escape ? escape_for : NULL,
								  &arg);
}

static void
execute_native(Fence *fence, StepCall *sc, Call *call)
{
	fence_enter_role(fence, sc->plan->run_as, &sc->run->tenant_id);
	current_run.active = true;
	current_run.id = sc->run->id;
	current_run.depth = sc->run->depth;
	sc->output = sc->action->execute(call);
}

static void
prepare_outbound(StepCall *sc, Call *call)
{
	Intent	   *intent = palloc0(sizeof(Intent));

	intent->request.timeout_ms = call->timeout_ms;
	intent->carry = sc->action->prepare(call, &intent->request);
	if (call->connection != NULL)
		connection_authorize(call->connection, &intent->request);
	intent->run_id = sc->run->id;
	intent->step = sc->run->current_step;
	intent->action = sc->action;
	intent->connection = call->connection;
	intent->input = sc->input;
	intent->started_at = sc->started_at;
	sc->intent = intent;
}

/* The body of the fence: condition, parameters, action. */
static void
execute_step(Fence *fence, void *arg)
{
	StepCall   *sc = arg;
	char	   *handler;
	Call		call = {0};

	if (!wanted(sc))
	{
		sc->skipped = true;
		return;
	}
	sc->action = find_action(sc->step->action, &handler);
	if (sc->action->kind != ACTION_NATIVE)
		call.connection = find_connection(sc);
	sc->input = render_params(sc, call.connection);

	call.tenant_id = &sc->run->tenant_id;
	call.action = sc->step->action;
	call.handler = handler;
	call.idempotency_key = sc->key;
	call.scope = &sc->scope;
	call.params = sc->input;
	call.timeout_ms = sc->step->timeout_ms > 0 ? sc->step->timeout_ms
		: wf_http_timeout;
	if (sc->action->kind == ACTION_NATIVE)
		execute_native(fence, sc, &call);
	else
		prepare_outbound(sc, &call);
}

/*--- transitions ---*/

static void
end_run(RunRow *run, const char *status)
{
	run->status = pstrdup(status);
	run->completed_at = clock_now();
	run->owner = 0;
}

static RunVerdict
fail_run(RunRow *run, const char *message)
{
	run->error_message = clip_text(message, 8192);
	end_run(run, "failed");
	return RUN_ENDED;
}

/* Records a step and moves past it, or fails the run at it. */
static bool
pass_step(RunRow *run, const PlanStep *step, StepResult *result,
		  RunTick *tick)
{
	result->step = run->current_step;
	result->step_name = step->name;
	result->action = step->action;
	run->new_results = lappend(run->new_results, step_result_element(result));
	tick->steps_done++;
	if (strcmp(result->status, "failed") == 0 && !step->continue_on_error)
	{
		fail_run(run, psprintf("step \"%s\": %s", step->name, result->error));
		return false;
	}
	run->current_step++;
	run->attempt = 0;
	return true;
}

/* PostgreSQL's words: message, and detail behind it. */
static char *
error_text(const ErrorData *error)
{
	if (error->detail == NULL)
		return pstrdup(error->message);
	return psprintf("%s (%s)", error->message, error->detail);
}

static RunVerdict
begin_sending(RunRow *run, StepCall *sc, RunTick *tick)
{
	sc->intent->attempt = ++run->attempt;
	run->status = pstrdup("running");
	run->owner = tick->epoch;
	tick->intents = lappend(tick->intents, sc->intent);
	return RUN_SENDING;
}

static RunVerdict
keep_running(RunRow *run, RunTick *tick, RunVerdict verdict)
{
	run->status = pstrdup("running");
	run->owner = tick->epoch;
	return verdict;
}

static int64
step_limit(const PlanStep *step)
{
	const Action *action = action_find(step->action);
	bool		native = action == NULL || action->kind == ACTION_NATIVE;

	return native && step->timeout_ms > 0 ? step->timeout_ms : wf_step_timeout;
}

/*
 * Executes the current step.  *verdict is set where the run does not go on
 * to the next step in this tick.
 */
static bool
do_step(RunRow *run, const RunPlan *plan, RunTick *tick, RunVerdict *verdict)
{
	StepCall	sc = {.run = run,.plan = plan};
	StepResult	result = {0};
	Fence		fence = {0};
	ErrorData  *error;
	instr_time	began,
				ended;

	sc.step = &plan->plan->steps[run->current_step];
	sc.key = psprintf("%s:%s", id_text(&run->id), sc.step->name);
	sc.started_at = clock_now();
	fill_scope(&sc.scope, run, sc.step);
	fence.run_id = &run->id;
	fence.timeout_ms = step_limit(sc.step);
	fence.lock_timeout_ms = tick->lock_timeout_ms;

	INSTR_TIME_SET_CURRENT(began);
	error = fence_run(&fence, execute_step, &sc);
	INSTR_TIME_SET_CURRENT(ended);
	INSTR_TIME_SUBTRACT(ended, began);
	current_run.active = false;
	if (fence_was_in_role(&fence))
		tick->fences_left--;
	if (hooks_take_constraints_set())
		tick->fences_left = 0;	/* it holds for the whole transaction */

	if (error != NULL && !tick->give_up &&
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
	{
		*verdict = keep_running(run, tick, RUN_BLOCKED);
		return false;
	}
	if (error == NULL && sc.intent != NULL)
	{
		*verdict = begin_sending(run, &sc, tick);
		return false;
	}
	result.status = error ? "failed" : sc.skipped ? "skipped" : "completed";
	result.input = sc.input;
	result.output = sc.output;
	result.error = error ? error_text(error) : sc.why;
	result.attempts = sc.skipped ? 0 : run->attempt + 1;
	result.started_at = sc.started_at;
	result.duration_us = INSTR_TIME_GET_MICROSEC(ended);
	*verdict = RUN_ENDED;
	return pass_step(run, sc.step, &result, tick);
}

/* Where the plan cannot be executed at all, says why. */
static const RunPlan *
usable_plan(const RunRow *run, char **error)
{
	const RunPlan *plan = run_plan_find(run, error);

	if (plan != NULL && !SearchSysCacheExists1(AUTHOID,
											   ObjectIdGetDatum(plan->run_as)))
	{
		*error = pstrdup("the role that this workflow runs as does not exist");
		return NULL;
	}
	return plan;
}

RunVerdict
run_advance(RunRow *run, RunTick *tick)
{
	char	   *error = NULL;
	const RunPlan *plan = usable_plan(run, &error);

	if (run->started_at == run->queued_at && run->current_step == 0)
		run->started_at = clock_now();
	if (plan == NULL)
		return fail_run(run, error);

	while (run->current_step < plan->plan->nsteps)
	{
		RunVerdict	verdict;

		CHECK_FOR_INTERRUPTS();
		if (tick->fences_left <= 0)
			return keep_running(run, tick, RUN_CONTINUES);
		if (!do_step(run, plan, tick, &verdict))
			return verdict;
	}
	end_run(run, "completed");
	return RUN_ENDED;
}

/*--- answers ---*/

typedef struct Interpretation
{
	const Answer *answer;
	Outcome		outcome;
} Interpretation;

static void
interpret(Fence *fence, void *arg)
{
	Interpretation *i = arg;

	i->outcome.retry_after_ms = -1;
	i->answer->action->interpret(i->answer->carry, i->answer->response,
								 &i->outcome);
}

RunVerdict
run_receive(RunRow *run, const Answer *answer, RunTick *tick)
{
	Interpretation i = {.answer = answer};
	Fence		fence = {.timeout_ms = wf_step_timeout,
		.lock_timeout_ms = wf_lock_timeout};
	StepResult	result = {0};
	char	   *error = NULL;
	const RunPlan *plan = usable_plan(run, &error);
	ErrorData  *raised;

	if (plan == NULL)
		return fail_run(run, error);
	raised = fence_run(&fence, interpret, &i);
	if (raised != NULL)
	{
		i.outcome.ok = false;
		i.outcome.error = error_text(raised);
	}
	result.status = i.outcome.ok ? "completed" : "failed";
	result.input = answer->input;
	result.output = i.outcome.output;
	result.error = i.outcome.ok ? NULL : i.outcome.error;
	result.attempts = run->attempt;
	result.started_at = answer->started_at;
	result.duration_us = clock_now() - answer->started_at;
	if (!pass_step(run, &plan->plan->steps[run->current_step], &result, tick))
		return RUN_ENDED;
	return run_advance(run, tick);
}
