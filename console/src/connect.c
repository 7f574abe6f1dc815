/*
 * connect.c
 *	  A connection to PostgreSQL as a role, with its password: made in the
 *	  loop, for as long as its owner waits.
 *
 * It counts only if PostgreSQL asked for the password: if pg_hba.conf lets
 * anybody in, a connection does not prove that the role's owner asks.  The
 * caller overwrites its copy of the password; libpq's is overwritten here as
 * soon as it is not needed.
 *
 * Runs in the loop; owns the connection until connect_take.
 */
#include "connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "log.h"

struct Connect
{
	struct event_base *base;
	PGconn	   *conn;
	struct event *readable;
	struct event *writable;
	struct event *bad;			/* it has failed before it began */
	char		address[ADDRESS_SIZE];
	char		state[6];		/* SQLSTATE, "": there is none */
	Problem		problem;
	ConnectDone done;
	void	   *arg;
};

/* Nothing is waited for any more. */
static void
stop_events(Connect *connect)
{
	if (connect->readable != NULL)
		event_free(connect->readable);
	if (connect->writable != NULL)
		event_free(connect->writable);
	if (connect->bad != NULL)
		event_free(connect->bad);
	connect->readable = connect->writable = connect->bad = NULL;
}

/* Gives it up, whatever has come of it. */
void
connect_free(Connect *connect)
{
	stop_events(connect);
	PQfinish(connect->conn);
	free(connect);
}

/* The connection, which is the caller's now, after CONNECT_DONE. */
PGconn *
connect_take(Connect *connect)
{
	PGconn	   *conn = connect->conn;

	connect->conn = NULL;
	connect_free(connect);
	return conn;
}

/* The SQLSTATE of CONNECT_REFUSED. */
const char *
connect_why(const Connect *connect)
{
	return connect->state;
}

/* What is to be answered after CONNECT_FAILED; lives as long as it. */
const Problem *
connect_problem(const Connect *connect)
{
	return &connect->problem;
}

/* Tells the owner, who may free it: nothing may be done afterwards. */
static void
end(Connect *connect, ConnectEnd how)
{
	stop_events(connect);
	connect->done(how, connect->arg);
}

static void
fail(Connect *connect, int status, const char *code, int retry_after,
	 const char *message)
{
	connect->problem.status = status;
	connect->problem.code = code;
	connect->problem.retry_after = retry_after;
	connect->problem.message = message;
	if (connect->state[0] != '\0')
		connect->problem.sqlstate = connect->state;
	end(connect, CONNECT_FAILED);
}

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
failed(Connect *connect)
{
	if (connect->conn != NULL)
		failed_state(connect->conn, connect->state);
	if (strcmp(connect->state, "53300") == 0)
	{
		fail(connect, 503, "too_many_connections", 10,
			 "The database has no free connection for this role.");
		return;
	}
	if (strncmp(connect->state, "28", 2) == 0 ||
		strcmp(connect->state, "42501") == 0)
	{
		end(connect, CONNECT_REFUSED);
		return;
	}
	log_event("no connection", connect->conn ? PQuser(connect->conn) : NULL,
			  connect->address, PQerrorMessage(connect->conn));
	fail(connect, 503, "unavailable", 2, "PostgreSQL is not to be reached.");
}

/* It is there; whether it proves anything? */
static void
connected(Connect *connect)
{
	database_forget_password(connect->conn);
	PQsetErrorVerbosity(connect->conn, PQERRORS_DEFAULT);
	if (PQconnectionUsedPassword(connect->conn))
		end(connect, CONNECT_DONE);
	else
		fail(connect, 403, "no_password", 0, "PostgreSQL did not ask for the"
			 " password, so anybody could be this role: pg_hba.conf needs"
			 " a line with scram-sha-256 for it.");
}

static void on_socket(evutil_socket_t fd, short what, void *arg);

/* Goes on as far as it goes without waiting. */
static void
advance(Connect *connect)
{
	PostgresPollingStatusType state = PQconnectPoll(connect->conn);

	if (connect->readable != NULL)
		event_free(connect->readable);
	if (connect->writable != NULL)
		event_free(connect->writable);
	/* the socket may be another one than before */
	connect->readable = event_new(connect->base, PQsocket(connect->conn),
								  EV_READ, on_socket, connect);
	connect->writable = event_new(connect->base, PQsocket(connect->conn),
								  EV_WRITE, on_socket, connect);
	switch (state)
	{
		case PGRES_POLLING_READING:
			event_add(connect->readable, NULL);
			break;
		case PGRES_POLLING_WRITING:
			event_add(connect->writable, NULL);
			break;
		case PGRES_POLLING_OK:
			connected(connect);
			break;
		default:
			failed(connect);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	advance(arg);
}

static void
on_bad(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	failed(arg);
}

/*
 * Begins a connection from that address.  done is called once, later, unless
 * it is freed before; the password may be overwritten at once.
 */
Connect *
connect_begin(struct event_base *base, const Database *database,
			  const char *role, const char *password, const char *address,
			  ConnectDone done, void *arg)
{
	Connect    *connect = text_alloc(sizeof(Connect));
	struct timeval now = {0, 0};

	connect->base = base;
	connect->done = done;
	connect->arg = arg;
	snprintf(connect->address, ADDRESS_SIZE, "%s", address);
	connect->conn = database_connect(database, role, password, address);
	if (PQstatus(connect->conn) == CONNECTION_BAD)
	{
		connect->bad = event_new(base, -1, 0, on_bad, connect);
		event_add(connect->bad, &now);
	}
	else
	{
		PQsetErrorVerbosity(connect->conn, PQERRORS_SQLSTATE);
		/* as after PGRES_POLLING_WRITING */
		connect->writable = event_new(base, PQsocket(connect->conn), EV_WRITE,
									  on_socket, connect);
		event_add(connect->writable, NULL);
	}
	return connect;
}
