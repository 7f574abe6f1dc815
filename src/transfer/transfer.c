/*
 * transfer.c
 *	  The life of a transfer: submitted, queued, under way, finished, freed.
 *
 * Runs in a worker, never in a session.  libcurl has at most max_in_flight
 * transfers at a time; the others wait in the queues of their hosts
 * (transfer_queue.c).  The time in a queue does not count towards a transfer's
 * time-out.  README.md has a drawing of the states.
 *
 * Each transfer has a memory context, which is deleted with it.  The secrets
 * in it and in libcurl's lists are overwritten before that.  Connections
 * belong to libcurl, which keeps and reuses them.
 *
 * Owns the list of finished transfers, the number of active ones and the
 * limits.
 * Nothing of them survives a crash.  What survives is in the tables: that a
 * request was to be sent.  Whether a lost one had arrived is unknown.
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
#include "transfer/transfer_queue.h"
#include "transfer/transfer_redirect.h"
#include "transfer/transfer_result.h"
#include "transfer/transfer_smtp.h"
#include "transfer/transfer_text.h"
#include "utils/memutils.h"

/* Parent of all transfers' contexts; NULL until transfer_start(). */
static MemoryContext transfer_context = NULL;

static dlist_head finished;		/* transfers that can be collected */
static int	nactive = 0;		/* transfers that libcurl has */

/* What holds for transfers that start from now on. */
static TransferLimits limits = {
	.max_in_flight = 256,
	.max_per_host = 32,
	.max_response_size = 1024 * 1024,
	.connect_timeout_ms = 5000,
	.ca_file = "",
	.user_agent = "workflow_engine",
};

void
transfer_start(void)
{
	if (transfer_context != NULL)
		return;
	event_start();
	transfer_context = AllocSetContextCreate(TopMemoryContext,
											 "workflow_engine transfers",
											 ALLOCSET_DEFAULT_SIZES);
	dlist_init(&finished);
	queue_start(transfer_context);
}

static void pump(void);

void
transfer_set_limits(const TransferLimits *given)
{
	MemoryContext old = MemoryContextSwitchTo(transfer_context);
	char	   *ca_file = pstrdup(given->ca_file ? given->ca_file : "");
	char	   *user_agent = pstrdup(given->user_agent);
	static bool owned = false;	/* are the texts in limits palloc'd? */

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
	limits.max_in_flight = Max(Min(given->max_in_flight,
								   open_files_transfers()), 1);
	limits.max_per_host = Max(given->max_per_host, 1);
	/* how many idle connections are kept: no more than can be in use */
	curl_multi_setopt(event_multi(), CURLMOPT_MAXCONNECTS,
					  (long) limits.max_in_flight);
	pump();
}

/* The transfer has ended: puts it on the list for transfer_collect(). */
static void
finish(Transfer *t)
{
	Assert(t->state == STATE_QUEUED || t->state == STATE_ACTIVE);
	Assert(t->easy == NULL && t->host == NULL);
	t->state = STATE_FINISHED;
	dlist_push_tail(&finished, &t->node);
}

/* Finishes a transfer that was not sent, for that reason. */
static void
refuse(Transfer *t, const char *reason)
{
	t->response.failure = FAILURE_REFUSED;
	t->response.error = transfer_clean_text(t, reason, strlen(reason));
	finish(t);
}

/*
 * Takes the handle away from libcurl and frees it.  Does nothing if there is
 * none.
 */
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

/* The transfer is active no more: another of its host may start. */
static void
deactivate(Transfer *t)
{
	Assert(nactive > 0);
	nactive--;
	queue_leave(t);
}

/*
 * Trusts the certificate authorities of that file, and not those of the
 * system beside them.  Returns libcurl's first refusal.
 */
static CURLcode
only_authorities(CURL *easy, const char *file)
{
	CURLcode	rc = curl_easy_setopt(easy, CURLOPT_CAINFO, file);

	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);

	/*
	 * libcurl would go on for a day with what the file held: an authority
	 * that was removed from it would still be trusted
	 */
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	return rc;
}

/*
 * Gives an active transfer to libcurl.  If libcurl does not take it, it is
 * finished.
 */
static void
launch(Transfer *t)
{
	sigset_t	saved;
	CURLcode	rc = CURLE_FAILED_INIT;
	CURLMcode	mrc = CURLM_OK;

	Assert(t->state == STATE_ACTIVE && t->easy == NULL);

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
		deactivate(t);
		refuse(t, reason);
	}
}

/* Starts a transfer that was taken out of its host's queue. */
static void
start(Transfer *t)
{
	t->state = STATE_ACTIVE;
	t->started_ms = monotonic_ms();
	t->max_response_size = limits.max_response_size;
	t->connect_timeout_ms = Max(limits.connect_timeout_ms, 1);
	nactive++;
	launch(t);
}

/* Starts waiting transfers as long as the limits allow. */
static void
pump(void)
{
	Transfer   *t;

	while (nactive < limits.max_in_flight &&
		   (t = queue_take(limits.max_per_host)) != NULL)
		start(t);
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
	if (reason == NULL && strlen(host) >= QUEUE_HOST_NAME)
		reason = "the host name in the URL is too long";
	if (reason != NULL)
		refuse(t, reason);
	else
	{
		t->state = STATE_QUEUED;
		queue_put(t, host);
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

/*
 * The exchange has ended, with that verdict of libcurl's.  Sends it again if
 * that is the answer to the verdict, else finishes the transfer.
 */
static void
end(Transfer *t, CURLcode code)
{
	if (t->protocol == TRANSFER_HTTP && http_found_closed(t, code))
	{
		drop_handle(t);
		t->resent = true;
		t->request_begun = false;
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

	/*
	 * If the transfer is paused, its connection is silent because we do not
	 * read, and says nothing about the server.
	 */
	if (t->protocol == TRANSFER_HTTP && code == CURLE_OPERATION_TIMEDOUT &&
		!t->paused)
		http_leave_silent(t);
	drop_handle(t);
	deactivate(t);
	finish(t);
}

/*
 * Takes from libcurl the transfers that it has ended.  A mail's dialogue only
 * begins then: libcurl was told to connect and to log in.
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

char *
transfer_show_text(Transfer *t, const char *text, size_t len)
{
	return transfer_clean_text(t, text, len);
}

size_t
transfer_size(const Transfer *t)
{
	return MemoryContextMemAllocated(t->context, true);
}

bool
transfer_withdraw(Transfer *t)
{
	if (t->state != STATE_QUEUED)
		return false;
	queue_remove(t);
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
			queue_remove(t);
			break;
		case STATE_ACTIVE:
			drop_handle(t);
			deactivate(t);
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
	return queue_length() + nactive;
}
