/*
 * run_preview.c
 *	  What a run of a definition would do, step by step.
 *
 * Each step is prepared (run_prepare.c), which has no effect, and shown.  A
 * request is not sent.  A native step is executed if that is asked for: in its
 * sandbox, as the role run_as, like in a worker.  Its caller rolls all back.
 *
 * What a step that is not executed would have returned is given by the caller
 * of wf_preview, or it is not known.  Conditions and templates that depend on
 * it are not known either (scope_unknown).
 *
 * Runs in the backend that asks, if nothing is executed; else in a process of
 * its own (preview_worker.c), since the sandbox of a step resets its session
 * and fires all deferred triggers.  Both work as the user who asks.
 *
 * Owns nothing beyond a call, but for a time-out of the process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "action/record_change.h"
#include "base/json_value.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "run/request_key.h"
#include "run/request_show.h"
#include "run/run_context.h"
#include "run/run_internal.h"
#include "run/run_prepare.h"
#include "run/run_preview.h"
#include "run/run_scope.h"
#include "run/step_sandbox.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* A preview under way. */
typedef struct Walk
{
	const Preview *preview;
	RunRow		run;			/* with the results so far */
	List	   *unknown_steps;	/* as in a Scope */
	List	   *undecided_steps;
	const char *stopped_by;		/* the step with which the run would fail */
	bool		too_late;		/* the time is over */
} Walk;

/* One step of it. */
typedef struct StepWalk
{
	const Preview *preview;
	const PlanStep *step;
	StepInputs	inputs;
	Scope		scope;
	bool		may_execute;
	PreparedStep prepared;
	Jsonb	   *request;		/* shown */
	char	   *problem;		/* with the request; NULL: none */
	bool		timed_out;		/* it was cancelled, since the time is over */
	bool		executed;
	Jsonb	   *output;			/* if executed */
	Jsonb	   *changes;
} StepWalk;

/*--- what a step would do ---*/

/* Why a native step is not executed although execute is asked for; or NULL. */
static const char *
why_not_executed(const Walk *walk, const PreparedStep *prepared)
{
	const Preview *preview = walk->preview;

	if (!preview->execute || preview->run_functions)
		return NULL;
	if (prepared->call.handler != NULL)
		return "a function is executed only with run_functions => true";
	if (superuser_arg(preview->run_as))
		return "run_as is a superuser: its steps are executed only with run_functions => true";
	return NULL;
}

/* In the step's sandbox. */
static void
perform(Sandbox *sandbox, StepWalk *sw)
{
	Call	   *call = &sw->prepared.call;
	RecordChange change = {0};
	bool		tells;

	sandbox_enter_role(sandbox, sw->prepared.run_as, call->tenant_id);
	current_run.active = true;
	current_run.id = sw->preview->run.unit.id;
	current_run.depth = sw->preview->run.depth;
	tells = record_change_begin(&change, call);
	sw->output = sw->prepared.action->execute(call);
	if (tells)
		sw->changes = record_change_end(&change, call, sw->output);
	sw->executed = true;
}

/* Prepares the step, shows its request, executes it if that is wanted. */
static void
walk_step(Sandbox *sandbox, void *arg)
{
	StepWalk   *sw = arg;

	run_prepare(&sw->inputs, &sw->prepared);
	if (sw->prepared.kind == PREPARED_REQUEST)
		sw->request = request_show(sw->prepared.request,
								   sw->prepared.call.connection,
								   &sw->problem);
	if (sw->prepared.kind == PREPARED_NATIVE && sw->may_execute)
		perform(sandbox, sw);
}

/*--- errors and time ---*/

static TimeoutId preview_timeout = MAX_TIMEOUTS;	/* not registered yet */
static volatile sig_atomic_t time_over = false;

/* In a signal handler. */
static void
time_is_over(void)
{
	time_over = true;
	QueryCancelPending = InterruptPending = true;
	SetLatch(MyLatch);
}

static bool
is_past(TimestampTz deadline)
{
	return GetCurrentTimestamp() >= deadline;
}

/* Concerns the error the whole process rather than the step? */
static bool
concerns_all(const ErrorData *error, bool timed_out)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return (category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) &&
			!timed_out) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
		error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
}

/*
 * Walks a step in a subtransaction, as sandbox_run does, but without effects
 * on the session, which is the caller's.
 */
