/*
 * mail_responder.c
 *	  A small, fast SMTP server to measure against: accepts every mail, keeps
 *	  none.
 *
 * A process of its own, compiled and started by the scripts beside it; one
 * thread around epoll, one session a connection.  Prints "ready PORT" once it
 * listens on 127.0.0.1, and ends when its standard input closes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FILES 20000
#define MAX_LINE 65536

typedef struct Session
{
	bool		in_data;		/* lines are the mail's */
	size_t		len;
	char		data[MAX_LINE];
} Session;

static Session *sessions[MAX_FILES];
static int	epoll_fd;
static int	listener;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

/* False where the session is over. */
static bool
say(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t) strlen(text);
}

static void
accept_all(void)
{
	int			fd;
	int			on = 1;

	while ((fd = accept4(listener, NULL, NULL,
						 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		if (fd >= MAX_FILES)
			die("too many connections");
		if (sessions[fd] == NULL)
			sessions[fd] = malloc(sizeof(Session));
		if (sessions[fd] == NULL)
			die("malloc");
		sessions[fd]->in_data = false;
		sessions[fd]->len = 0;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd);
		say(fd, "220 localhost\r\n");
	}
}

static bool
answer_command(int fd, Session *s, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0)
		return say(fd, "250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
	if (strncasecmp(line, "DATA", 4) == 0)
	{
		s->in_data = true;
		return say(fd, "354 go on\r\n");
	}
	if (strncasecmp(line, "QUIT", 4) == 0)
	{
		say(fd, "221 bye\r\n");
		return false;
	}
	return say(fd, "250 ok\r\n");
}

static bool
take_line(int fd, Session *s, const char *line)
{
	if (!s->in_data)
		return answer_command(fd, s, line);
	if (strcmp(line, ".") != 0)
		return true;
	s->in_data = false;
	return say(fd, "250 ok, queued\r\n");
}

/* Takes the lines that are complete; false where the session is over. */
static bool
take_lines(int fd, Session *s)
{
	char	   *from = s->data;
	char	   *end;

	while ((end = memmem(from, s->data + s->len - from, "\r\n", 2)) != NULL)
	{
		*end = '\0';
		if (!take_line(fd, s, from))
			return false;
		from = end + 2;
	}
	s->len = s->data + s->len - from;
	memmove(s->data, from, s->len);
	return s->len < MAX_LINE;
}

static void
read_from(int fd)
{
	Session    *s = sessions[fd];
	ssize_t		n = read(fd, s->data + s->len, MAX_LINE - s->len);

	if (n > 0)
	{
		s->len += n;
		if (take_lines(fd, s))
			return;
	}
	close(fd);
}

static void
listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t	len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 ||
		bind(listener, (struct sockaddr *) &address, len) != 0 ||
		listen(listener, 4096) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &len) != 0)
		die("listen");
	printf("ready %d\n", ntohs(address.sin_port));
	fflush(stdout);
}

int
main(void)
{
	struct epoll_event events[256];
	struct rlimit limit;
	char		ignored[64];

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listen_somewhere();
	watch(listener);
	watch(0);
	for (;;)
	{
		int			n = epoll_wait(epoll_fd, events, 256, -1);

		for (int i = 0; i < n; i++)
		{
			int			fd = events[i].data.fd;

			if (fd == listener)
				accept_all();
			else if (fd != 0)
				read_from(fd);
			else if (read(0, ignored, sizeof(ignored)) <= 0)
				return 0;
		}
	}
}
