/*
 * login.c
 *	  Signing in: a connection to PostgreSQL as that role, with that password.
 *
 * It has 10 seconds in all, and becomes a session if PostgreSQL asked for the
 * password (connect.c), the role is no superuser, and it may look at runs.
 * What is wrong with role or password is one answer, after 300 ms at least;
 * the log says which.
 *
 * Owns the sign-ins under way.  The password is overwritten where it came in,
 * and is never kept.
 */
#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connect.h"
#include "operator.h"
#include "statement.h"

#define LIMIT_SECONDS 10
#define LEAST_MS 300			/* before a refusal */

typedef struct Login
{
	struct Login *next;
	struct Login **link;		/* what points to it */
	Client	   *client;
	Connect    *connect;		/* while the connection is made */
	Query	   *query;			/* then */
	bool		pending;		/* it counts for the throttle */
	bool		refused;		/* it waits until it may say so */
	struct event *timer;		/* the limit, or that wait */
	int64_t		began;
	char		role[ROLE_SIZE];
	char		address[ADDRESS_SIZE];
} Login;

/* Set once, but for the list of what is under way. */
static struct
{
	struct event_base *base;
	const Config *config;
	const Database *database;
	Sessions   *sessions;
	Throttle   *throttle;
	Login	   *first;
}			logins;

void
login_start(struct event_base *base, const Config *config,
			const Database *database, Sessions *sessions, Throttle *throttle)
{
	logins.base = base;
	logins.config = config;
	logins.database = database;
	logins.sessions = sessions;
	logins.throttle = throttle;
}

/*
 * PostgreSQL has said all that it is asked for: another sign-in may begin.  A
 * query that was not taken over is closed with its connection.
 */
static void
drop_connection(Login *login)
{
	if (login->connect != NULL)
		connect_free(login->connect);
	if (login->query != NULL)
		query_free(login->query);
	if (login->pending)
		throttle_answered(logins.throttle);
	login->connect = NULL;
	login->query = NULL;
	login->pending = false;
}

/* Frees a sign-in; returns the client that waits. */
static Client *
finish(Login *login)
{
	Client	   *client = login->client;

	drop_connection(login);
	*login->link = login->next;
	if (login->next != NULL)
		login->next->link = login->link;
	event_free(login->timer);
	free(login);
	return client;
}

void
login_stop(void)
{
	while (logins.first != NULL)
		finish(logins.first);
}

static void
on_gone(void *arg)
{
	finish(arg);
}

/* Answers with a problem that tells nothing of role and password. */
static void
fail(Login *login, const Problem *problem)
{
	Client	   *client = login->client;

	log_event("sign-in refused", login->role, login->address, problem->code);
	client_fail(client, problem);
	finish(login);
}

static void
fail_with(Login *login, int status, const char *code, const char *message)
{
	fail(login, &(Problem) {.status = status, .code = code,
		 .message = message});
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	Login	   *login = arg;

	(void) fd;
	(void) what;
	if (!login->refused)
		fail_with(login, 504, "timeout",
				  "PostgreSQL did not answer within 10 seconds.");
	else
		client_fail(finish(login), &(Problem)
					{.status = 401, .code = "login_failed",
					.message = "Role or password are wrong, or the role may"
					" not connect."});
}

/* Role or password are wrong: says so, but not at once. */
static void
refuse(Login *login, const char *why)
{
	int64_t		left = login->began + LEAST_MS - clock_ms();
	struct timeval time = {0, left > 0 ? left * 1000 : 0};

	log_event("sign-in refused", login->role, login->address, why);
	throttle_failed(logins.throttle, login->role, login->address, clock_ms());
	drop_connection(login);
	login->refused = true;
	event_add(login->timer, &time);
}

/*--- the session ---*/

/* Makes the session and answers with its token. */
static void
begin_session(Login *login, const char *schema)
{
	Session    *session = operator_new(logins.sessions, login->query,
									   login->role, login->address, schema);
	char		id[2 * SECRET_SIZE + 1];
	char		token[2 * SECRET_SIZE + 1];
	char		headers[256];
	Text		body;

	if (session == NULL)
	{
		fail(login, &(Problem) {.status = 503, .code = "too_many_sessions",
			 .message = "Too many people are signed in.",
			 .retry_after = 60});
		return;
	}
	login->query = NULL;
	throttle_passed(logins.throttle, login->role, login->address);
	log_event("session begun", login->role, login->address, NULL);
	text_hex(id, session->id, SECRET_SIZE);
	text_hex(token, session->token, SECRET_SIZE);
	snprintf(headers, sizeof(headers), "Set-Cookie: __Host-wf=%s; Secure;"
			 " HttpOnly; SameSite=Strict; Path=/\r\nX-WF-Idle: %d\r\n", id,
			 session_left(logins.sessions, session, clock_ms()));
	text_init(&body);
	text_adds(&body, "{");
	text_add_member(&body, "role", login->role);
	text_add_member(&body, "token", token);
	text_adds(&body, "}");
	client_answer_text(finish(login), 200, headers, &body);
	explicit_bzero(id, sizeof(id));
	explicit_bzero(token, sizeof(token));
	explicit_bzero(headers, sizeof(headers));
}

