/*
 * check.c
 *	  wf_console --check: tries what serving needs, and says what is missing.
 *
 * Blocks; it is for a person at a terminal.  With a role it tries to sign in
 * as that role, with the password on standard input; without, it only looks
 * whether PostgreSQL answers.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "login.h"
#include "server.h"
#include "statement.h"

#define NOBODY "wf_console_check"	/* a role that need not be there */

/* What the server says, in its own lines. */
static void
say(const char *message)
{
	fputs("  ", stdout);
	for (const char *p = message; *p; p++)
	{
		putchar(*p);
		if (*p == '\n' && p[1] != '\0')
			fputs("  ", stdout);
	}
	if (message[0] == '\0' || message[strlen(message) - 1] != '\n')
		putchar('\n');
}

static int
missing(const char *what, const char *help)
{
	printf("MISSING: %s\n", what);
	if (help != NULL)
		say(help);
	return 1;
}

/* Waits for the connection; it has as long as libpq takes. */
static bool
connect_now(PGconn *conn)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED)
	{
		fd_set		set;
		struct timeval limit = {10, 0};
		bool		reads = state == PGRES_POLLING_READING;

		FD_ZERO(&set);
		FD_SET(PQsocket(conn), &set);
		if (select(PQsocket(conn) + 1, reads ? &set : NULL,
				   reads ? NULL : &set, NULL, &limit) <= 0)
			return false;
		state = PQconnectPoll(conn);
	}
	return state == PGRES_POLLING_OK;
}

/* Reads the password, not shown if it is typed. */
static void
read_password(char *password, size_t size)
{
	struct termios old;
	struct termios quiet;
	bool		typed = tcgetattr(STDIN_FILENO, &old) == 0;

	if (typed)
	{
		fputs("Password: ", stdout);
		fflush(stdout);
		quiet = old;
		quiet.c_lflag &= ~ECHO;
		tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
	}
	if (fgets(password, size, stdin) == NULL)
		password[0] = '\0';
	password[strcspn(password, "\n")] = '\0';
	if (typed)
	{
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
		putchar('\n');
	}
}

static const char hba_help[] =
	"Above the other lines for this database, pg_hba.conf needs\n"
	"    local  DATABASE  +wf_console  scram-sha-256\n"
	"(over TCP: hostssl, with addresses), and who signs in is a member:\n"
	"    CREATE ROLE wf_console NOLOGIN;\n"
	"    CREATE ROLE ops_a LOGIN IN ROLE wf_console;\n"
	"    \\password ops_a";

/* Of a connection that was made: the method, the role, the extension. */
static int
check_session(const Config *config, PGconn *conn, const char *role)
{
	const char *superuser = PQparameterStatus(conn, "is_superuser");
	Text		sql;
	PGresult   *result;
	int			bad = 0;

	if (!PQconnectionUsedPassword(conn))
		return missing("PostgreSQL did not ask for the password", hba_help);
	puts("ok: PostgreSQL asked for the password");
	if (!config->allow_superuser && superuser &&
		strcmp(superuser, "on") == 0)
		return missing("this role is a superuser, and these are refused",
					   "Sign in as another role, or set allow_superuser = on.");
	text_init(&sql);
	statement_write(&sql, "login", "", false);
	result = PQexec(conn, sql.data);
	text_free(&sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		bad = missing("the server's catalog cannot be read",
					  PQerrorMessage(conn));
	else if (PQntuples(result) == 0)
		bad = missing("workflow_engine is not in this database",
					  "CREATE EXTENSION workflow_engine;");
	else if (!login_takes_version(PQgetvalue(result, 0, 1)))
		bad = missing("workflow_engine is older than "
					  LOGIN_OLDEST_EXTENSION " in this database",
					  "ALTER EXTENSION workflow_engine UPDATE;");
	else if (strcmp(PQgetvalue(result, 0, 2), "t") != 0)
		bad = missing("this role may not look at workflows",
					  "SELECT wf_grant('the role', 'view');");
	else
		printf("ok: workflow_engine %s, and %s may look at it\n",
			   PQgetvalue(result, 0, 1), role);
	PQclear(result);
	return bad;
}

/* Nothing but that the server answers can be said without a role. */
static int
check_answer(PGconn *conn)
{
	if (PQconnectionNeedsPassword(conn) || PQconnectionUsedPassword(conn) ||
		strstr(PQerrorMessage(conn), "FATAL") != NULL)
	{
		puts("ok: PostgreSQL answers");
		puts("    wf_console --check --role NAME also tries a role");
		return 0;
	}
	return missing("PostgreSQL is not to be reached", PQerrorMessage(conn));
}

static int
check_database(const Config *config, const Database *database,
			   const char *role)
{
	char		password[1024] = "x";
	PGconn	   *conn;
	int			bad;

	if (role != NULL)
		read_password(password, sizeof(password));
	if (password[0] == '\0')
		return missing("a password", "An empty one is refused.");
	conn = database_connect(database, role ? role : NOBODY, password,
							"check");
	explicit_bzero(password, sizeof(password));
	if (conn != NULL && PQstatus(conn) != CONNECTION_BAD && connect_now(conn))
		bad = role ? check_session(config, conn, role)
			: missing("PostgreSQL lets anybody in", hba_help);
	else if (role == NULL)
		bad = check_answer(conn);
	else
	{
		bad = missing("the role cannot sign in", PQerrorMessage(conn));
		say(hba_help);
	}
	PQfinish(conn);
	return bad;
}

/* Says all of it on standard output; the exit status. */
int
check_run(const Config *config, const Database *database, const char *role)
{
	char		error[CONFIG_ERROR];
	int			fd = server_listen(config, error);
	int			bad = 0;

	printf("ok: the configuration; the address is %s\n", config->url);
	if (fd >= 0)
	{
		printf("ok: %s can be listened on\n", config->listen);
		close(fd);
		if (config->listen_path != NULL)
			unlink(config->listen_path);
	}
	else
		bad = missing(error, "If wf_console runs already, or systemd has"
					  " opened its socket, that is why.");
	return check_database(config, database, role) | bad;
}
