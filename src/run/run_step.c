/*
 * run_step.c
 *	  One attempt of one step: what it sees, and what happens in its fence.
 *
 * Runs in a worker, inside a tick's transaction.  Condition, parameters and
 * action of a step execute in a fence (step_sandbox.c): what they did is undone when
 * they fail.  A native step is done then; an outbound one has become an
 * intent, whose request goes out after the commit.  Owns nothing beyond a
 * call, but for current_run while a native step executes.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/json_value.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "config/settings.h"
#include "portability/instr_time.h"
#include "run/run_context.h"
#include "run/run_retry.h"
#include "run/run_step.h"
#include "run/run_throttle.h"
#include "run/step_sandbox.h"
#include "store/step_result.h"

RunContext	current_run = {0};

/*--- what a step sees ---*/

static Jsonb *
text_json(const char *text)
{
	JsonbValue	value;

	json_set_string(&value, text, strlen(text));
	return json_to_jsonb(&value);
}

static Jsonb *
describe_run(const RunRow *run)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "id", id_text(&run->id));
	object_text(&b, "queued_at", iso_time(run->queued_at));
	object_number(&b, "attempt", run->attempt);
	return object_end(&b);
}

static Jsonb *
describe_workflow(const RunRow *run)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "id", id_text(&run->definition_id));
	object_text(&b, "name", run->workflow_name);
	object_number(&b, "version", run->version);
	return object_end(&b);
}

static Jsonb *
describe_tenant(const RunRow *run)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "id", id_text(&run->tenant_id));
	return object_end(&b);
}

/*
 * Building what is not looked at would cost as much as a small step does, and
 * more with a thousand steps behind.
 */
static void
fill_scope(Scope *scope, const RunRow *run, const PlanStep *step)
{
	const Action *action = action_find(plan_action(step)->name);
	bool		all = action == NULL || action->reads_scope;
	const bool *sees = step->sees;

	scope->root[SCOPE_TRIGGER] = run->payload;
	if (all || sees[SCOPE_STEPS])
		scope->root[SCOPE_STEPS] = step_results_context(run->step_results,
														run->new_results);
	if (all || sees[SCOPE_RUN])
		scope->root[SCOPE_RUN] = describe_run(run);
	if (all || sees[SCOPE_WORKFLOW])
		scope->root[SCOPE_WORKFLOW] = describe_workflow(run);
	if (all || sees[SCOPE_TENANT])
		scope->root[SCOPE_TENANT] = describe_tenant(run);
	if (all || sees[SCOPE_NOW])
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
	const Template *given = template_member(plan_action(sc->step)->params, "connection");
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

	return template_render_object(plan_action(sc->step)->params, &sc->scope,
								  sc->action->escape ? escape_for : NULL,
								  &arg);
}

static void
execute_native(Sandbox *sandbox, StepCall *sc, Call *call)
{
	sandbox_enter_role(sandbox, sc->plan->run_as, &sc->run->tenant_id);
	current_run.active = true;
	current_run.id = sc->run->id;
	current_run.depth = sc->run->depth;
	current_run.cancelled = false;
	sc->output = sc->action->execute(call);
}

static void
prepare_outbound(StepCall *sc, Call *call)
{
	Intent	   *intent = palloc0(sizeof(Intent));

	intent->request.timeout_ms = call->timeout_ms;
	intent->prepare_state = sc->action->prepare(call, &intent->request);
	throttle_key(sc->run, call->connection, intent->request.url,
				 &intent->gate);
	if (!throttle_ask(sc->run, &intent->gate, &sc->held))
	{
		request_wipe(&intent->request);
		connection_forget(call->connection);
		return;
	}
	/* libcurl would send it anew over a connection that broke */
	if (run_max_attempts(sc->step) == 1)
		intent->request.once = true;
	if (call->connection != NULL)
		connection_authorize(call->connection, &intent->request);
	intent->run_id = sc->run->id;
	intent->tenant_id = sc->run->tenant_id;
	intent->step = sc->run->current_step;
	intent->action = sc->action;
	intent->connection = call->connection;
	intent->input = sc->input;
	intent->started_at = sc->started_at;
	sc->intent = intent;
}

