/*
 * password.c
 *	  A new password for the role of a session.
 *
 * That somebody has the session does not say that he knows the password: a
 * browser may stand open.  We do not keep it, so PostgreSQL is asked, by a
 * sign-in with the old one on a connection of its own, which counts for the
 * throttle like any other.  On that connection ALTER ROLE is executed with a
 * verifier that is made here: the server never has the new password in a
 * statement.  Then one more sign-in tells whether the role is asked for that
 * password at all; with ldap it is not.
 *
 * The other sessions of the role end, the one that asked goes on.  What has
 * begun is not stopped if the browser goes away.
 *
 * Runs in the loop; owns the changes under way.  Both passwords are
 * overwritten as soon as they are not needed.
 */
#include "password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connect.h"
#include "operator.h"

#define LIMIT_SECONDS 20		/* for all of it */
#define LEAST_MS 300			/* before a refusal, as of a sign-in */
#define STATEMENT_MS 10000

typedef struct Change
{
	struct Change *next;
	struct Change **link;		/* what points to it */
	Client	   *client;			/* NULL: it went away */
	Connect    *connect;
	Query	   *query;
	bool		pending;		/* it counts for the throttle */
	bool		refused;		/* it waits until it may say so */
	bool		proved;			/* the old password was right */
	bool		altered;		/* the role has the new password */
	struct event *timer;		/* the limit, or that wait */
	int64_t		began;
	unsigned char session[SECRET_SIZE]; /* the id of the one that asks */
	char		role[ROLE_SIZE];
	char		address[ADDRESS_SIZE];
	char		password[PASSWORD_SIZE];	/* the new one */
} Change;

/* Set once, but for the list of what is under way. */
static struct
{
	struct event_base *base;
	const Database *database;
	Sessions   *sessions;
	Throttle   *throttle;
	Change	   *first;
}			changes;

void
password_start(struct event_base *base, const Database *database,
			   Sessions *sessions, Throttle *throttle)
{
	changes.base = base;
	changes.database = database;
	changes.sessions = sessions;
	changes.throttle = throttle;
}

/* Closes the connection; another try may begin. */
static void
drop_connection(Change *change)
{
	if (change->connect != NULL)
		connect_free(change->connect);
	if (change->query != NULL)
		query_free(change->query);
	if (change->pending)
		throttle_answered(changes.throttle);
	change->connect = NULL;
	change->query = NULL;
	change->pending = false;
}

static void
finish(Change *change)
{
	drop_connection(change);
	*change->link = change->next;
	if (change->next != NULL)
		change->next->link = change->link;
	event_free(change->timer);
	explicit_bzero(change, sizeof(*change));
	free(change);
}

void
password_stop(void)
{
	while (changes.first != NULL)
		finish(changes.first);
}

static void
on_gone(void *arg)
{
	((Change *) arg)->client = NULL;
}

/* Answers with a problem, if somebody waits. */
static void
fail(Change *change, const Problem *problem)
{
	log_event("password not changed", change->role, change->address,
			  problem->code);
	if (change->client != NULL)
		client_fail(change->client, problem);
	finish(change);
}

static void
fail_with(Change *change, int status, const char *code, const char *message)
{
	fail(change, &(Problem) {.status = status, .code = code,
		 .message = message});
}

static void answer(Change *change);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	Change	   *change = arg;

	(void) fd;
	(void) what;
	if (change->refused)
		fail_with(change, 403, "wrong_password", "The old password is wrong.");
	else if (change->altered)
		answer(change);			/* as without a free connection */
	else
		fail_with(change, 504, "timeout", "PostgreSQL did not answer within 20"
				  " seconds: whether the password is changed is not known.");
}

/* The old password is wrong: says so, but not at once. */
static void
refuse(Change *change)
{
	int64_t		left = change->began + LEAST_MS - clock_ms();
	struct timeval time = {0, left > 0 ? left * 1000 : 0};

	throttle_failed(changes.throttle, change->role, change->address,
					clock_ms());
	drop_connection(change);
	change->refused = true;
	event_add(change->timer, &time);
}

/*--- the new password is set ---*/

/* Ends the other sessions of the role, and says so. */
static void
answer(Change *change)
{
	Session    *session;
	Text		body;
	int			ended = 0;

	while ((session = session_other(changes.sessions, change->role,
									change->session)) != NULL)
	{
		operator_end(session, ENDED_PASSWORD);
		ended++;
	}
	log_event("password changed", change->role, change->address, NULL);
	if (change->client != NULL)
	{
		text_init(&body);
		text_addf(&body, "{\"changed\": true, \"ended\": %d}", ended);
		client_answer_text(change->client, 200, NULL, &body);
	}
	finish(change);
}

/* Whether the role signs in by the new one. */
static void
on_tried(ConnectEnd end, void *arg)
{
	/* without a free connection it is not known, and it is changed */
	if (end == CONNECT_REFUSED)
		fail_with(arg, 409, "password_unused", "PostgreSQL has the new"
				  " password, but does not sign this role in by it: its line"
				  " of pg_hba.conf asks elsewhere (ldap, radius, pam).");
	else
		answer(arg);
}

