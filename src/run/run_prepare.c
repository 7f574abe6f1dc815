/*
 * run_prepare.c
 *	  What a step would do, worked out without doing it.
 *
 * Runs in a worker before a step is performed (run_step.c).  Needs neither a
 * worker nor a tick nor shared memory, so that any session may ask what a step
 * would do.  Owns nothing beyond a call.
 *
 * Functions of users are not called here: a condition and a template have
 * none, and an outbound action is one of ours.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/problems.h"
#include "config/settings.h"
#include "run/run_prepare.h"
#include "store/store_actions.h"

/*
 * Decides the condition.  False: the step is skipped, and *why says why it
 * could not be decided, NULL if it was.
 */
static bool
is_wanted(const StepInputs *inputs, char **why)
{
	ConditionResult result;

	*why = NULL;
	if (inputs->step->condition == NULL)
		return true;
	result = condition_decide(inputs->step->condition, inputs->scope, why);
	if (result != CONDITION_UNKNOWN)
		*why = NULL;
	return result == CONDITION_TRUE;
}

/* The action of that name; *handler: the function, if it is a user's. */
static const Action *
find_action(const char *name, const char **handler)
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

/* The connection that a parameter names, else that of the action's default. */
static Connection *
find_connection(const StepInputs *inputs, const Action *action)
{
	const Template *given = template_member(plan_action(inputs->step)->params,
											"connection");
	const char *name = action->default_connection;
	Connection *connection;
	bool		missing_ok;

	if (given != NULL)
		name = template_render_text(given, inputs->scope, ESCAPE_NONE);
	if (name == NULL)
		return NULL;
	missing_ok = given == NULL && !action->needs_connection;
	connection = inputs->shown
		? connection_find_shown(inputs->tenant_id, name, missing_ok)
		: connection_find(inputs->tenant_id, name, missing_ok);
	if (connection != NULL)
		connection_require_kind(connection, action->connection_kinds,
								action->name);
	return connection;
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
render_params(const StepInputs *inputs, const Action *action,
			  const Connection *connection)
{
	EscapeArg	arg = {action, connection};

	return template_render_object(plan_action(inputs->step)->params,
								  inputs->scope,
								  action->escape ? escape_for : NULL, &arg);
}

static void
render_request(PreparedStep *prepared)
{
	Request    *request = palloc0(sizeof(Request));

	request->timeout_ms = prepared->call.timeout_ms;
	prepared->request = request;
	prepared->prepare_state = prepared->action->prepare(&prepared->call,
														request);
}

/*--- what is known of parameters ---*/

typedef struct OneParam
{
	const StepInputs *inputs;
	const PreparedStep *prepared;
	const char *key;
	Jsonb	   *value;
} OneParam;

static void
render_one(void *arg)
{
	OneParam   *param = arg;
	const Action *action = param->prepared->action;
	const Connection *connection = param->prepared->call.connection;
	const Template *params = plan_action(param->inputs->step)->params;
	TemplateEscape escape = ESCAPE_NONE;

	if (action != NULL && action->escape != NULL)
		escape = action->escape(param->key, connection);
	param->value = template_render(template_member(params, param->key),
								   param->inputs->scope, escape);
}

Jsonb *
run_prepare_known_params(const StepInputs *inputs,
						 const PreparedStep *prepared)
{
	ObjectBuilder b;
	int			n;
	const char **keys = template_keys(plan_action(inputs->step)->params, &n);

	object_begin(&b);
	for (int i = 0; i < n; i++)
	{
		OneParam	param = {inputs, prepared, keys[i], NULL};

		if (problem_catch(render_one, &param) == NULL)
			object_json(&b, keys[i], param.value);
	}
	return object_end(&b);
}

/*--- all of a step ---*/

void
run_prepare(const StepInputs *inputs, PreparedStep *prepared)
{
	const PlanAction *wanted = plan_action(inputs->step);
	Call	   *call = &prepared->call;

	Assert(prepared->kind == PREPARED_NOTHING);
	if (!is_wanted(inputs, &prepared->why))
	{
		prepared->kind = PREPARED_SKIP;
		return;
	}
	prepared->action = find_action(wanted->name, &call->handler);
	prepared->run_as = inputs->run_as;
	call->tenant_id = inputs->tenant_id;
	call->action = wanted->name;
	call->idempotency_key = inputs->key;
	call->scope = inputs->scope;
	call->timeout_ms = wanted->timeout_ms > 0 ? wanted->timeout_ms
		: wf_http_timeout;
	/* the connection comes first: it decides how parameters are escaped */
	if (prepared->action->kind != ACTION_NATIVE)
		call->connection = find_connection(inputs, prepared->action);
	call->template = wanted->params;
	call->params = render_params(inputs, prepared->action, call->connection);
	if (prepared->action->kind != ACTION_NATIVE)
		render_request(prepared);
	prepared->kind = prepared->action->kind == ACTION_NATIVE
		? PREPARED_NATIVE : PREPARED_REQUEST;
}

bool
run_step_is_native(const PlanStep *step)
{
	const Action *action = action_find(plan_action(step)->name);

	return action == NULL || action->kind == ACTION_NATIVE;
}
