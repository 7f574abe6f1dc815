/*
 * transfer.c
 *	  The life of a transfer: submitted, queued, under way, finished, freed.
 *
 * Runs in a worker, never in a session.  A transfer belongs to one host
 * (scheme, name, port) and waits in that host's queue until it has a place:
 * at most max_in_flight are with libcurl at a time, at most max_per_host of
 * one host.  The hosts with waiting transfers stand in a ring and take
 * turns, so one slow host keeps only its own transfers waiting.  Time that
 * a transfer spends in the queue does not count towards its time-out.
 *
 * Each transfer has a memory context, freed with it; secrets in it and in
 * libcurl's lists are overwritten first.  Connections are libcurl's to keep
 * and reuse.
 *
 * Nothing survives a crash: that an exchange was intended is in the tables,
 * and what became of one that was lost nobody can know.
 */
#include "postgres.h"
#include "compat.h"

#include <limits.h>

#include "transfer/transfer.h"
#include "transfer/transfer_budget.h"
#include "transfer/transfer_copy.h"
#include "transfer/transfer_event.h"
#include "transfer/transfer_guard.h"
#include "transfer/transfer_http.h"
#include "transfer/transfer_mail.h"
#include "transfer/transfer_os.h"
#include "transfer/transfer_redirect.h"
#include "transfer/transfer_result.h"
#include "transfer/transfer_smtp.h"
#include "transfer/transfer_text.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define MAX_HOST_NAME 288		/* scheme, host of 255, port */

typedef struct HostEntry
{
	char		name[MAX_HOST_NAME];
	TransferHost host;
} HostEntry;

static MemoryContext transfer_context = NULL;
static HTAB *hosts = NULL;
static dlist_head ring;			/* hosts with waiting transfers */
static dlist_head finished;
static int	nqueued = 0;
static int	nactive = 0;

static TransferLimits limits = {
	.max_in_flight = 256,
	.max_per_host = 32,
	.max_response_size = 1024 * 1024,
	.connect_timeout_ms = 5000,
	.ca_file = "",
	.user_agent = "workflow_engine/1.0",
};

