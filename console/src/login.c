/*
 * login.c
 *	  Signing in: a connection to PostgreSQL as that role, with that password.
 *
 * The connection is polled in the loop and has 10 seconds in all.  It becomes
 * a session if PostgreSQL asked for the password, the role is no superuser,
 * and it may look at runs.  What is wrong with role or password is one
 * answer, after 300 ms at least; the log says which.
 *
 * Owns the sign-ins under way and the throttle.  The password is overwritten
 * where it came in, in libpq's copy that is to be reached, and is never kept.
 */
#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "operator.h"
#include "statement.h"
#include "throttle.h"

#define LIMIT_MS 10000
#define LEAST_MS 300			/* before a refusal */
#define BODY_LIMIT 2048

typedef struct Login
{
	Client	   *client;			/* NULL: it went away */
	PGconn	   *conn;			/* while it is made; then the query's */
	Query	   *query;
	struct event *readable;
	struct event *writable;
	struct event *timer;		/* the limit, or the wait before a refusal */
	int64_t		began;
	char		role[ROLE_SIZE];
	char		address[ADDRESS_SIZE];
	bool		refused;		/* it waits until it may say so */
} Login;

/* Set once, but for the sign-ins under way. */
static struct
{
	struct event_base *base;
	const Config *config;
	const Database *database;
	Sessions   *sessions;
	Throttle   *throttle;
	Login	   *login[LOGINS];
}			logins;

void
login_start(struct event_base *base, const Config *config,
			const Database *database, Sessions *sessions)
{
	logins.base = base;
	logins.config = config;
	logins.database = database;
	logins.sessions = sessions;
	logins.throttle = throttle_new();
}

/* Stops what belongs to the connection; the query, if any, is closed. */
static void
drop_connection(Login *login)
{
	if (login->readable != NULL)
		event_free(login->readable);
	if (login->writable != NULL)
		event_free(login->writable);
	login->readable = login->writable = NULL;
	if (login->query != NULL)
		query_free(login->query);
	else if (login->conn != NULL)
		PQfinish(login->conn);
	login->query = NULL;
	login->conn = NULL;
}

/* Frees a sign-in; returns the client that waits. */
static Client *
finish(Login *login)
{
	Client	   *client = login->client;

	for (int i = 0; i < LOGINS; i++)
		if (logins.login[i] == login)
			logins.login[i] = NULL;
	drop_connection(login);
	event_free(login->timer);
	free(login);
	return client;
}

void
login_stop(void)
{
	for (int i = 0; i < LOGINS; i++)
		if (logins.login[i] != NULL)
			finish(logins.login[i]);
	throttle_free(logins.throttle);
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
	log_event("sign-in refused", login->role, login->address, problem->code);
	client_fail(finish(login), problem);
}

static void
fail_with(Login *login, int status, const char *code, const char *message)
{
	fail(login, &(Problem) {.status = status, .code = code,
		 .message = message});
}

static void
refuse_now(Login *login)
{
	client_fail(finish(login), &(Problem)
				{.status = 401, .code = "login_failed",
				.message = "Role or password are wrong, or the role may not"
				" connect."});
}

