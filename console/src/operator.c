/*
 * operator.c
 *	  The connection of a session, and the requests that wait for it.
 *
 * One request after the other, at most OPERATOR_QUEUE of them wait.  A
 * request whose client went away is dropped if it has not begun, cancelled if
 * it only reads, and left alone if it writes.  A newer request of the same
 * tab and slot takes the place of an older one that reads.  What a timer asks
 * for waits for others of timers alone, one of each tab and slot, and lets
 * pass what a person asks for.
 *
 * When the connection breaks the session is over: there is no reconnecting, so
 * what an administrator ends stays ended.
 *
 * Runs in the loop; owns the connection and the jobs.
 */
#include "operator.h"

#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "clock.h"
#include "preview.h"
#include "reply.h"
#include "statement.h"

/* One request.  client is NULL once nobody waits for the answer. */
typedef struct Job
{
	struct Job *next;
	Operator   *operator;
	Client	   *client;
	const Route *route;
	char		id[37];
	char		n[10];
	int			timeout;
	char	   *params;
	const char *body;
	char		tab[GUARD_WORD];
	char		slot[GUARD_WORD];
	size_t		order;
	bool		poll;
	bool		superseded;
	size_t		reserved;		/* of the budget, while it runs */
} Job;

struct Operator
{
	Session    *session;
	Sessions   *sessions;
	Query	   *query;
	char	   *schema;			/* quoted */
	Preview		previews[PREVIEWS];
	int			next_preview;
	Job		   *running;
	Job		   *waiting;		/* the first of them */
};

/* What is answered to a request that a newer one of its slot replaces. */
static const Problem superseded = {.status = 409, .code = "superseded",
.message = "A newer request took its place."};

static void on_lost(void *arg);
static void on_done(QueryResult *result, void *arg);

/*
 * Makes a session with a connection, which it takes over.  NULL: there are as
 * many as may be, and the connection stays the caller's.
 */
Session *
operator_new(Sessions *sessions, Query *query, const char *role,
			 const char *address, const char *schema)
{
	Session    *displaced = session_displaced(sessions, role);
	Session    *session;
	Operator   *operator;

	if (displaced != NULL)
		operator_end(displaced, ENDED_ENDED);
	session = session_new(sessions, role, address, clock_ms());
	if (session == NULL)
		return NULL;
	operator = text_alloc(sizeof(Operator));
	operator->session = session;
	operator->sessions = sessions;
	operator->query = query;
	operator->schema = text_copy(schema, strlen(schema));
	session->operator = operator;
	query_owner(query, on_lost, operator);
	return session;
}

/*--- answers ---*/

/* Gives back what was taken for the answer of a job. */
static void
release(Job *job)
{
	budget_give(job->reserved);
	job->reserved = 0;
}

static void
free_job(Job *job)
{
	release(job);
	free(job->params);
	free(job);
}

/* Answers with a problem, if somebody waits, and frees the job. */
static void
fail(Job *job, const Problem *problem)
{
	Client	   *client = job->client;

	free_job(job);
	if (client != NULL)
		client_fail(client, problem);
}

static void
fail_with(Job *job, int status, const char *code, const char *message)
{
	fail(job, &(Problem) {.status = status, .code = code,
		 .message = message});
}

static void
fail_ended(Job *job, const char *reason)
{
	fail_with(job, 401, reason, strcmp(reason, ENDED_LOST) == 0
			  ? "The connection to PostgreSQL is gone."
			  : "The session is over.");
}

/* Answers with what PostgreSQL says. */
static void
fail_error(Job *job, const PGresult *error)
{
	Problem		problem;

	query_problem(error, &problem);
	if (problem.status == 500)
		log_event("statement failed", job->operator->session->role, NULL,
				  problem.message);
	fail(job, &problem);
}

/* Answers with what the statement has returned. */
static void
answer_rows(Job *job, QueryResult *result)
{
	Operator   *operator = job->operator;
	Reply		reply = {.client = job->client, .route = job->route,
		.id = job->id, .n = job->n,
		.left = session_left(operator->sessions, operator->session,
							 clock_ms()),
	.preview = &operator->previews[operator->next_preview]};

	if (job->route->keeps)
		operator->next_preview = (operator->next_preview + 1) % PREVIEWS;
	reply_rows(&reply, result);
	free_job(job);
}