/* See transfer.h.  Raises 53000 where libcurl or epoll is not to be had. */
void
transfer_start(void)
{
	HASHCTL		info = {0};

	if (transfer_context != NULL)
		return;
	event_start();
	transfer_context = AllocSetContextCreate(TopMemoryContext,
											 "workflow_engine transfers",
											 ALLOCSET_DEFAULT_SIZES);
	dlist_init(&ring);
	dlist_init(&finished);
	info.keysize = MAX_HOST_NAME;
	info.entrysize = sizeof(HostEntry);
	info.hcxt = transfer_context;
	hosts = hash_create("workflow_engine hosts", 64, &info,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Starts what has a place now. */
static void pump(void);

void
transfer_set_limits(const TransferLimits *given)
{
	MemoryContext old = MemoryContextSwitchTo(transfer_context);
	char	   *ca_file = pstrdup(given->ca_file ? given->ca_file : "");
	char	   *user_agent = pstrdup(given->user_agent);
	static bool owned = false;

	MemoryContextSwitchTo(old);
	if (owned)
	{
		pfree(unconstify(char *, limits.ca_file));
		pfree(unconstify(char *, limits.user_agent));
	}
	owned = true;
	limits = *given;
	limits.ca_file = ca_file;
	limits.user_agent = user_agent;
	guard_set(given->allowed_hosts, given->http_proxy);
	limits.allowed_hosts = NULL;	/* the guard has copies */
	limits.http_proxy = NULL;
	limits.max_in_flight = Max(Min(given->max_in_flight, open_files_transfers()), 1);
	limits.max_per_host = Max(given->max_per_host, 1);
	/* idle connections kept: never more than could be busy */
	curl_multi_setopt(event_multi(), CURLMOPT_MAXCONNECTS,
					  (long) limits.max_in_flight);
	pump();
}

/* The host of that name; made where it is not there. */
static TransferHost *
host_enter(const char *name)
{
	bool		found;
	HostEntry  *entry = hash_search(hosts, name, HASH_ENTER, &found);

	if (!found)
	{
		memset(&entry->host, 0, sizeof(entry->host));
		entry->host.name = entry->name;
		dlist_init(&entry->host.queue);
	}
	return &entry->host;
}

/* Forgets a host that nobody uses. */
static void
host_leave(TransferHost *host)
{
	if (host->active == 0 && host->waiting == 0)
		(void) hash_search(hosts, host->name, HASH_REMOVE, NULL);
}

/* The transfer has ended: puts it where transfer_collect finds it. */
static void
finish(Transfer *t)
{
	t->state = STATE_FINISHED;
	dlist_push_tail(&finished, &t->node);
}

/* Not sent, for that reason. */
static void
refuse(Transfer *t, const char *reason)
{
	t->response.failure = FAILURE_REFUSED;
	t->response.error = transfer_clean_text(t, reason, strlen(reason));
	finish(t);
}

/* Takes the handle away from libcurl and frees it. */
static void
drop_handle(Transfer *t)
{
	sigset_t	saved;

	if (t->easy == NULL)
		return;
	if (t->dialogue != SMTP_NONE)
		smtp_forget(t);
	budget_leave(t);
	signals_block(&saved);
	(void) curl_multi_remove_handle(event_multi(), t->easy);
	curl_easy_cleanup(t->easy);
	signals_restore(&saved);
	t->easy = NULL;
}

/* Gives its place back. */
static void
leave_place(Transfer *t)
{
	nactive--;
	t->host->active--;
	host_leave(t->host);
	t->host = NULL;
}

/* These authorities, and not the system's beside them. */
static CURLcode
only_authorities(CURL *easy, const char *file)
{
	CURLcode	rc = curl_easy_setopt(easy, CURLOPT_CAINFO, file);

	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	/* libcurl would keep what the file held for a day */
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	return rc;
}

/* Hands a transfer to libcurl; one that it does not take is finished. */
static void
launch(Transfer *t)
{
	sigset_t	saved;
	CURLcode	rc = CURLE_FAILED_INIT;
	CURLMcode	mrc = CURLM_OK;

	signals_block(&saved);
	t->easy = curl_easy_init();
	if (t->easy != NULL)
		rc = t->protocol == TRANSFER_HTTP ? http_options(t) : mail_options(t);
	if (rc == CURLE_OK && limits.ca_file[0] != '\0')
		rc = only_authorities(t->easy, limits.ca_file);
	if (rc == CURLE_OK)
		mrc = curl_multi_add_handle(event_multi(), t->easy);
	signals_restore(&saved);

	if (rc != CURLE_OK || mrc != CURLM_OK)
	{
		const char *reason = rc != CURLE_OK ? curl_easy_strerror(rc)
			: curl_multi_strerror(mrc);

		drop_handle(t);
		leave_place(t);
		refuse(t, reason);
	}
}

/* Gives a transfer its place and starts it. */
static void
start(Transfer *t)
{
	t->state = STATE_ACTIVE;
	t->started_ms = monotonic_ms();
	t->max_response_size = limits.max_response_size;
	t->connect_timeout_ms = Max(limits.connect_timeout_ms, 1);
	nactive++;
	t->host->active++;
	launch(t);
}

static void
pump(void)
{
	int			blocked = 0;	/* hosts seen in a row that are full */
	int			nhosts = 0;
	dlist_iter	iter;

	if (nactive >= limits.max_in_flight || dlist_is_empty(&ring))
		return;
	dlist_foreach(iter, &ring)
		nhosts++;
	while (nactive < limits.max_in_flight && blocked < nhosts &&
		   !dlist_is_empty(&ring))
	{
		TransferHost *host = dlist_container(TransferHost, node,
											 dlist_pop_head_node(&ring));

		if (host->active >= limits.max_per_host)
			blocked++;
		else
		{
			Transfer   *t = dlist_container(Transfer, node,
											dlist_pop_head_node(&host->queue));

			blocked = 0;
			host->waiting--;
			nqueued--;
			if (host->waiting == 0)
			{
				nhosts--;
				start(t);
				continue;
			}
			start(t);
		}
		dlist_push_tail(&ring, &host->node);
	}
}

Transfer *
transfer_submit(const Request *request, void *cookie)
{
	MemoryContext context;
	MemoryContext old;
	Transfer   *t;
	const char *reason;
	char	   *host;

	context = AllocSetContextCreate(transfer_context, "transfer",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	t = palloc0(sizeof(Transfer));
	t->context = context;
	t->cookie = cookie;
	t->timeout_ms = Min(Max(request->timeout_ms, 1), INT_MAX);
	reason = transfer_copy(t, request, limits.user_agent, &host);
	if (reason == NULL && strlen(host) >= MAX_HOST_NAME)
		reason = "the host name in the URL is too long";
	if (reason != NULL)
		refuse(t, reason);
	else
	{
		t->host = host_enter(host);
		t->state = STATE_QUEUED;
		dlist_push_tail(&t->host->queue, &t->node);
		if (t->host->waiting++ == 0)
			dlist_push_tail(&ring, &t->host->node);
		nqueued++;
		pump();
	}
	MemoryContextSwitchTo(old);
	return t;
}

int
transfer_fd(void)
{
	return event_fd();
}

long
transfer_timeout(void)
{
	if (transfer_context == NULL)
		return -1;
	return dlist_is_empty(&finished) ? event_timeout() : 0;
}

/* An exchange has ended, with that verdict of libcurl's. */
static void
end(Transfer *t, CURLcode code)
{
	if (t->protocol == TRANSFER_HTTP && http_found_closed(t, code))
	{
		drop_handle(t);
		t->again = true;
		t->begun = false;
		launch(t);
		return;
	}
	if (t->protocol == TRANSFER_HTTP && redirect_follow(t, code))
	{
		drop_handle(t);
		launch(t);
		return;
	}
	transfer_result(t, code);
	/* one that we keep waiting is silent for that reason */
	if (t->protocol == TRANSFER_HTTP && code == CURLE_OPERATION_TIMEDOUT &&
		!t->paused)
		http_leave_silent(t);
	drop_handle(t);
	leave_place(t);
	finish(t);
}

/*
 * Takes from libcurl what has ended.  For a mail that is the beginning: the
 * connection stands.
 */
static void
take_finished(void)
{
	CURLMsg    *message;
	Transfer   *mail;
	int			left;

	while ((message = curl_multi_info_read(event_multi(), &left)) != NULL)
	{
		CURLcode	code = message->data.result;
		char	   *private = NULL;
		Transfer   *t;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
								 &private);
		t = (Transfer *) private;
		if (t->protocol == TRANSFER_SMTP && code == CURLE_OK)
			smtp_begin(t);
		else
			end(t, code);
	}
	while ((mail = smtp_take_ended()) != NULL)
		end(mail, CURLE_OK);
}

void
transfer_drive(void)
{
	event_drive();
	take_finished();
	budget_resume();
	pump();
}

Transfer *
transfer_collect(void)
{
	Transfer   *t;

	if (transfer_context == NULL || dlist_is_empty(&finished))
		return NULL;
	t = dlist_container(Transfer, node, dlist_pop_head_node(&finished));
	t->state = STATE_COLLECTED;
	return t;
}

void *
transfer_cookie(const Transfer *t)
{
	return t->cookie;
}

const Response *
transfer_response(const Transfer *t)
{
	return &t->response;
}

size_t
transfer_size(const Transfer *t)
{
	return MemoryContextMemAllocated(t->context, true);
}

/* Takes it out of its host's queue. */
static void
leave_queue(Transfer *t)
{
	dlist_delete(&t->node);
	nqueued--;
	if (--t->host->waiting == 0)
		dlist_delete(&t->host->node);
	host_leave(t->host);
	t->host = NULL;
}

bool
transfer_withdraw(Transfer *t)
{
	if (t->state != STATE_QUEUED)
		return false;
	leave_queue(t);
	t->response.failure = FAILURE_WITHDRAWN;
	finish(t);
	return true;
}

void
transfer_free(Transfer *t)
{
	switch (t->state)
	{
		case STATE_QUEUED:
			leave_queue(t);
			break;
		case STATE_ACTIVE:
			drop_handle(t);
			leave_place(t);
			break;
		case STATE_FINISHED:
			dlist_delete(&t->node);
			break;
		case STATE_COLLECTED:
			break;
	}
	budget_free(t);
	transfer_wipe(t);
	MemoryContextDelete(t->context);
	budget_resume();
	pump();
}

int
transfer_in_flight(void)
{
	return nqueued + nactive;
}