/* The body of the fence: condition, parameters, action. */
static void
execute_step(Sandbox *sandbox, void *arg)
{
	StepCall   *sc = arg;
	char	   *handler;
	Call		call = {0};

	if (!wanted(sc))
	{
		sc->skipped = true;
		return;
	}
	sc->action = find_action(plan_action(sc->step)->name, &handler);
	if (sc->action->kind != ACTION_NATIVE)
		call.connection = find_connection(sc);
	sc->input = render_params(sc, call.connection);

	call.tenant_id = &sc->run->tenant_id;
	call.action = plan_action(sc->step)->name;
	call.handler = handler;
	call.idempotency_key = sc->key;
	call.scope = &sc->scope;
	call.params = sc->input;
	call.timeout_ms = plan_action(sc->step)->timeout_ms > 0
		? plan_action(sc->step)->timeout_ms : wf_http_timeout;
	if (sc->action->kind == ACTION_NATIVE)
		execute_native(sandbox, sc, &call);
	else
		prepare_outbound(sc, &call);
}

/*--- the attempt ---*/

bool
run_step_is_native(const PlanStep *step)
{
	const Action *action = action_find(plan_action(step)->name);

	return action == NULL || action->kind == ACTION_NATIVE;
}

Jsonb *
run_step_previous(const RunRow *run)
{
	JsonbValue	results;
	JsonbValue *element;

	if (run->previous_results == NULL)
		return NULL;
	json_of_jsonb(run->previous_results, &results);
	element = json_member(&results,
						  psprintf("%d", run->current_step.number));
	return element != NULL && json_is_object(element)
		? json_to_jsonb(element) : NULL;
}

/* Only a step that had completed and is repeated on purpose has a number. */
static char *
idempotency_key(const RunRow *run, const PlanStep *step)
{
	char	   *key = psprintf("%s:%s", id_text(&run->id), step->name);
	Jsonb	   *previous = run_step_previous(run);
	int			repeat = previous ? step_result_repeat(previous) : 1;

	return repeat > 1 ? psprintf("%s:%d", key, repeat) : key;
}

/* The limit of the fence: of an outbound step only its preparation is in it. */
static int64
sandbox_limit(const PlanStep *step)
{
	int64		timeout_ms = plan_action(step)->timeout_ms;

	return timeout_ms > 0 && run_step_is_native(step) ? timeout_ms
		: wf_step_timeout;
}

/*
 * What the tick has done so far is committed if a step was slow, or if all
 * took long together: somebody may wait for it.
 */
static void
note_time(const StepCall *sc, TickContext *tick)
{
	tick->spent_us += sc->duration_us;
	if (tick->spent_us > RUN_TICK_US)
		tick->ending = true;
	if (!run_step_is_native(sc->step) || sc->skipped)
		return;
	plan_cache_note_time(sc->plan, sc->duration_us, sc->too_long);
	if (sc->duration_us > SLOW_STEP_US)
		tick->ending = true;
}

ErrorData *
run_step_execute(StepCall *sc, TickContext *tick)
{
	Sandbox		sandbox = {.run_id = &sc->run->id,
		.definition_id = &sc->run->definition_id,
		.step = sc->run->current_step,
		.timeout_ms = sandbox_limit(sc->step),
		.soft_ms = tick->soft_limit_ms,
	.lock_timeout_ms = tick->lock_timeout_ms};
	instr_time	began,
				ended;
	ErrorData  *error;

	sc->key = idempotency_key(sc->run, sc->step);
	sc->started_at = clock_now();
	fill_scope(&sc->scope, sc->run, sc->step);

	INSTR_TIME_SET_CURRENT(began);
	error = sandbox_run(&sandbox, execute_step, sc);
	INSTR_TIME_SET_CURRENT(ended);
	INSTR_TIME_SUBTRACT(ended, began);
	sc->duration_us = INSTR_TIME_GET_MICROSEC(ended);
	sc->too_long = sandbox.too_long;
	note_time(sc, tick);
	tick->cancelled |= current_run.active && current_run.cancelled;
	current_run.active = false;
	if (sandbox_was_in_role(&sandbox) && !tick->in_batch)
		tick->subtransactions_left--;
	if (sandbox_take_constraints_set())
		tick->subtransactions_left = 0; /* it holds for the whole transaction */
	if (sandbox_session_unclean())
		tick->subtransactions_left = 0;
	return error;
}
