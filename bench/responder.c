/*
 * responder.c
 *	  A small, fast HTTP server to measure against: answers after a delay.
 *
 * A process of its own, compiled and started by the scripts beside it; one
 * thread around epoll, keep-alive connections, one request of a connection
 * at a time.  Prints "ready PORT" once it listens on 127.0.0.1, and ends when
 * its standard input closes.  The path says how a request is answered:
 *
 *		/delay/MS...	200 and {"ok": true}, MS milliseconds later
 *		/hang...		not before the command "release"
 *		anything else	at once; .../messages as the WhatsApp API does
 *
 * Commands, a line each on standard input:
 *
 *		stats		prints requests, connections, the most that were without
 *					an answer at a time, and its own CPU in microseconds, all
 *					since the last time
 *		release		answers what hangs, and from then on all at once
 *		hang		ends that
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILES 20000
#define MAX_REQUEST 16384

typedef struct Connection
{
	bool		open;
	bool		hangs;
	uint32_t	generation;		/* of this descriptor's number */
	size_t		len;
	char		data[MAX_REQUEST];
} Connection;

/* An answer that is due. */
typedef struct Due
{
	int64_t		at;				/* microseconds of the monotonic clock */
	int			fd;
	uint32_t	generation;
} Due;

static Connection *connections[MAX_FILES];
static Due	heap[MAX_FILES];
static int	nheap;
static int	epoll_fd;
static int	listener;
static bool released;

static long requests;
static long accepted;
static int	waiting;			/* requests without an answer */
static int	peak;
static int64_t cpu_before;

static const char answer[] =
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	"Content-Length: 12\r\n\r\n{\"ok\": true}";
static const char whatsapp_answer[] =
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	"Content-Length: 37\r\n\r\n{\"messages\": [{\"id\": \"wamid.bench\"}]}";

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * INT64_C(1000000) +
		r.ru_utime.tv_usec + r.ru_stime.tv_usec;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/*--- the heap of answers that are due, the earliest first ---*/

static void
heap_push(Due due)
{
	int			i = nheap++;

	if (nheap == MAX_FILES)
		die("too many answers");
	while (i > 0 && heap[(i - 1) / 2].at > due.at)
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = due;
}

static Due
heap_pop(void)
{
	Due			first = heap[0];
	Due			last = heap[--nheap];
	int			i = 0;

	for (;;)
	{
		int			child = 2 * i + 1;

		if (child >= nheap)
			break;
		if (child + 1 < nheap && heap[child + 1].at < heap[child].at)
			child++;
		if (heap[child].at >= last.at)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return first;
}

/*--- connections ---*/

static void
watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

static void
accept_all(void)
{
	int			fd;

	while ((fd = accept4(listener, NULL, NULL,
						 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		Connection *c;
		int			on = 1;

		if (fd >= MAX_FILES)
			die("too many connections");
		if (connections[fd] == NULL)
			connections[fd] = calloc(1, sizeof(Connection));
		c = connections[fd];
		if (c == NULL)
			die("calloc");
		c->open = true;
		c->hangs = false;
		c->len = 0;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd);
		accepted++;
	}
}

static void
end_connection(int fd)
{
	Connection *c = connections[fd];

	if (c->hangs)
		waiting--;
	c->hangs = c->open = false;
	c->generation++;
	close(fd);
}

static void
send_text(int fd, const char *text, size_t len)
{
	waiting--;
	if (write(fd, text, len) != (ssize_t) len)
		end_connection(fd);
}

static void
send_answer(int fd)
{
	send_text(fd, answer, sizeof(answer) - 1);
}

/* Bytes of the first request, 0 where it is not complete. */
static size_t
request_len(Connection *c)
{
	char	   *end;
	char	   *length;
	size_t		len;

	c->data[c->len] = '\0';
	end = strstr(c->data, "\r\n\r\n");
	if (end == NULL)
		return 0;
	len = end + 4 - c->data;
	length = strcasestr(c->data, "\r\nContent-Length:");
	if (length != NULL && length < end)
		len += strtoul(length + 17, NULL, 10);
	return len <= c->len ? len : 0;
}

/* Answers the request at the beginning of c->data, or notes when to. */
static void
take_request(int fd, Connection *c)
{
	const char *path = strchr(c->data, ' ');
	Due			due = {now_us(), fd, c->generation};

	requests++;
	if (++waiting > peak)
		peak = waiting;
	if (path != NULL && strncmp(path, " /hang", 6) == 0 && !released)
		c->hangs = true;
	else if (path != NULL && strncmp(path, " /delay/", 8) == 0 &&
			 atoi(path + 8) > 0)
	{
		due.at += atoi(path + 8) * INT64_C(1000);
		heap_push(due);
	}
	else if (path != NULL && memmem(path, strcspn(path, "\r"), "/messages ",
									10) != NULL)
		send_text(fd, whatsapp_answer, sizeof(whatsapp_answer) - 1);
	else
		send_answer(fd);
}

static void
read_from(int fd)
{
	Connection *c = connections[fd];
	size_t		len;
	ssize_t		n = read(fd, c->data + c->len, MAX_REQUEST - 1 - c->len);

	if (n <= 0)
	{
		end_connection(fd);
		return;
	}
	c->len += n;
	while (c->open && (len = request_len(c)) > 0)
	{
		take_request(fd, c);
		memmove(c->data, c->data + len, c->len - len);
		c->len -= len;
	}
}

static void
send_due(void)
{
	while (nheap > 0 && heap[0].at <= now_us())
	{
		Due			due = heap_pop();

		if (connections[due.fd]->open &&
			connections[due.fd]->generation == due.generation)
			send_answer(due.fd);
		else
			waiting--;
	}
}

/*--- commands ---*/

static void
release_all(void)
{
	released = true;
	for (int fd = 0; fd < MAX_FILES; fd++)
	{
		Connection *c = connections[fd];

		if (c == NULL || !c->hangs)
			continue;
		c->hangs = false;
		send_answer(fd);
	}
}

static void
obey(const char *command)
{
	if (strncmp(command, "release", 7) == 0)
		release_all();
	else if (strncmp(command, "hang", 4) == 0)
		released = false;
	printf("%ld %ld %d %lld\n", requests, accepted, peak,
		   (long long) (cpu_us() - cpu_before));
	fflush(stdout);
	cpu_before = cpu_us();
	requests = accepted = 0;
	peak = waiting;
}

static void
read_commands(void)
{
	char		line[256];
	ssize_t		n = read(0, line, sizeof(line) - 1);

	if (n <= 0)
		exit(0);
	line[n] = '\0';
	obey(line);
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

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listen_somewhere();
	watch(listener);
	watch(0);
	for (;;)
	{
		int64_t		left = nheap > 0 ? heap[0].at - now_us() : -1;
		int			n = epoll_wait(epoll_fd, events, 256, nheap == 0 ? -1 :
								   left <= 0 ? 0 : (int) ((left + 999) / 1000));

		for (int i = 0; i < n; i++)
		{
			int			fd = events[i].data.fd;

			if (fd == listener)
				accept_all();
			else if (fd == 0)
				read_commands();
			else if (connections[fd]->open)
				read_from(fd);
		}
		send_due();
	}
}