/*--- the queue ---*/

/* Takes the next one out; NULL: there is none. */
static Job *
take_next(Operator *operator)
{
	Job		   *job = operator->waiting;

	if (job != NULL)
	{
		operator->waiting = job->next;
		job->next = NULL;
	}
	return job;
}

/*
 * Sends the next one, if nothing runs.  A file may be as large as any answer:
 * there must be room for it before PostgreSQL begins to send.
 */
static void
begin_next(Operator *operator)
{
	Job		   *job;
	Text		sql;

	if (operator->running != NULL)
		return;
	while ((job = take_next(operator)) != NULL && job->route->file != NULL)
	{
		if (budget_take(ANSWER_LIMIT))
		{
			job->reserved = ANSWER_LIMIT;
			break;
		}
		fail(job, &(Problem) {.status = 503, .code = "memory",
			 .message = "Too much is under way.", .retry_after = 2});
	}
	if (job == NULL)
		return;
	operator->running = job;
	text_init(&sql);
	statement_write(&sql, job->route->statement, operator->schema,
					statement_is_cut(job->route));
	query_send(operator->query, job->route->statement, sql.data, job->params,
			   job->body, job->route->writes, job->timeout, on_done);
	text_free(&sql);
	job->body = NULL;
}

static void
on_done(QueryResult *result, void *arg)
{
	Operator   *operator = arg;
	Job		   *job = operator->running;

	if (result->rows == NULL && result->error == NULL)
	{
		operator_end(operator->session, ENDED_LOST);
		return;
	}
	operator->running = NULL;
	release(job);
	/* before the answer, after which the operator may be gone */
	begin_next(operator);
	if (job->client == NULL)
		free_job(job);
	else if (job->superseded)
		fail(job, &superseded);
	else if (result->error != NULL)
		fail_error(job, result->error);
	else
		answer_rows(job, result);
}

static void
on_lost(void *arg)
{
	Operator   *operator = arg;

	operator_end(operator->session, ENDED_LOST);
}

/* Takes a job out of the queue. */
static void
unlink_job(Operator *operator, Job *job)
{
	Job		  **link = &operator->waiting;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
}

/* The client of a job went away. */
static void
on_gone(void *arg)
{
	Job		   *job = arg;
	Operator   *operator = job->operator;

	job->client = NULL;
	if (job != operator->running)
	{
		unlink_job(operator, job);
		free_job(job);
	}
	else if (!job->route->writes)
		query_cancel(operator->query);
}

static bool
is_of(const Job *job, const Demand *demand)
{
	return strcmp(job->slot, demand->slot) == 0 &&
		strcmp(job->tab, demand->tab) == 0;
}

static bool
same_slot(const Job *job, const Demand *demand)
{
	return demand->slot[0] != '\0' && !job->route->writes &&
		is_of(job, demand);
}

/* Older requests of the same tab and slot are not needed any more. */
static void
supersede(Operator *operator, const Demand *demand)
{
	Job		   *job = operator->running;
	Job		   *next;

	if (job != NULL && same_slot(job, demand))
	{
		job->superseded = true;
		query_cancel(operator->query);
	}
	for (job = operator->waiting; job; job = next)
	{
		next = job->next;
		if (!same_slot(job, demand))
			continue;
		unlink_job(operator, job);
		fail(job, &superseded);
	}
}

/* Does this job take the place of what is asked, though it came before? */
static bool
is_newer(const Job *job, const Demand *demand)
{
	return !job->poll && same_slot(job, demand) &&
		job->order > demand->order;
}

/*
 * Requests of a tab come over several connections, so one may overtake
 * another.  True: a newer one of this slot has come before this one.
 */
static bool
overtaken(const Operator *operator, const Demand *demand)
{
	if (demand->poll || demand->order == 0 || demand->match->route->writes)
		return false;
	if (operator->running != NULL && is_newer(operator->running, demand))
		return true;
	for (const Job *job = operator->waiting; job; job = job->next)
		if (is_newer(job, demand))
			return true;
	return false;
}

/* How many wait that a timer, or that a person has asked for. */
static int
count_waiting(const Operator *operator, bool poll)
{
	int			count = 0;

	for (Job *job = operator->waiting; job; job = job->next)
		count += job->poll == poll;
	return count;
}