static void
fail_capability(Login *login)
{
	char		hint[256];
	Text		literal;

	text_init(&literal);
	for (const char *p = login->role; *p; p++)
		text_add(&literal, *p == '\'' ? "''" : p, *p == '\'' ? 2 : 1);
	snprintf(hint, sizeof(hint), "SELECT wf_grant('%s', 'view');",
			 literal.data);
	text_free(&literal);
	fail(login, &(Problem) {.status = 403, .code = "no_capability",
		 .message = "This role may not look at workflows.", .hint = hint});
}

/* 1.1 as 10001, so that versions can be compared. */
static int
version_number(const char *version)
{
	int			major = 0;
	int			minor = 0;

	sscanf(version, "%d.%d", &major, &minor);
	return major * 10000 + minor;
}

/* Whether the SQL objects of that version have what the statements call. */
bool
login_takes_version(const char *version)
{
	return version_number(version) >= version_number(LOGIN_OLDEST_EXTENSION);
}

static void
fail_version(Login *login, const char *version)
{
	char		message[160];

	snprintf(message, sizeof(message), "The console needs workflow_engine "
			 LOGIN_OLDEST_EXTENSION ", and this database has %.40s.", version);
	fail(login, &(Problem) {.status = 503, .code = "old_extension",
		 .message = message,
		 .hint = "ALTER EXTENSION workflow_engine UPDATE;"});
}

/* The answer of login.sql: quoted schema, version, whether it may look. */
static void
on_checked(QueryResult *result, void *arg)
{
	Login	   *login = arg;
	PGresult   *rows = result->rows;
	Problem		problem = {.message = "PostgreSQL is not to be reached."};

	if (rows == NULL)
	{
		problem_from_sqlstate(&problem, result->error ?
							  PQresultErrorField(result->error,
												 PG_DIAG_SQLSTATE) : NULL);
		fail(login, &problem);
	}
	else if (PQntuples(rows) != 1)
		fail(login, &(Problem) {.status = 503, .code = "no_extension",
			 .message = "workflow_engine is not in this database.",
			 .hint = "CREATE EXTENSION workflow_engine;"});
	else if (!login_takes_version(PQgetvalue(rows, 0, 1)))
		fail_version(login, PQgetvalue(rows, 0, 1));
	else if (strcmp(PQgetvalue(rows, 0, 2), "t") != 0)
		fail_capability(login);
	else
		begin_session(login, PQgetvalue(rows, 0, 0));
}

static void
on_lost(void *arg)
{
	fail_with(arg, 503, "unavailable", "PostgreSQL closed the connection.");
}

/* The connection is there: may it become a session? */
static void
connected(Login *login, PGconn *conn)
{
	const char *superuser = PQparameterStatus(conn, "is_superuser");
	Text		sql;

	login->query = query_new(logins.base, conn, on_lost, login);
	if (!logins.config->allow_superuser &&
		(superuser == NULL || strcmp(superuser, "off") != 0))
	{
		fail_with(login, 403, "superuser",
				  "Superusers do not sign in here.");
		return;
	}
	text_init(&sql);
	statement_write(&sql, "login", "", false);
	query_send(login->query, NULL, sql.data, "{}", NULL, false, 5000, on_checked);
	text_free(&sql);
}

static void
on_connected(ConnectEnd end, void *arg)
{
	Login	   *login = arg;
	Connect    *connect = login->connect;

	if (end == CONNECT_REFUSED)
		refuse(login, connect_why(connect));
	else if (end == CONNECT_FAILED)
		fail(login, connect_problem(connect));
	else
	{
		login->connect = NULL;
		connected(login, connect_take(connect));
	}
}

/* Begins the connection; the request's copy of the password is overwritten. */
static void
start(Client *client, const char *role, const char *password)
{
	Login	   *login = text_alloc(sizeof(Login));
	struct timeval limit = {LIMIT_SECONDS, 0};

	login->next = logins.first;
	login->link = &logins.first;
	if (login->next != NULL)
		login->next->link = &login->next;
	logins.first = login;
	login->client = client;
	login->pending = true;
	login->began = clock_ms();
	snprintf(login->role, ROLE_SIZE, "%s", role);
	snprintf(login->address, ADDRESS_SIZE, "%s", client_address(client));
	login->timer = event_new(logins.base, -1, 0, on_timer, login);
	event_add(login->timer, &limit);
	login->connect = connect_begin(logins.base, logins.database, role,
								   password, login->address, on_connected,
								   login);
	client_wipe(client);
	client_wait(client, on_gone, login);
}

/* Answers a sign-in, sooner or later.  The body is overwritten. */
void
login_begin(Client *client, const char *body, size_t length)
{
	char		role[ROLE_SIZE];
	char		password[PASSWORD_SIZE];
	int			wait;

	if (!text_two_lines(body, length, role, sizeof(role), password,
						sizeof(password)))
	{
		client_wipe(client);
		client_fail(client, &(Problem)
					{.status = 400, .code = "bad_request",
					.message = "The body must be a role, a line feed and a"
					" password, neither of them empty."});
		return;
	}
	client_log_id(client, role, NULL);
	wait = throttle_ask(logins.throttle, role, client_address(client),
						clock_ms());
	if (wait == 0)
		start(client, role, password);
	else
	{
		client_wipe(client);
		client_fail(client, &(Problem)
					{.status = 429, .code = "throttled", .retry_after = wait,
					.message = "Too many tries to sign in."});
	}
	explicit_bzero(password, sizeof(password));
}