static void
fail_error(Change *change, const PGresult *error)
{
	Problem		problem;

	query_problem(error, &problem);
	fail(change, &problem);
}

static void
on_altered(QueryResult *result, void *arg)
{
	Change	   *change = arg;

	if (result->rows == NULL)
	{
		fail_error(change, result->error);
		return;
	}
	query_free(change->query);
	change->query = NULL;
	change->altered = true;
	change->connect = connect_begin(changes.base, changes.database,
									change->role, change->password,
									change->address, on_tried, change);
	explicit_bzero(change->password, sizeof(change->password));
}

static void
on_lost(void *arg)
{
	fail_error(arg, NULL);
}

/* Writes the statement; false: there is no memory for the verifier. */
static bool
write_statement(Text *sql, PGconn *conn, const Change *change)
{
	char	   *verifier = PQencryptPasswordConn(conn, change->password,
												 change->role,
												 "scram-sha-256");
	char	   *literal = verifier ? PQescapeLiteral(conn, verifier,
													 strlen(verifier)) : NULL;
	bool		ok = literal != NULL;

	if (ok)
	{
		text_adds(sql, "ALTER ROLE SESSION_USER PASSWORD ");
		text_adds(sql, literal);
		explicit_bzero(literal, strlen(literal));
	}
	if (verifier != NULL)
		explicit_bzero(verifier, strlen(verifier));
	PQfreemem(literal);
	PQfreemem(verifier);
	return ok;
}

/* The old password was right. */
static void
alter(Change *change, PGconn *conn)
{
	const char *standby = PQparameterStatus(conn, "in_hot_standby");
	Text		sql;

	text_init(&sql);
	change->query = query_new(changes.base, conn, on_lost, change);
	if (standby != NULL && strcmp(standby, "on") == 0)
		fail_with(change, 503, "standby",
				  "This is a standby: nothing can be changed here.");
	else if (!write_statement(&sql, conn, change))
		fail_with(change, 503, "memory", "There is no memory for that.");
	else
		query_send(change->query, NULL, sql.data, "{}", NULL, true,
				   STATEMENT_MS, on_altered);
	text_wipe(&sql);
}

/* Whether another change of that role waits for PostgreSQL to make it. */
static bool
is_second(const Change *change)
{
	for (const Change *one = changes.first; one; one = one->next)
		if (one->proved && strcmp(one->role, change->role) == 0)
			return true;
	return false;
}

static void
on_connected(ConnectEnd end, void *arg)
{
	Change	   *change = arg;
	Connect    *connect = change->connect;

	if (end == CONNECT_REFUSED)
		refuse(change);
	else if (end == CONNECT_FAILED)
		fail(change, connect_problem(connect));
	else if (is_second(change))	/* one place of the throttle for a role */
		fail_with(change, 409, "locked",
				  "Another change of this password is under way.");
	else
	{
		change->proved = true;
		change->connect = NULL;
		alter(change, connect_take(connect));
	}
}

/*--- the request ---*/

static void
start(Client *client, const Session *session, const char *old,
	  const char *password)
{
	Change	   *change = text_alloc(sizeof(Change));
	struct timeval limit = {LIMIT_SECONDS, 0};

	change->next = changes.first;
	change->link = &changes.first;
	if (change->next != NULL)
		change->next->link = &change->next;
	changes.first = change;
	change->client = client;
	change->pending = true;
	change->began = clock_ms();
	memcpy(change->session, session->id, SECRET_SIZE);
	snprintf(change->role, ROLE_SIZE, "%s", session->role);
	snprintf(change->address, ADDRESS_SIZE, "%s", client_address(client));
	snprintf(change->password, PASSWORD_SIZE, "%s", password);
	change->timer = event_new(changes.base, -1, 0, on_timer, change);
	event_add(change->timer, &limit);
	change->connect = connect_begin(changes.base, changes.database,
									change->role, old, change->address,
									on_connected, change);
	client_wipe(client);
	client_wait(client, on_gone, change);
}

/*
 * Answers a request to change the password of a session's role, sooner or
 * later.  The body, "old LF new", is overwritten.
 */
void
password_begin(Client *client, const Session *session, const char *body,
			   size_t length)
{
	char		old[PASSWORD_SIZE];
	char		password[PASSWORD_SIZE];
	int			wait;

	if (!text_two_lines(body, length, old, sizeof(old), password,
						sizeof(password)))
	{
		client_wipe(client);
		client_fail(client, &(Problem)
					{.status = 400, .code = "bad_request",
					.message = "The body must be the old password, a line feed"
					" and the new one, neither of them empty."});
		return;
	}
	wait = throttle_ask(changes.throttle, session->role,
						client_address(client), clock_ms());
	if (wait == 0)
		start(client, session, old, password);
	else
	{
		client_wipe(client);
		client_fail(client, &(Problem)
					{.status = 429, .code = "throttled", .retry_after = wait,
					.message = "Too many tries."});
	}
	explicit_bzero(old, sizeof(old));
	explicit_bzero(password, sizeof(password));
}