static ErrorData *
walk_in_session(StepWalk *sw, TimestampTz deadline)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	if (preview_timeout == MAX_TIMEOUTS)
		preview_timeout = RegisterTimeout(USER_TIMEOUT, time_is_over);
	time_over = false;
	enable_timeout_at(preview_timeout, deadline);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		walk_step(NULL, sw);
		disable_timeout(preview_timeout, false);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		disable_timeout(preview_timeout, false);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (time_over)
		QueryCancelPending = false; /* it was ours, taken or not */
	sw->timed_out = time_over && error != NULL &&
		error->sqlerrcode == ERRCODE_QUERY_CANCELED;
	if (error != NULL && concerns_all(error, sw->timed_out))
		ReThrowError(error);
	return error;
}

/* In a process of its own: with all that a step's sandbox does. */
static ErrorData *
walk_in_sandbox(StepWalk *sw)
{
	const Preview *preview = sw->preview;
	int64		limit = plan_action(sw->step)->timeout_ms;
	int64		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													   preview->deadline);
	Sandbox		sandbox = {.lock_timeout_ms = preview->lock_timeout_ms};
	ErrorData  *error;

	if (limit <= 0)
		limit = wf_step_timeout;
	sandbox.timeout_ms = Max(Min(limit, left), 1);
	error = sandbox_run(&sandbox, walk_step, sw);
	current_run.active = false;
	sw->timed_out = error != NULL &&
		error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		is_past(preview->deadline);
	return error;
}

/*--- rows ---*/

/* What the caller says that the step returns, or NULL. */
static Jsonb *
given_output(const Preview *preview, const char *step_name)
{
	JsonbValue	outputs;
	JsonbValue *value;

	if (preview->outputs == NULL)
		return NULL;
	json_of_jsonb(preview->outputs, &outputs);
	value = json_member(&outputs, step_name);
	return value == NULL ? NULL : json_to_jsonb(value);
}

static Jsonb *
unknown_output(void)
{
	JsonbValue	value;

	json_set_string(&value, "unknown", strlen("unknown"));
	return json_to_jsonb(&value);
}

/* The condition is not true. */
static void
show_skip(Walk *walk, StepWalk *sw, PreviewRow *row)
{
	const Condition *condition = sw->step->condition;
	char	   *why = sw->prepared.why;
	char	   *not_known = why == NULL ? NULL
		: condition_not_known(condition, &sw->scope);

	if (not_known != NULL)
	{
		row->status = "unknown";
		row->reason = not_known;
		walk->undecided_steps = lappend(walk->undecided_steps,
										sw->step->name);
		return;
	}
	row->status = "skipped";
	row->error = why;
	row->reason = why != NULL ? why : "the condition is false";
}

/* It was not executed: what it returns is given, or not known. */
static void
assume_output(Walk *walk, StepWalk *sw, PreviewRow *row)
{
	row->output = given_output(walk->preview, sw->step->name);
	if (row->output != NULL)
		return;
	row->output = unknown_output();
	walk->unknown_steps = lappend(walk->unknown_steps, sw->step->name);
}

/* It could be prepared, and the condition is true. */
static void
show_wanted(Walk *walk, StepWalk *sw, PreviewRow *row)
{
	row->input = sw->prepared.call.params;
	row->request = sw->request;
	row->changes = sw->changes;
	if (sw->executed)
	{
		row->status = "completed";
		row->output = sw->output;
		return;
	}
	if (sw->prepared.kind == PREPARED_REQUEST)
	{
		row->status = "would send";
		row->reason = sw->problem;
	}
	else
	{
		row->status = "would run";
		row->reason = why_not_executed(walk, &sw->prepared);
	}
	assume_output(walk, sw, row);
}

/*
 * What is known of the step's parameters, after an error in one of them.  Such
 * an error holds nothing but memory.
 */
static Jsonb *
known_params(StepWalk *sw)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb	   *volatile params = NULL;

	PG_TRY();
	{
		params = run_prepare_known_params(&sw->inputs, &sw->prepared);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (concerns_all(error, false))
			ReThrowError(error);
	}
	PG_END_TRY();
	return params;
}

/* It has raised an error, be it in what it does or in what it is given. */
static void
show_error(Walk *walk, StepWalk *sw, const ErrorData *error, PreviewRow *row)
{
	row->input = sw->prepared.call.params;
	if (row->input == NULL)
		row->input = known_params(sw);
	row->request = sw->request;
	if (error->sqlerrcode == ERRCODE_SCOPE_UNKNOWN)
	{
		row->status = "unknown";
		row->reason = run_error_text(error);
		assume_output(walk, sw, row);
		return;
	}
	row->status = "failed";
	row->error = sw->timed_out ? run_preview_time_text(walk->preview)
		: run_error_text(error);
	walk->too_late |= sw->timed_out;
}

