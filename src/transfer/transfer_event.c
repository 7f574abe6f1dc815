/*
 * transfer_event.c
 *	  libcurl's multi handle behind one descriptor and one timer.
 *
 * Runs in a worker.  libcurl names the sockets that it waits for in a
 * callback, which keeps them in an epoll set of our own; the worker waits for
 * that set's descriptor beside its latch.  libcurl also asks for one timer,
 * which fires once.  It is kept here as a time of the monotonic clock and is
 * cleared before libcurl is told that it has fired, since libcurl may set it
 * anew in that call.
 *
 * libcurl looks names up in threads of its own.  Calls that may start one are
 * made with all signals blocked (transfer_os.h).
 *
 * Owns the multi handle, the epoll set and the timer.  They end with the
 * process.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "storage/fd.h"
#include "transfer/transfer_event.h"
#include "transfer/transfer_os.h"
#include "transfer/transfer_smtp.h"

#define EVENTS_A_CALL 64
#define ROUNDS_A_DRIVE 16

static CURLM *multi = NULL;		/* libcurl's; all transfers are in it */
static int	epoll_fd = -1;		/* the set of all sockets */
static int	mail_fd = -1;		/* the set of transfer_smtp.c */
static int64 timer_at = -1;		/* by monotonic_ms(), -1: not set */

/*
 * libcurl's callback: it waits for fd to become readable or writable, as what
 * says, or waits no longer.  data is not NULL if fd is in the set already.
 */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *data)
{
	struct epoll_event event = {0};

	if (what == CURL_POLL_REMOVE)
	{
		/* fails if fd was closed before, which removes it from the set */
		(void) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.data.fd = fd;
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(epoll_fd, data ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
				  fd, &event) != 0)
	{
		/*
		 * data is out of date if the descriptor was closed and its number
		 * used again: the other operation is right then
		 */
		if (epoll_ctl(epoll_fd, data ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
					  fd, &event) != 0)
			return -1;
	}
	/* any pointer but NULL: it comes back as data */
	curl_multi_assign(multi, fd, &epoll_fd);
	return 0;
}

/* libcurl's callback: its timer fires after ms milliseconds, -1: never. */
static int
on_timer(CURLM *m, long ms, void *arg)
{
	timer_at = ms < 0 ? -1 : monotonic_ms() + ms;
	return 0;
}

void
event_start(void)
{
	struct epoll_event event = {0};
	sigset_t	saved;

	Assert(multi == NULL);
	open_files_raise();
	ReserveExternalFD();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not create an epoll descriptor: %m")));
	}
	mail_fd = smtp_start();
	event.events = EPOLLIN;
	event.data.fd = mail_fd;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, mail_fd, &event) != 0)
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not watch mail connections: %m")));
	signals_block(&saved);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		multi = curl_multi_init();
	signals_restore(&saved);
	if (multi == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not initialize libcurl")));
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
}

CURLM *
event_multi(void)
{
	return multi;
}

int
event_fd(void)
{
	return epoll_fd;
}

long
event_timeout(void)
{
	int64		now = monotonic_ms();
	long		mail = smtp_timeout(now);
	int64		left;

	if (timer_at < 0)
		return mail;
	/* at most a day, so that it is a long on every platform */
	left = Min(Max(timer_at - now, 0), 24 * 3600 * INT64CONST(1000));
	return mail < 0 ? (long) left : Min(mail, (long) left);
}

/* Tells libcurl of at most EVENTS_A_CALL ready sockets; returns how many. */
static int
drive_sockets(void)
{
	struct epoll_event events[EVENTS_A_CALL];
	int			running;
	int			n = epoll_wait(epoll_fd, events, EVENTS_A_CALL, 0);

	for (int i = 0; i < n; i++)
	{
		int			mask = 0;

		if (events[i].data.fd == mail_fd)
			continue;			/* smtp_drive() looks into that set */
		if (events[i].events & (EPOLLIN | EPOLLHUP))
			mask |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & EPOLLERR)
			mask |= CURL_CSELECT_ERR;
		(void) curl_multi_socket_action(multi, events[i].data.fd, mask,
										&running);
	}
	return n;
}

/*
 * Sockets come before the timer, so that an answer which has arrived is read
 * before its time-out is judged.  The number of rounds is limited, so that
 * much data does not keep the worker from its other work.
 */
void
event_drive(void)
{
	sigset_t	saved;
	int			running;

	signals_block(&saved);
	for (int round = 0; round < ROUNDS_A_DRIVE; round++)
	{
		int			n = drive_sockets();
		int64		now = monotonic_ms();
		bool		due = timer_at >= 0 && timer_at <= now;

		if (due)
		{
			timer_at = -1;
			(void) curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0,
											&running);
		}
		smtp_drive(now);
		if (n < EVENTS_A_CALL && !due)
			break;
	}
	signals_restore(&saved);
}
