/*
 * database.c
 *	  How connections to PostgreSQL are made: what the configuration may say of
 *	  them, and what every one of them gets.
 *
 * The password of a sign-in is used for one connection and copied nowhere
 * else. Nothing comes from the environment, a service or a password file.
 * Over TCP the server's certificate is verified; over a socket its user is.
 * The name of a host is resolved once, at the start, so that nothing blocks
 * later.
 */
#include "database.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define KEYWORDS 32

extern char **environ;

/*
 * Of every session.  A statement may change them for its transaction alone.
 * client_connection_check_interval ends what nobody waits for any more.
 */
#define SETTINGS \
	"-c default_transaction_read_only=on -c statement_timeout=5000" \
	" -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000" \
	" -c search_path=pg_catalog,pg_temp -c row_security=on" \
	" -c synchronous_commit=on -c TimeZone=UTC -c DateStyle=ISO,MDY" \
	" -c IntervalStyle=postgres -c bytea_output=hex -c jit=off" \
	" -c default_transaction_isolation=read\\ committed" \
	" -c default_transaction_deferrable=off -c xmloption=content" \
	" -c client_connection_check_interval=1000 -c client_min_messages=warning"

struct Database
{
	int			count;
	const char *keyword[KEYWORDS];
	char	   *value[KEYWORDS];
};

static const char *const allowed[] =
{
	"host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert", "sslcert",
	"sslkey", "sslcrl", "sslcrldir", "ssl_min_protocol_version",
	"ssl_max_protocol_version", "sslsni", "requirepeer", "channel_binding",
	"keepalives", "keepalives_idle", "keepalives_interval",
	"keepalives_count", "tcp_user_timeout", "target_session_attrs", NULL
};

static bool __attribute__((format(printf, 2, 3)))
refuse(char *error, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(error, CONFIG_ERROR, format, args);
	va_end(args);
	return false;
}

static const char *
get(const Database *database, const char *keyword)
{
	for (int i = 0; i < database->count; i++)
		if (strcmp(database->keyword[i], keyword) == 0)
			return database->value[i];
	return NULL;
}

/* Adds one, if it is not there. */
static void
add(Database *database, const char *keyword, const char *value)
{
	if (get(database, keyword) != NULL)
		return;
	database->keyword[database->count] = keyword;
	database->value[database->count++] = text_copy(value, strlen(value));
}

/* Keeps what the configuration says, which must be of the list. */
static bool
take_options(Database *database, const PQconninfoOption *options, char *error)
{
	for (const PQconninfoOption *o = options; o->keyword; o++)
	{
		int			i = 0;

		if (o->val == NULL || o->val[0] == '\0')
			continue;
		while (allowed[i] != NULL && strcmp(allowed[i], o->keyword) != 0)
			i++;
		if (allowed[i] == NULL)
			return refuse(error, "database: \"%s\" has no place here: role"
						  " and password are those of who signs in, and the"
						  " settings of a session are the console's",
						  o->keyword);
		add(database, allowed[i], o->val);
	}
	return true;
}

/* Over TCP: who answers must prove it. */
static bool
check_tls(const Database *database, char *error)
{
	const char *mode = get(database, "sslmode");
	const char *root = get(database, "sslrootcert");

	if (mode == NULL || strcmp(mode, "verify-full") != 0 || root == NULL)
		return refuse(error, "database: over TCP it must have"
					  " sslmode=verify-full and sslrootcert=/path/to/ca.pem,"
					  " since passwords go over it; or name the directory of"
					  " the server's socket, host=/run/postgresql");
	if (access(root, R_OK) != 0)
		return refuse(error, "database: sslrootcert \"%.200s\" cannot be read",
					  root);
	return true;
}