/* A step after a failed one: shown as far as it is known. */
static void
show_pending(Walk *walk, PreviewRow *row)
{
	row->status = "pending";
	row->reason = psprintf("the run would fail at step \"%s\"",
						   walk->stopped_by);
	row->error = NULL;
	row->output = NULL;
}

/* Later steps see what has become of the step. */
static void
remember(Walk *walk, const PlanStep *step, const PreviewRow *row)
{
	bool		failed = strcmp(row->status, "failed") == 0;
	bool		skipped = strcmp(row->status, "skipped") == 0;
	StepResult	result = {
		.step = row->step,
		.step_name = row->step_name,
		.action = row->action,
		.status = failed || skipped ? row->status : "completed",
		.output = row->output,
		.error = row->error,
		.attempts = skipped ? 0 : 1
	};

	walk->run.new_results = lappend(walk->run.new_results,
									step_result_element(&result));
	if (failed && !step->continue_on_error)
		walk->stopped_by = step->name;
}

/*--- the walk ---*/

static void
begin_step(Walk *walk, const PlanStep *step, StepWalk *sw)
{
	memset(sw, 0, sizeof(*sw));
	sw->preview = walk->preview;
	sw->step = step;
	run_fill_scope(&sw->scope, &walk->run, step);
	sw->scope.unknown_steps = walk->unknown_steps;
	sw->scope.undecided_steps = walk->undecided_steps;
	sw->inputs.step = step;
	sw->inputs.scope = &sw->scope;
	sw->inputs.tenant_id = &walk->run.tenant_id;
	sw->inputs.run_as = walk->preview->run_as;
	sw->inputs.key = request_key(&walk->run.unit.id, step->name, NULL, 0, 1);
	sw->inputs.shown = true;
}

/* May it be executed, if it is a native one and its condition is true? */
static bool
may_execute(const Walk *walk, const PlanStep *step)
{
	const Preview *preview = walk->preview;
	bool		is_function = action_find(plan_action(step)->name) == NULL;

	return preview->execute && walk->stopped_by == NULL &&
		(preview->run_functions ||
		 (!is_function && !superuser_arg(preview->run_as)));
}

static PreviewRow
show_step(Walk *walk, StepPosition position)
{
	const PlanStep *step = plan_step_at(walk->preview->plan, position);
	PreviewRow	row = run_preview_row(walk->preview, position);
	bool		stopped = walk->stopped_by != NULL;
	TimestampTz began = GetCurrentTimestamp();
	ErrorData  *error;
	StepWalk	sw;

	begin_step(walk, step, &sw);
	sw.may_execute = may_execute(walk, step);
	error = walk->preview->execute ? walk_in_sandbox(&sw)
		: walk_in_session(&sw, walk->preview->deadline);
	if (sw.may_execute && sw.prepared.kind == PREPARED_NATIVE)
		row.duration_us = GetCurrentTimestamp() - began;
	if (error != NULL)
		show_error(walk, &sw, error, &row);
	else if (sw.prepared.kind == PREPARED_SKIP)
		show_skip(walk, &sw, &row);
	else
		show_wanted(walk, &sw, &row);
	if (!stopped || strcmp(row.status, "failed") != 0)
		remember(walk, step, &row);
	/* what comes after the run's end is shown as if the step had not failed */
	if (walk->stopped_by != NULL && strcmp(row.status, "failed") == 0)
		walk->unknown_steps = lappend(walk->unknown_steps, step->name);
	if (stopped)
		show_pending(walk, &row);
	connection_forget(sw.prepared.call.connection);
	return row;
}

void
run_preview(const Preview *preview,
			void (*emit) (const PreviewRow *row, void *arg), void *arg)
{
	Walk		walk = {.preview = preview,.run = preview->run};

	Assert(IsTransactionState());
	walk.run.step_results = step_results_empty();
	walk.run.attempt = 1;
	for (StepPosition at = STEP_POSITION_FIRST;
		 plan_step_at(preview->plan, at) != NULL;
		 at = plan_next(preview->plan, at))
	{
		PreviewRow	row;

		CHECK_FOR_INTERRUPTS();
		walk.too_late |= is_past(preview->deadline);
		row = walk.too_late ? run_preview_too_late(preview, at)
			: show_step(&walk, at);
		emit(&row, arg);
	}
}
