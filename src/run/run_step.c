/*
 * run_step.c
 *	  One attempt of one step: prepared and performed, in its sandbox.
 *
 * Runs in a worker, inside a tick's transaction.  A step is prepared
 * (run_prepare.c) and performed within its sandbox (step_sandbox.c), so that
 * what it did is undone if it fails.  A native step is done then.  An outbound
 * step has become an intent, whose request goes out after the commit, or it is
 * held by the gate before its provider.  Owns nothing beyond a call, but for
 * current_run while a native step executes.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "config/settings.h"
#include "portability/instr_time.h"
#include "run/request_key.h"
#include "run/run_context.h"
#include "run/run_retry.h"
#include "run/run_scope.h"
#include "run/run_step.h"
#include "run/run_throttle.h"
#include "run/step_sandbox.h"

RunContext	current_run = {0};

/*--- performing ---*/

static void
perform_native(Sandbox *sandbox, StepCall *sc)
{
	PreparedStep *prepared = &sc->prepared;

	sandbox_enter_role(sandbox, prepared->run_as, &sc->run->tenant_id);
	current_run.active = true;
	current_run.id = sc->run->unit.id;
	current_run.depth = sc->run->depth;
	current_run.cancelled = false;
	sc->output = prepared->action->execute(&prepared->call);
}

/* What is to be sent after the commit, without its request. */
static Intent *
make_intent(StepCall *sc, const GateKey *gate, const TokenUse *token)
{
	PreparedStep *prepared = &sc->prepared;
	Intent	   *intent = palloc0(sizeof(Intent));

	intent->unit = sc->run->unit;
	intent->tenant_id = sc->run->tenant_id;
	intent->step = sc->run->current_step;
	intent->action = prepared->action;
	intent->connection = prepared->call.connection;
	intent->input = prepared->call.params;
	intent->prepare_state = prepared->prepare_state;
	intent->started_at = sc->started_at;
	intent->gate = *gate;
	intent->token = *token;
	return intent;
}

/* Adds the step's request, with the credentials. */
static void
add_request(StepCall *sc, Intent *intent)
{
	intent->request = *sc->prepared.request;
	/* else libcurl would send it anew over a connection that broke */
	if (run_max_attempts(sc->step) == 1)
		intent->request.once = true;
	if (intent->connection != NULL)
		connection_authorize(intent->connection, &intent->token,
							 &intent->request);
}

/* Adds the request for the token instead, unless that is under way. */
static void
add_token_request(StepCall *sc, Intent *intent)
{
	intent->asks = true;
	if (!token_is_asked(&intent->token.key))
		connection_token_request(intent->connection, &intent->request);
	request_wipe(sc->prepared.request);
}

/*
 * Makes an intent, unless the gate holds the request back.  The token comes
 * first: a run that has to wait for it takes no turn at the gate.
 */
static void
perform_outbound(StepCall *sc)
{
	Request    *request = sc->prepared.request;
	Connection *connection = sc->prepared.call.connection;
	TokenUse	token = {0};
	bool		missing;
	GateKey		gate;

	throttle_key(sc->run, connection, request->url, &gate);
	missing = connection != NULL &&
		connection_find_token(connection, sc->waited_for,
							  &token) == TOKEN_MISSING;
	if ((missing && !gate_is_closed(&gate)) ||
		throttle_ask(sc->run, &gate, &sc->held))
	{
		sc->intent = make_intent(sc, &gate, &token);
		if (missing)
			add_token_request(sc, sc->intent);
		else
			add_request(sc, sc->intent);
		return;
	}
	request_wipe(request);
	connection_forget(connection);
}

/* The body of the sandbox. */
static void
execute_step(Sandbox *sandbox, void *arg)
{
	StepCall   *sc = arg;
	int			delivery = request_delivery(request_previous_result(sc->run));
	StepInputs	inputs = {
		.step = sc->step,
		.scope = &sc->scope,
		.tenant_id = &sc->run->tenant_id,
		.run_as = sc->plan->run_as,
		.key = request_key(&sc->run->unit.id, sc->step->name, NULL, 0,
						   delivery)
	};

	run_prepare(&inputs, &sc->prepared);
	switch (sc->prepared.kind)
	{
		case PREPARED_NATIVE:
			perform_native(sandbox, sc);
			break;
		case PREPARED_REQUEST:
			perform_outbound(sc);
			break;
		case PREPARED_SKIP:
			break;
		case PREPARED_NOTHING:
			Assert(false);
			break;
	}
}

/*--- the attempt ---*/

/* In ms.  The time-out of an outbound step is that of its exchange. */
static int64
sandbox_limit(const PlanStep *step)
{
	int64		timeout_ms = plan_action(step)->timeout_ms;

	return timeout_ms > 0 && run_step_is_native(step) ? timeout_ms
		: wf_step_timeout;
}

/*
 * What the tick has done so far is committed if a step was slow, or if all
 * steps of the tick took long: somebody may wait for it.
 */
static void
note_time(const StepCall *sc, TickContext *tick)
{
	tick->spent_us += sc->duration_us;
	if (tick->spent_us > RUN_TICK_US)
		tick->ending = true;
	if (!run_step_is_native(sc->step) || sc->prepared.kind == PREPARED_SKIP)
		return;
	plan_cache_note_time(sc->plan, sc->duration_us, sc->too_long);
	if (sc->duration_us > SLOW_STEP_US)
		tick->ending = true;
}

/* Counts what the step has cost the transaction, and what it did to others. */
static void
note_effects(const Sandbox *sandbox, TickContext *tick)
{
	tick->cancelled |= current_run.active && current_run.cancelled;
	current_run.active = false;
	if (sandbox_was_in_role(sandbox) && !tick->in_batch)
		tick->subtransactions_left--;
	if (sandbox_take_constraints_set())
		tick->subtransactions_left = 0; /* they hold until the commit */
	if (sandbox_session_unclean())
		tick->subtransactions_left = 0;
}

ErrorData *
run_step_execute(StepCall *sc, TickContext *tick)
{
	Sandbox		sandbox = {.unit = &sc->run->unit,
		.definition_id = &sc->run->definition_id,
		.step = sc->run->current_step,
		.timeout_ms = sandbox_limit(sc->step),
		.soft_ms = tick->soft_limit_ms,
	.lock_timeout_ms = tick->lock_timeout_ms};
	instr_time	began,
				ended;
	ErrorData  *error;

	sc->started_at = clock_now();
	run_fill_scope(&sc->scope, sc->run, sc->step);

	INSTR_TIME_SET_CURRENT(began);
	error = sandbox_run(&sandbox, execute_step, sc);
	INSTR_TIME_SET_CURRENT(ended);
	INSTR_TIME_SUBTRACT(ended, began);
	sc->duration_us = INSTR_TIME_GET_MICROSEC(ended);
	sc->too_long = sandbox.too_long;
	note_time(sc, tick);
	note_effects(&sandbox, tick);
	return error;
}