/* Whether what a timer asks for is to be left until the next time. */
static bool
busy(const Operator *operator, const Demand *demand)
{
	const Job  *running = operator->running;

	if (running == NULL)
		return false;
	if (!running->poll || is_of(running, demand) ||
		count_waiting(operator, false) > 0 ||
		count_waiting(operator, true) >= OPERATOR_POLLS)
		return true;
	for (const Job *job = operator->waiting; job; job = job->next)
		if (is_of(job, demand))
			return true;
	return false;
}

/* Why a request is refused without asking PostgreSQL; false: it is not. */
static bool
refused(Operator *operator, const Demand *demand, Problem *problem)
{
	const char *standby = PQparameterStatus(query_conn(operator->query),
											"in_hot_standby");

	memset(problem, 0, sizeof(*problem));
	if (demand->match->route->writes && standby &&
		strcmp(standby, "on") == 0)
	{
		problem->status = 503;
		problem->code = "standby";
		problem->message = "This is a standby: nothing can be changed here.";
	}
	else if (demand->poll && busy(operator, demand))
	{
		problem->status = 429;
		problem->code = "busy";
		problem->message = "The session is busy.";
		problem->retry_after = 1;
	}
	else if (count_waiting(operator, false) >= OPERATOR_QUEUE)
	{
		problem->status = 429;
		problem->code = "queue_full";
		problem->message = "Too many requests of this session wait.";
		problem->retry_after = 1;
	}
	return problem->status != 0;
}

static Job *
make_job(Operator *operator, Client *client, const Demand *demand)
{
	Job		   *job = text_alloc(sizeof(Job));
	const RouteMatch *match = demand->match;

	job->operator = operator;
	job->client = client;
	job->route = match->route;
	job->timeout = match->longer ? match->route->longer
		: match->route->timeout;
	job->params = text_copy(match->params.data, match->params.len);
	job->body = demand->body;
	job->poll = demand->poll;
	memcpy(job->id, match->id, sizeof(job->id));
	memcpy(job->n, match->n, sizeof(job->n));
	memcpy(job->tab, demand->tab, sizeof(job->tab));
	memcpy(job->slot, demand->slot, sizeof(job->slot));
	job->order = demand->order;
	return job;
}

/* Answers the client, sooner or later, with what the statement returns. */
void
operator_ask(Session *session, Client *client, const Demand *demand)
{
	Operator   *operator = session->operator;
	Job		  **link = &operator->waiting;
	Problem		problem;
	Job		   *job;

	for (int i = 0; i < PREVIEWS; i++)
		preview_expire(&operator->previews[i], clock_ms());
	if (overtaken(operator, demand))
	{
		client_fail(client, &superseded);
		return;
	}
	if (!demand->poll)			/* nobody has asked for it */
		supersede(operator, demand);
	if (refused(operator, demand, &problem))
	{
		client_fail(client, &problem);
		return;
	}
	job = make_job(operator, client, demand);
	while (*link != NULL && (job->poll || !(*link)->poll))
		link = &(*link)->next;
	job->next = *link;
	*link = job;
	client_wait(client, on_gone, job);
	begin_next(operator);
}

/* Takes the HTML of that id: see preview_take. */
char *
operator_take_preview(Session *session, const char *id, size_t *length)
{
	Operator   *operator = session->operator;
	char	   *html = NULL;

	for (int i = 0; i < PREVIEWS && html == NULL; i++)
		html = preview_take(&operator->previews[i], id, clock_ms(), length);
	return html;
}

/* Ends a session: its connection is closed, and who waits is told why. */
void
operator_end(Session *session, const char *reason)
{
	Operator   *operator = session->operator;
	Job		   *job = operator->running;

	log_event("session ended", session->role, session->address, reason);
	query_free(operator->query);
	session_end(operator->sessions, session, reason);
	if (job != NULL)
		job->next = operator->waiting;
	else
		job = operator->waiting;
	for (int i = 0; i < PREVIEWS; i++)
		preview_drop(&operator->previews[i]);
	free(operator->schema);
	free(operator);
	while (job != NULL)
	{
		Job		   *next = job->next;

		fail_ended(job, reason);
		job = next;
	}
}