/* Role or password are wrong: says so, but not at once. */
static void
refuse(Login *login, const char *why)
{
	int64_t		left = login->began + LEAST_MS - clock_ms();
	struct timeval time = {0, left * 1000};

	log_event("sign-in refused", login->role, login->address, why);
	throttle_failed(logins.throttle, login->role, login->address, clock_ms());
	drop_connection(login);
	login->refused = true;
	if (left > 0)
		event_add(login->timer, &time);
	else
		refuse_now(login);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	Login	   *login = arg;

	(void) fd;
	(void) what;
	if (login->refused)
		refuse_now(login);
	else
		fail_with(login, 504, "timeout",
				  "PostgreSQL did not answer within 10 seconds.");
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
	login->conn = NULL;
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
connected(Login *login)
{
	const char *superuser = PQparameterStatus(login->conn, "is_superuser");
	Text		sql;

	event_free(login->readable);
	event_free(login->writable);
	login->readable = login->writable = NULL;
	database_forget_password(login->conn);
	PQsetErrorVerbosity(login->conn, PQERRORS_DEFAULT);
	if (!PQconnectionUsedPassword(login->conn))
	{
		fail_with(login, 403, "no_password", "PostgreSQL did not ask for the"
				  " password, so anybody could be this role: pg_hba.conf needs"
				  " a line with scram-sha-256 for it.");
		return;
	}
	if (!logins.config->allow_superuser &&
		(superuser == NULL || strcmp(superuser, "off") != 0))
	{
		fail_with(login, 403, "superuser",
				  "Superusers do not sign in here.");
		return;
	}
	login->query = query_new(logins.base, login->conn, on_lost, login);
	text_init(&sql);
	statement_write(&sql, "login", "", false);
	query_send(login->query, NULL, sql.data, "{}", NULL, false, 5000, on_checked);
	text_free(&sql);
}

/*--- the connection ---*/

/*
 * The SQLSTATE of a connection that failed, "" if it has none.  libpq tells it
 * in the message alone, whose end it is with PQERRORS_SQLSTATE.
 */
static void
failed_state(PGconn *conn, char *state)
{
	const char *message = PQerrorMessage(conn);
	size_t		len = strlen(message);

	state[0] = '\0';
	while (len > 0 && message[len - 1] == '\n')
		len--;
	if (len < 7 || memcmp(message + len - 7, "  ", 2) != 0)
		return;
	memcpy(state, message + len - 5, 5);
	state[5] = '\0';
	if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		state[0] = '\0';
}

/* Role or password, or PostgreSQL itself? */
static void
connection_failed(Login *login)
{
	char		state[6];

	failed_state(login->conn, state);
	if (strcmp(state, "53300") == 0)
	{
		fail(login, &(Problem) {.status = 503, .retry_after = 10,
			 .code = "too_many_connections", .sqlstate = state,
			 .message = "The database has no free connection for this role."});
		return;
	}
	if (strncmp(state, "28", 2) == 0 || strcmp(state, "42501") == 0)
	{
		refuse(login, state);
		return;
	}
	log_event("no connection", login->role, login->address,
			  PQerrorMessage(login->conn));
	fail(login, &(Problem) {.status = 503, .code = "unavailable",
		 .sqlstate = state[0] ? state : NULL, .retry_after = 2,
		 .message = "PostgreSQL is not to be reached."});
}

static void on_socket(evutil_socket_t fd, short what, void *arg);

/* Goes on with the connection as far as it goes without waiting. */
static void
advance(Login *login)
{
	PostgresPollingStatusType state = PQconnectPoll(login->conn);

	if (login->readable != NULL)
		event_free(login->readable);
	if (login->writable != NULL)
		event_free(login->writable);
	/* the socket may be another one than before */
	login->readable = event_new(logins.base, PQsocket(login->conn), EV_READ,
								on_socket, login);
	login->writable = event_new(logins.base, PQsocket(login->conn), EV_WRITE,
								on_socket, login);
	switch (state)
	{
		case PGRES_POLLING_READING:
			event_add(login->readable, NULL);
			break;
		case PGRES_POLLING_WRITING:
			event_add(login->writable, NULL);
			break;
		case PGRES_POLLING_OK:
			connected(login);
			break;
		default:
			connection_failed(login);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	advance(arg);
}

/* Starts the connection; the password is overwritten. */
static void
start(Client *client, int place, const char *role, char *password)
{
	Login	   *login = text_alloc(sizeof(Login));
	struct timeval limit = {LIMIT_MS / 1000, 0};

	logins.login[place] = login;
	login->client = client;
	login->began = clock_ms();
	snprintf(login->role, ROLE_SIZE, "%s", role);
	snprintf(login->address, ADDRESS_SIZE, "%s", client_address(client));
	login->timer = event_new(logins.base, -1, 0, on_timer, login);
	event_add(login->timer, &limit);
	login->conn = database_connect(logins.database, role, password,
								   login->address);
	explicit_bzero(password, strlen(password));
	client_wipe(client);
	client_wait(client, on_gone, login);
	if (login->conn == NULL || PQstatus(login->conn) == CONNECTION_BAD)
		fail_with(login, 503, "unavailable",
				  "PostgreSQL is not to be reached.");
	else
	{
		PQsetErrorVerbosity(login->conn, PQERRORS_SQLSTATE);
		/* as after PGRES_POLLING_WRITING */
		login->writable = event_new(logins.base, PQsocket(login->conn),
									EV_WRITE, on_socket, login);
		event_add(login->writable, NULL);
	}
}

/* Cuts "role LF password"; false: it is nothing of that form. */
static bool
read_body(const char *body, size_t length, char *role, char *password)
{
	const char *feed = memchr(body, '\n', length);
	size_t		rlen = feed ? (size_t) (feed - body) : 0;
	size_t		plen = feed ? length - rlen - 1 : 0;

	if (rlen == 0 || rlen >= ROLE_SIZE || plen == 0 || plen > 1000 ||
		!text_is_utf8(body, length) ||
		memchr(feed + 1, '\n', plen) != NULL)
		return false;
	memcpy(role, body, rlen);
	role[rlen] = '\0';
	memcpy(password, feed + 1, plen);
	password[plen] = '\0';
	return true;
}

static void
throttled(Client *client, int seconds)
{
	client_fail(client, &(Problem)
				{.status = 429, .code = "throttled", .retry_after = seconds,
				.message = "Too many tries to sign in."});
}

/* Answers a sign-in, sooner or later.  The body is overwritten. */
void
login_begin(Client *client, const char *body, size_t length)
{
	char		role[ROLE_SIZE];
	char		password[1001];
	int			place = 0;
	int			wait;

	if (length > BODY_LIMIT || !read_body(body, length, role, password))
	{
		explicit_bzero(password, sizeof(password));
		client_wipe(client);
		client_fail(client, &(Problem)
					{.status = 400, .code = "bad_request",
					.message = "The body must be a role, a line feed and a"
					" password, neither of them empty."});
		return;
	}
	client_log_id(client, role, NULL);
	while (place < LOGINS && logins.login[place] != NULL)
		place++;
	wait = place == LOGINS ? 1 : throttle_ask(logins.throttle, role,
											  client_address(client),
											  clock_ms());
	if (wait == 0)
		start(client, place, role, password);
	else
	{
		client_wipe(client);
		throttled(client, wait);
	}
	explicit_bzero(password, sizeof(password));
}
