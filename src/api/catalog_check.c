/*
 * catalog_check.c
 *	  Compares what a step names with the catalog: its connection, its
 *	  function, and what its action's own check looks at.
 *
 * Runs in the backend that writes or validates a definition, never in a
 * worker.  Reads connections, without their credentials, and mail templates
 * as the owner of our tables: the caller learns whether there is a row of that
 * name, its kind, and what is wrong with a mail template.  Owns nothing beyond
 * a call.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action_handler.h"
#include "action/step_check.h"
#include "api/catalog_check.h"
#include "config/settings.h"
#include "store/store_schema.h"

/*
 * Is the connection there, and of a kind that the action takes?  The default
 * one is meant if the step names none.
 */
static void
check_connection(const StepCheck *check, const Action *action)
{
	bool		given = template_member(check->params, "connection") != NULL;
	const char *path = given ? problem_path_member(check->path, "connection")
		: check->path;
	const char *name = given ? step_check_text(check, "connection")
		: action->default_connection;
	Connection *connection;
	char	   *message;

	if (name == NULL || check->tenant_id == NULL)
		return;
	connection = connection_find_shown(check->tenant_id, name, true);
	if (connection == NULL)
	{
		if (given || action->needs_connection)
			problem_warning(check->problems, path, "unknown_connection",
							"Insert it into workflow_connections.",
							"connection \"%s\" does not exist", name);
		return;
	}
	message = connection_kind_problem(name, connection_kind(connection),
									  action->connection_kinds,
									  action->name);
	if (message != NULL)
		problem_warning(check->problems, path, "connection_kind", NULL, "%s",
						message);
}

/* handler_check_signature raises nothing but class 42, and holds nothing. */
static void
check_signature(void *arg)
{
	handler_check_signature(*(Oid *) arg);
}

/* May the function of an action that a user added work for the role? */
static void
check_function(const StepCheck *check, const ActionSpec *spec)
{
	Oid			function = spec->handler != NULL
		? handler_function_if_any(spec->handler) : InvalidOid;
	char	   *message;
	char	   *detail;

	if (!OidIsValid(function))
	{
		problem_warning(check->problems, check->path, "unknown_function",
						"Create the function, or register the action again.",
						"function %s of action \"%s\" does not exist",
						spec->handler ? spec->handler : "", spec->name);
		return;
	}
	message = problem_catch(check_signature, &function);
	if (message != NULL)
		problem_warning(check->problems, check->path, "function_signature",
						NULL, "%s", message);
	if (!OidIsValid(check->role))
		return;
	message = handler_call_problem(function, check->role, &detail);
	if (message != NULL)
		problem_warning(check->problems, check->path, "function_privilege",
						detail, "%s", message);
}

/* Reads our tables, so their owner must be the current user. */
static void
check_as_owner(const StepCheck *check, const ActionSpec *spec)
{
	const Action *action = action_find(spec->name);

	if (action == NULL)
	{
		check_function(check, spec);
		return;
	}
	if (action->kind != ACTION_NATIVE)
		check_connection(check, action);
	if (action->check != NULL)
		action->check(check);
}

/* The hook that plan_compile() calls: see catalog_check_add. */
static void
check_step(const ActionCatalogue *catalogue, const ActionSpec *spec,
		   const Template *params, const char *path, const ScopeNames *names,
		   Problems *problems)
{
	const CatalogCheck *whole = catalogue->check_arg;
	Problems   *found = whole->problems ? whole->problems : problems;
	StepCheck	check = {
		.tenant_id = whole->tenant_id, .role = whole->role, .params = params,
		.path = path, .names = names, .problems = found
	};
	int			before = list_length(found->items);
	Oid			save_user;
	int			save_context;

	store_enter_owner(&save_user, &save_context);
	check_as_owner(&check, spec);
	store_leave_owner(save_user, save_context);
	if (wf_strict_definitions)
		problems_make_errors(found, before);
}

void
catalog_check_add(ActionCatalogue *catalogue, const CatalogCheck *check)
{
	catalogue->check_step = check_step;
	catalogue->check_arg = check;
}
