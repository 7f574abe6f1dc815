/*
 * cancel.c
 *	  PQcancel, in a thread of its own, since it blocks.
 *
 * The loop hands requests to the one thread and learns by an eventfd that
 * some have returned.  Until one has, its cancel may still arrive at the
 * server; so the session sends nothing before.  The thread touches PGcancel
 * objects alone, never a connection.
 *
 * Owns the thread, two lists under one lock, and the eventfd.
 */
#include "cancel.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "text.h"

struct Cancel
{
	Cancel	   *next;
	PGcancel   *object;
	CancelDone	done;			/* the loop's alone; NULL: nobody waits */
	void	   *arg;
};

/* Shared with the thread, under lock; fd, readable and thread are constant. */
static struct
{
	pthread_mutex_t lock;
	pthread_cond_t wake;
	Cancel	   *asked;
	Cancel	  **asked_end;
	Cancel	   *returned;
	bool		stop;
	int			fd;
	struct event *readable;
	pthread_t	thread;
}			shared = {.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER, .fd = -1};

/* Waits for the next one; NULL: it is over. */
static Cancel *
next_asked(void)
{
	Cancel	   *cancel;

	pthread_mutex_lock(&shared.lock);
	while (shared.asked == NULL && !shared.stop)
		pthread_cond_wait(&shared.wake, &shared.lock);
	cancel = shared.stop ? NULL : shared.asked;
	if (cancel != NULL && (shared.asked = cancel->next) == NULL)
		shared.asked_end = &shared.asked;
	pthread_mutex_unlock(&shared.lock);
	return cancel;
}

static void *
run(void *arg)
{
	Cancel	   *cancel;
	char		error[256];
	uint64_t	one = 1;

	(void) arg;
	while ((cancel = next_asked()) != NULL)
	{
		/* whether it came in time is seen by what the statement returns */
		PQcancel(cancel->object, error, sizeof(error));
		pthread_mutex_lock(&shared.lock);
		cancel->next = shared.returned;
		shared.returned = cancel;
		pthread_mutex_unlock(&shared.lock);
		if (write(shared.fd, &one, sizeof(one)) < 0)
			abort();
	}
	return NULL;
}

/* In the loop: tells those who wait. */
static void
on_returned(evutil_socket_t fd, short what, void *arg)
{
	uint64_t	count;
	Cancel	   *cancel;

	(void) what;
	(void) arg;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&shared.lock);
	cancel = shared.returned;
	shared.returned = NULL;
	pthread_mutex_unlock(&shared.lock);
	while (cancel != NULL)
	{
		Cancel	   *next = cancel->next;
		CancelDone	done = cancel->done;
		void	   *done_arg = cancel->arg;

		PQfreeCancel(cancel->object);
		free(cancel);
		cancel = next;
		/* may forget others, but none of this list: each has its own query */
		if (done != NULL)
			done(done_arg);
	}
}

bool
cancel_start(struct event_base *base)
{
	shared.asked_end = &shared.asked;
	shared.stop = false;
	shared.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	shared.readable = event_new(base, shared.fd, EV_READ | EV_PERSIST,
								on_returned, NULL);
	return shared.fd >= 0 && event_add(shared.readable, NULL) == 0 &&
		pthread_create(&shared.thread, NULL, run, NULL) == 0;
}

/* Ends the thread, after the request that it has under way. */
void
cancel_stop(void)
{
	pthread_mutex_lock(&shared.lock);
	shared.stop = true;
	pthread_cond_signal(&shared.wake);
	pthread_mutex_unlock(&shared.lock);
	pthread_join(shared.thread, NULL);
	on_returned(shared.fd, EV_READ, NULL);
	while (shared.asked != NULL)
	{
		Cancel	   *cancel = shared.asked;

		shared.asked = cancel->next;
		PQfreeCancel(cancel->object);
		free(cancel);
	}
	event_free(shared.readable);
	close(shared.fd);
}

/*
 * Cancels what runs on the connection.  done is called in the loop once the
 * server has taken it, unless cancel_forget was called before; the handle is
 * gone then.
 */
Cancel *
cancel_send(PGconn *conn, CancelDone done, void *arg)
{
	Cancel	   *cancel = text_alloc(sizeof(Cancel));

	cancel->object = PQgetCancel(conn);
	cancel->done = done;
	cancel->arg = arg;
	pthread_mutex_lock(&shared.lock);
	*shared.asked_end = cancel;
	shared.asked_end = &cancel->next;
	pthread_cond_signal(&shared.wake);
	pthread_mutex_unlock(&shared.lock);
	return cancel;
}

/* Nobody waits for it any more. */
void
cancel_forget(Cancel *cancel)
{
	cancel->done = NULL;
}
