/*
 * action.h
 *	  The interface of an action: one struct, one file in actions/.
 *
 * Native actions execute inside the tick's transaction, as the run's role,
 * in a subtransaction that the caller has opened.  Outbound actions turn
 * parameters into a request (inside the transaction, before the intent is
 * committed) and a response into an outcome (in a later transaction).  They
 * report a failure by ereport(ERROR): the caller has a subtransaction open
 * for all three callbacks.
 */
#ifndef WF_ACTION_H
#define WF_ACTION_H

#include "postgres.h"
#include "connection/connection.h"
#include "language/template.h"
#include "transfer/transfer.h"
#include "utils/uuid.h"

typedef enum ActionKind
{
	ACTION_NATIVE,
	ACTION_HTTP,
	ACTION_SMTP
} ActionKind;

/* One execution of a step, as an action sees it. */
typedef struct Call
{
	const pg_uuid_t *tenant_id;
	const char *action;			/* name in the definition */
	const char *handler;		/* a function's signature, else NULL */
	const char *idempotency_key;	/* "<run id>:<step name>" */
	const Scope *scope;
	Jsonb	   *params;			/* rendered, always an object */
	const Template *template;	/* that params were rendered from: it tells
								 * what the author wrote from what came in by
								 * a value */
	Connection *connection;		/* NULL: none given and none by default */
	int64		timeout_ms;
} Call;

/* The result of a step that an outbound action concludes from a response. */
typedef struct Outcome
{
	bool		ok;
	Jsonb	   *output;			/* NULL: none */
	char	   *error;			/* if not ok */
	bool		transient;		/* a later attempt may succeed, and does no
								 * harm */
	bool		maybe_delivered;	/* the peer may have done what was asked:
									 * there is another attempt only if the
									 * step's author asks for it */
	bool		throttled;		/* the peer asks to wait: no attempt is used
								 * up */
	int64		retry_after_ms; /* how long the peer asks to wait; -1: it does
								 * not say */
} Outcome;

typedef struct StepCheck StepCheck;	/* step_check.h */

typedef struct Action
{
	const char *name;
	ActionKind	kind;
	const char *default_connection; /* name, or NULL */
	bool		needs_connection;
	const char *const *connection_kinds;	/* those that it takes, and NULL;
											 * outbound only */
	bool		reads_scope;	/* call->scope, beyond its parameters */

	/* Compares what the step names with the catalog; may be NULL. */
	void		(*check) (const StepCheck *check);

	/* How the values in a parameter are escaped; NULL: they are not. */
	TemplateEscape (*escape) (const char *param, const Connection *connection);

	/* Native: executes the step and returns its output. */
	Jsonb	   *(*execute) (Call *call);

	/*
	 * Outbound: fills *request (zeroed, timeout set).  Does not authorize it;
	 * the caller does.  May return something that interpret will need (e.g.
	 * the mail's Message-ID), or NULL.
	 */
	Jsonb	   *(*prepare) (Call *call, Request *request);
	void		(*interpret) (const Jsonb *prepare_state,
							  const Response *response, Outcome *outcome);
} Action;

extern const Action update_record_action;
extern const Action insert_record_action;
extern const Action find_record_action;
extern const Action query_action;
extern const Action webhook_action;
extern const Action whatsapp_notify_action;
extern const Action send_email_action;
extern const Action team_notify_action;

/* What every function of workflow_actions is called through. */
extern const Action function_action;

/* The built-in action of that name, or NULL (actions/registry.c). */
extern const Action *action_find(const char *name);

/*
 * Helpers for actions (params.c).  A parameter that is absent or JSON null is
 * NULL; of a wrong type: 22023 naming it.  param_text takes any scalar.
 */
extern char *param_text(const Call *call, const char *name);
extern char *param_text_required(const Call *call, const char *name);

/* The same; raises 22023 too if there is nothing to see in it. */
extern char *param_text_filled(const Call *call, const char *name);
extern Jsonb *param_json(const Call *call, const char *name);
extern bool param_bool(const Call *call, const char *name, bool dflt);

/* The outcome of a request without an answer, for every provider alike. */
extern void outcome_of_failure(const Response *response, Outcome *outcome);

#endif							/* WF_ACTION_H */
