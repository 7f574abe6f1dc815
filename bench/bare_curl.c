/*
 * bare_curl.c
 *	  The bound of outbound steps: the same requests by libcurl, and nothing
 *	  else.
 *
 * bare_curl URL REQUESTS IN_FLIGHT posts a small JSON body so many times, so
 * many at once, as the engine does it: a multi handle driven by epoll, an easy
 * handle for each request, with the same options where they cost anything.
 * Answers are read and dropped.  Prints requests per second and microseconds
 * of CPU per request, its own.
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

static CURLM *multi;
static int	epoll_fd;
static long timer_ms = -1;
static const char *url;
static struct curl_slist *headers;
static long to_send;
static long failed;

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *data)
{
	struct epoll_event event = {.data.fd = fd};

	(void) easy;
	(void) arg;
	if (what == CURL_POLL_REMOVE)
	{
		(void) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	(void) epoll_ctl(epoll_fd, data ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
					 &event);
	curl_multi_assign(multi, fd, &epoll_fd);
	return 0;
}

static int
on_timer(CURLM *m, long ms, void *arg)
{
	(void) m;
	(void) arg;
	timer_ms = ms;
	return 0;
}

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	(void) data;
	(void) arg;
	return size * n;
}

static void
send_one(void)
{
	static const char body[] = "{\"id\": \"4711\"}";
	CURL	   *easy = curl_easy_init();

	to_send--;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_multi_add_handle(multi, easy);
}

/* Takes what has ended, and sends as many anew. */
static long
take_ended(void)
{
	CURLMsg    *message;
	int			left;
	long		n = 0;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURL	   *easy = message->easy_handle;

		if (message->data.result != CURLE_OK)
			failed++;
		curl_multi_remove_handle(multi, easy);
		curl_easy_cleanup(easy);
		n++;
		if (to_send > 0)
			send_one();
	}
	return n;
}

static void
drive(void)
{
	struct epoll_event events[64];
	int			running;
	int			n = epoll_wait(epoll_fd, events, 64, (int) timer_ms);

	for (int i = 0; i < n; i++)
	{
		int			mask = 0;

		if (events[i].events & (EPOLLIN | EPOLLHUP))
			mask |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & EPOLLERR)
			mask |= CURL_CSELECT_ERR;
		curl_multi_socket_action(multi, events[i].data.fd, mask, &running);
	}
	if (n == 0 || timer_ms == 0)
	{
		timer_ms = -1;
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

static double
seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	double		began;
	double		cpu;
	long		requests;
	long		in_flight;

	if (argc != 4)
		return 2;
	url = argv[1];
	requests = to_send = atol(argv[2]);
	in_flight = atol(argv[3]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	multi = curl_multi_init();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, in_flight);

	began = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	while (to_send > 0 && to_send > requests - in_flight)
		send_one();
	for (long ended = 0; ended < requests; ended += take_ended())
		drive();
	printf("%.0f %.1f %ld\n", requests / (seconds(CLOCK_MONOTONIC) - began),
		   (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / requests, failed);
	return failed != 0;
}
