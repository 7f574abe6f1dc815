/*
 * server.c
 *	  Listens, and runs the loop until SIGTERM or SIGINT.
 *
 * One thread; the other one only cancels (cancel.c).  Owns the listening
 * socket and, if it is one, removes the Unix socket that a server before us
 * has left.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api.h"
#include "cancel.h"
#include "client.h"
#include "log.h"
#include "login.h"
#include "operator.h"
#include "password.h"

#define FIRST_INHERITED 3		/* SD_LISTEN_FDS_START */

/* Descriptors beside connections: of the loop, libpq, the log. */
#define OTHER_DESCRIPTORS 32

/* whether the socket is systemd's, which keeps it when we end */
static bool is_inherited = false;

/* Removes a Unix socket on which nobody listens. */
static void
remove_left(const Config *config)
{
	int			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (stat(config->listen_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		connect(fd, (const struct sockaddr *) &config->listen_address,
				config->listen_length) != 0 && errno == ECONNREFUSED)
		unlink(config->listen_path);
	close(fd);
}

/*
 * The socket that systemd has opened for us, as sd_listen_fds tells it; -1:
 * there is none.  It must be at the address of the configuration.
 */
static int
inherited(const Config *config, char *error)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	struct sockaddr_storage at = {0};
	socklen_t	length = sizeof(at);

	error[0] = '\0';
	if (pid == NULL || count == NULL || atol(pid) != (long) getpid())
		return -1;
	if (strcmp(count, "1") != 0 ||
		getsockname(FIRST_INHERITED, (struct sockaddr *) &at, &length) != 0 ||
		at.ss_family != config->listen_address.ss_family ||
		memcmp(&at, &config->listen_address,
			   at.ss_family == AF_UNIX ? length : config->listen_length) != 0)
	{
		snprintf(error, CONFIG_ERROR, "the socket that systemd has opened is"
				 " not that of listen, %.200s", config->listen);
		return -1;
	}
	fcntl(FIRST_INHERITED, F_SETFD, FD_CLOEXEC);
	fcntl(FIRST_INHERITED, F_SETFL, O_NONBLOCK);
	is_inherited = true;
	return FIRST_INHERITED;
}

/* The socket, listening; -1: error, of CONFIG_ERROR bytes, says why not. */
static int
open_socket(const Config *config, char *error)
{
	int			family = config->listen_address.ss_family;
	int			fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC |
							SOCK_NONBLOCK, 0);
	mode_t		mask = umask(0117); /* a Unix socket is its group's as well */
	int			one = 1;
	bool		ok;

	if (family == AF_UNIX)
		remove_left(config);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ok = fd >= 0 && bind(fd, (const struct sockaddr *)
						 &config->listen_address,
						 config->listen_length) == 0 && listen(fd, 128) == 0;
	if (!ok)
	{
		snprintf(error, CONFIG_ERROR, "cannot listen on %.200s: %s",
				 config->listen, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	umask(mask);
	return fd;
}

/*
 * Has the system give as many descriptors as all connections take, so that
 * none is refused for want of one.  False: error, of CONFIG_ERROR bytes, says
 * that it gives fewer.
 */
bool
server_descriptors(const Config *config, char *error)
{
	rlim_t		need = CLIENTS + config->max_sessions + THROTTLE_PENDING +
		OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < need &&
		limit.rlim_max >= need)
	{
		limit.rlim_cur = need;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= need)
		return true;
	snprintf(error, CONFIG_ERROR, "%ld descriptors are too few for %d sessions:"
			 " it needs %ld (ulimit -n, or LimitNOFILE of the service)",
			 (long) limit.rlim_cur, config->max_sessions, (long) need);
	return false;
}

/*
 * The socket to listen on; -1: error, of CONFIG_ERROR bytes, says why there is
 * none.
 */
int
server_listen(const Config *config, char *error)
{
	int			fd = inherited(config, error);

	return fd >= 0 || error[0] != '\0' ? fd : open_socket(config, error);
}

static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct sockaddr_storage from;
	socklen_t	length = sizeof(from);
	char		peer[ADDRESS_SIZE] = "local";
	int			fd = accept4(listener, (struct sockaddr *) &from, &length,
							 SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void) what;
	(void) arg;
	if (fd < 0)
		return;
	if (from.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *) &from)->sin_addr, peer,
				  sizeof(peer));
	else if (from.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *) &from)->sin6_addr, peer,
				  sizeof(peer));
	if (!client_begin(fd, peer))
		close(fd);
}

static void
on_signal(evutil_socket_t signal, short what, void *arg)
{
	(void) signal;
	(void) what;
	event_base_loopbreak(arg);
}

/* Each second: connections of sessions whose time is over are closed. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	(void) arg;
	api_expire();
}

static void
end_sessions(Sessions *sessions)
{
	Session    *session;

	while ((session = session_any(sessions)) != NULL)
		operator_end(session, ENDED_ENDED);
	sessions_free(sessions);
}

/*
 * A base that says when the other end of a connection goes away, and that
 * looks for what others have sent after every few callbacks: one connection
 * with requests without end must not keep it from them.
 */
static struct event_base *
make_base(void)
{
	struct event_config *wanted = event_config_new();
	struct event_base *base;

	event_config_set_max_dispatch_interval(wanted, NULL, 8, 0);
	event_config_require_features(wanted, EV_FEATURE_EARLY_CLOSE);
	base = event_base_new_with_config(wanted);
	event_config_free(wanted);
	return base;
}

/* Serves until it is told to stop; the exit status. */
int
server_run(const Config *config, const Database *database, int listener)
{
	struct event_base *base = make_base();
	Sessions   *sessions = sessions_new(config->max_sessions,
										config->session_idle,
										config->session_total);
	Throttle   *throttle = throttle_new();
	struct timeval second = {1, 0};
	struct event *event[4];

	signal(SIGPIPE, SIG_IGN);
	if (base == NULL || !cancel_start(base))
		return 1;
	clients_start(base, config, api_admit, api_handle);
	login_start(base, config, database, sessions, throttle);
	password_start(base, database, sessions, throttle);
	api_start(config, sessions);
	event[0] = event_new(base, listener, EV_READ | EV_PERSIST, on_connection,
						 NULL);
	event[1] = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	event[2] = evsignal_new(base, SIGTERM, on_signal, base);
	event[3] = evsignal_new(base, SIGINT, on_signal, base);
	for (int i = 0; i < 4; i++)
		event_add(event[i], i == 1 ? &second : NULL);
	log_event("started", NULL, config->listen, CONSOLE_VERSION);
	event_base_dispatch(base);
	log_event("stopped", NULL, NULL, NULL);
	clients_stop();
	login_stop();
	password_stop();
	throttle_free(throttle);
	end_sessions(sessions);
	cancel_stop();
	for (int i = 0; i < 4; i++)
		event_free(event[i]);
	close(listener);
	if (config->listen_path != NULL && !is_inherited)
		unlink(config->listen_path);
	event_base_free(base);
	return 0;
}