/* Resolves the host, as hostaddr. */
static bool
resolve(Database *database, char *error)
{
	const char *host = get(database, "host");
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char		address[INET6_ADDRSTRLEN];
	int			rc;

	if (get(database, "hostaddr") != NULL)
		return true;
	rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc == 0)
		rc = getnameinfo(found->ai_addr, found->ai_addrlen, address,
						 sizeof(address), NULL, 0, NI_NUMERICHOST);
	if (found != NULL)
		freeaddrinfo(found);
	if (rc != 0)
		return refuse(error, "database: host \"%.200s\" is not found: %s",
					  host, gai_strerror(rc));
	add(database, "hostaddr", address);
	return true;
}

/*
 * What every connection has.  Not require_auth of libpq 16 and later: with it
 * a server that asks for no password looks like one that is not there, and
 * login.c asks PQconnectionUsedPassword anyway.
 */
static void
add_ours(Database *database)
{
	add(database, "passfile", "/dev/null");
	add(database, "gssencmode", "disable");
	add(database, "client_encoding", "UTF8");
	add(database, "options", SETTINGS);
}

/*
 * Reads a connection string.  NULL: it is refused, and error, of CONFIG_ERROR
 * bytes, says why.
 */
Database *
database_new(const char *conninfo, char *error)
{
	Database   *database = text_alloc(sizeof(Database));
	char	   *message = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);
	const char *host;
	bool		ok;

	if (options == NULL)
		ok = refuse(error, "database: %.400s", message ? message : "?");
	else
		ok = take_options(database, options, error);
	PQfreemem(message);
	PQconninfoFree(options);
	host = get(database, "host");
	if (ok && (host == NULL || strchr(host, ',') != NULL))
		ok = refuse(error, "database: it must name one host, such as"
					" host=/run/postgresql");
	else if (ok && host[0] == '/' && get(database, "hostaddr") != NULL)
		/* libpq would go there, by TCP, whatever the host is */
		ok = refuse(error, "database: hostaddr has no place beside the"
					" directory of a socket, host=%.200s", host);
	else if (ok && host[0] == '/')
	{
		add(database, "requirepeer", "postgres");
		add(database, "sslmode", "disable");
	}
	else if (ok)
		ok = check_tls(database, error) && resolve(database, error);
	if (ok && get(database, "dbname") == NULL)
		ok = refuse(error, "database: it must name the database, dbname=...");
	if (!ok)
	{
		database_free(database);
		return NULL;
	}
	add_ours(database);
	return database;
}

void
database_free(Database *database)
{
	for (int i = 0; i < database->count; i++)
		free(database->value[i]);
	free(database);
}

/*
 * Begins a connection, to be polled.  The caller overwrites its password
 * afterwards; address says whose session it is in pg_stat_activity.
 */
PGconn *
database_connect(const Database *database, const char *role,
				 const char *password, const char *address)
{
	const char *keywords[KEYWORDS + 4];
	const char *values[KEYWORDS + 4];
	char		name[64];
	int			n = database->count;

	memcpy(keywords, database->keyword, n * sizeof(char *));
	memcpy(values, database->value, n * sizeof(char *));
	snprintf(name, sizeof(name), "wf_console: %.51s", address);
	keywords[n] = "user";
	values[n++] = role;
	keywords[n] = "password";
	values[n++] = password;
	keywords[n] = "application_name";
	values[n++] = name;
	keywords[n] = NULL;
	values[n] = NULL;
	return PQconnectStartParams(keywords, values, 0);
}

/* Overwrites libpq's copy of the password, as far as it is to be reached. */
void
database_forget_password(PGconn *conn)
{
	char	   *password = PQpass(conn);

	if (password != NULL)
		explicit_bzero(password, strlen(password));
}

/* libpq takes defaults from variables whose name begins with PG. */
void
database_clear_environment(void)
{
	for (int i = 0; environ != NULL && environ[i] != NULL;)
	{
		char		name[128];
		size_t		len = strcspn(environ[i], "=");

		if (strncmp(environ[i], "PG", 2) != 0 || len >= sizeof(name))
		{
			i++;
			continue;
		}
		memcpy(name, environ[i], len);
		name[len] = '\0';
		unsetenv(name);
	}
}
