/*
 * transfer_smtp.c
 *	  The dialogue of one mail, from MAIL FROM to the server's last word.
 *
 * Runs in a worker.  libcurl resolves, connects, reads the greeting, makes
 * the TLS session and logs in (CURLOPT_CONNECT_ONLY); then the connection is
 * ours.  The rest of SMTP is spoken here, because libcurl waits for the
 * reply to a mail's content, and for that to QUIT, without going back to its
 * caller: one silent server would stop all transfers of the worker.
 *
 *	FROM --250--> RCPT --each--> DATA --354--> CONTENT --250--> ended
 *
 * Every recipient is offered; a reply that refuses one is kept, and the mail
 * goes to the others, if there are any.  Any other reply ends the dialogue,
 * and 421 always does.  One command is out at a time, so that a reply which
 * comes before its command has left is known to be none.  QUIT is sent and
 * its reply not waited for; a mail whose 250 has come is the server's
 * (RFC 5321, 4.2.5).
 *
 * The sockets of dialogues stand in an epoll set of their own, which stands
 * in the one of transfer_event.c.
 */
#include "postgres.h"
#include "compat.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "storage/fd.h"
#include "transfer/transfer_buffer.h"
#include "transfer/transfer_mail.h"
#include "transfer/transfer_smtp.h"

#define EVENTS_A_CALL 64
#define MAX_LINE 4096			/* of a reply; RFC 5321 says 512 */
#define REPLY_LOGGED_IN 235		/* RFC 4954, 4 */
#define CONTENT_BYTES (16 * 1024)	/* of a mail's, ready to be sent */

static int	epoll_fd = -1;
static dlist_head dialogues;
static dlist_head ended;

/* Makes the set; returns its descriptor.  Raises what the system says. */
int
smtp_start(void)
{
	dlist_init(&dialogues);
	dlist_init(&ended);
	ReserveExternalFD();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not create an epoll descriptor: %m")));
	}
	return epoll_fd;
}

/* Takes the socket out of the set and the dialogue out of its list. */
static void
leave(Transfer *t)
{
	if (t->dialogue == SMTP_NONE)
		return;
	t->dialogue = SMTP_NONE;
	(void) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, t->socket, NULL);
	dlist_delete(&t->dialogue_node);
}

/* Ends a dialogue; the verdict is in failure, reply and accepted. */
static void
end(Transfer *t)
{
	leave(t);
	dlist_push_tail(&ended, &t->dialogue_node);
	t->dialogue = SMTP_ENDED;
}

/* Waits for the server, and for room in the socket where output waits. */
static bool
wait_for(Transfer *t, int operation)
{
	struct epoll_event event = {.events = EPOLLIN,.data.ptr = t};

	if (t->out_sent < t->out.len)
		event.events |= EPOLLOUT;
	return epoll_ctl(epoll_fd, operation, t->socket, &event) == 0;
}

/* The connection is of no use any more. */
static void
broken(Transfer *t, CURLcode code)
{
	transfer_fail(t, FAILURE_BROKEN, "%s", code == CURLE_OK
				  ? "the mail server closed the connection"
				  : curl_easy_strerror(code));
	end(t);
}

/* Puts bytes behind what waits to be sent. */
static bool
say_bytes(Transfer *t, const char *bytes, size_t len)
{
	if (t->out_sent == t->out.len)
		t->out_sent = t->out.len = 0;
	if (buffer_append(t, &t->out, bytes, len))
		return true;
	end(t);
	return false;
}

static bool
say(Transfer *t, const char *text)
{
	return say_bytes(t, text, strlen(text));
}

/* RCPT TO for the next recipient; behind the last, DATA. */
static bool
say_next(Transfer *t)
{
	struct curl_slist *recipient = t->next_recipient;

	if (recipient == NULL)
	{
		t->dialogue = SMTP_DATA;
		return say(t, "DATA\r\n");
	}
	t->dialogue = SMTP_RCPT;
	t->next_recipient = recipient->next;
	t->asked++;
	return say(t, "RCPT TO:<") && say(t, recipient->data) &&
		say(t, ">\r\n");
}

/*
 * The next lines of the mail with their dots doubled (RFC 5321, 4.5.2);
 * behind the last, the end of it.  All before must have been sent.
 */
static bool
say_content(Transfer *t)
{
	const char *stop = t->body + t->body_len;

	t->out_sent = t->out.len = 0;
	while (t->content_at < stop && t->out.len < CONTENT_BYTES)
	{
		const char *line = t->content_at;
		const char *newline = memchr(line, '\n', stop - line);
		size_t		len = newline != NULL ? newline + 1 - line : stop - line;

		if ((*line == '.' && !say(t, ".")) || !say_bytes(t, line, len))
			return false;
		t->content_at += len;
	}
	if (t->content_at < stop)
		return true;
	t->content_at = NULL;
	return say(t, ".\r\n");
}

/* Has all that was said left, as far as we can see? */
static bool
said(const Transfer *t)
{
	return t->out_sent == t->out.len && t->content_at == NULL;
}

/* The dialogue is over: a polite word that nobody waits for. */
static void
say_goodbye(Transfer *t)
{
	size_t		n;

	if (said(t))
		(void) curl_easy_send(t->easy, "QUIT\r\n", 6, &n);
	end(t);
}

/*
 * A reply that can be none to what was said last: such a server, or somebody
 * in between, answers what it was not asked.  It may turn a mail's content
 * down before it has all of it, and leave (421) at any time.
 */
static bool
senseless(const Transfer *t)
{
	int			kind = t->reply / 100;

	if (kind != 2 && kind != 4 && kind != 5)
		return t->dialogue != SMTP_DATA || t->reply != 354 || !said(t);
	if (t->reply == 421 || (t->dialogue == SMTP_CONTENT && kind != 2))
		return false;
	return !said(t) || (t->dialogue == SMTP_DATA && kind == 2);
}

/*
 * The reply to a recipient.  One that is refused keeps the mail from nobody
 * else.
 */
static bool
on_recipient(Transfer *t)
{
	if (t->reply / 100 == 2)
		t->taken++;
	else if (t->reply == 421)
		return false;
	else
		mail_note_refusal(t);
	return (t->next_recipient != NULL || t->taken > 0) && say_next(t);
}

/* A reply is complete.  False: the dialogue has ended. */
static bool
on_complete_reply(Transfer *t)
{
	bool		goes_on = false;

	if (senseless(t))
		transfer_fail(t, FAILURE_BROKEN,
					  "the mail server's reply %d makes no sense here",
					  t->reply);
	else if (t->dialogue == SMTP_FROM)
		goes_on = t->reply / 100 == 2 && say_next(t);
	else if (t->dialogue == SMTP_RCPT)
		goes_on = on_recipient(t);
	else if (t->reply == 354)
	{
		t->dialogue = SMTP_CONTENT;
		t->content_at = t->body;
		goes_on = true;
	}
	else
		t->accepted = t->reply / 100 == 2;
	if (!goes_on && t->dialogue != SMTP_ENDED)
		say_goodbye(t);
	return goes_on;
}

/* Takes the complete lines out of what has come.  False: ended. */
static bool
take_lines(Transfer *t)
{
	char	   *newline;

	while (t->in.len > 0 &&
		   (newline = memchr(t->in.data, '\n', t->in.len)) != NULL)
	{
		size_t		len = newline + 1 - t->in.data;
		ReplyLine	line = mail_take_line(t, t->in.data, len);

		t->in.len -= len;
		memmove(t->in.data, t->in.data + len, t->in.len);
		if (line == REPLY_FAILED)
		{
			end(t);
			return false;
		}
		if (line == REPLY_COMPLETE && !on_complete_reply(t))
			return false;
	}
	if (t->in.len > MAX_LINE)
	{
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "a reply of the mail server is over %d bytes",
					  MAX_LINE);
		end(t);
		return false;
	}
	return true;
}

/* Reads what has come.  False: the dialogue has ended. */
static bool
receive_some(Transfer *t)
{
	for (;;)
	{
		char		bytes[4096];
		size_t		n = 0;
		CURLcode	code = curl_easy_recv(t->easy, bytes, sizeof(bytes), &n);

		if (code == CURLE_AGAIN)
			return true;
		if (code != CURLE_OK || n == 0)
		{
			broken(t, code);
			return false;
		}
		if (!buffer_append(t, &t->in, bytes, n))
		{
			end(t);
			return false;
		}
		if (!take_lines(t))
			return false;
	}
}

/* Sends what there is room for.  False: the dialogue has ended. */
static bool
send_some(Transfer *t)
{
	while (!said(t))
	{
		size_t		n = 0;
		CURLcode	code;

		if (t->out_sent == t->out.len && !say_content(t))
			return false;
		code = curl_easy_send(t->easy, t->out.data + t->out_sent,
							  t->out.len - t->out_sent, &n);
		if (code == CURLE_AGAIN)
			break;
		if (code != CURLE_OK)
		{
			/* why, it may have said before it closed */
			if (receive_some(t))
				broken(t, code);
			return false;
		}
		t->out_sent += n;
	}
	if (t->dialogue == SMTP_CONTENT && said(t))
		t->content_sent = true;
	if (!wait_for(t, EPOLL_CTL_MOD))
	{
		broken(t, CURLE_SEND_ERROR);
		return false;
	}
	return true;
}

/* Moves one dialogue as far as it goes now. */
static void
advance(Transfer *t)
{
	if (receive_some(t))
		(void) send_some(t);
}

/* MAIL FROM, with what the server's EHLO has offered. */
static bool
say_from(Transfer *t)
{
	char		size[32];

	snprintf(size, sizeof(size), " SIZE=%zu", t->body_len);
	return say(t, "MAIL FROM:<") && say(t, t->mail_from) && say(t, ">") &&
		(!t->offers_size || say(t, size)) &&
		(!t->needs_smtputf8 || say(t, " SMTPUTF8")) && say(t, "\r\n");
}

/*
 * Is it what the mail needs?  Where no login is offered, libcurl goes on
 * without one.
 */
static bool
may_begin(Transfer *t)
{
	if ((t->username != NULL || t->oauth_bearer != NULL) &&
		t->reply != REPLY_LOGGED_IN)
		transfer_fail(t, FAILURE_AUTH, "the mail server offers no login");
	else if (t->needs_smtputf8 && !t->offers_smtputf8)
		transfer_fail(t, FAILURE_REFUSED,
					  "the mail server does not take addresses that are not ASCII");
	return t->failure == FAILURE_NONE;
}

/*
 * Begins the dialogue on a connection that libcurl has made.  What cannot
 * begin is ended at once.
 */
void
smtp_begin(Transfer *t)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	(void) curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	t->socket = fd;
	t->dialogue = SMTP_FROM;
	t->next_recipient = t->recipients;
	dlist_push_tail(&dialogues, &t->dialogue_node);
	if (fd == CURL_SOCKET_BAD || !wait_for(t, EPOLL_CTL_ADD))
	{
		broken(t, CURLE_OK);
		return;
	}
	if (!may_begin(t))
		say_goodbye(t);
	else if (say_from(t))
		(void) send_some(t);
}

/* Moves the dialogues whose sockets are ready, and ends the late ones. */
void
smtp_drive(int64 now)
{
	struct epoll_event events[EVENTS_A_CALL];
	int			n = epoll_wait(epoll_fd, events, EVENTS_A_CALL, 0);
	dlist_mutable_iter iter;

	for (int i = 0; i < n; i++)
		advance(events[i].data.ptr);
	dlist_foreach_modify(iter, &dialogues)
	{
		Transfer   *t = dlist_container(Transfer, dialogue_node, iter.cur);

		if (t->started_ms + t->timeout_ms <= now)
		{
			transfer_fail(t, FAILURE_TIMEOUT,
						  TIMEOUT_TEXT, (long long) t->timeout_ms);
			end(t);
		}
	}
}

/* Milliseconds until the first dialogue is too late, -1: there is none. */
long
smtp_timeout(int64 now)
{
	long		timeout = -1;
	dlist_iter	iter;

	dlist_foreach(iter, &dialogues)
	{
		Transfer   *t = dlist_container(Transfer, dialogue_node, iter.cur);
		int64		left = Max(t->started_ms + t->timeout_ms - now, 0);

		if (timeout < 0 || left < timeout)
			timeout = (long) left;
	}
	return timeout;
}

/* A dialogue that has ended, or NULL. */
Transfer *
smtp_take_ended(void)
{
	Transfer   *t;

	if (dlist_is_empty(&ended))
		return NULL;
	t = dlist_container(Transfer, dialogue_node, dlist_pop_head_node(&ended));
	t->dialogue = SMTP_NONE;
	return t;
}

/* Breaks a dialogue off, before its connection is closed. */
void
smtp_forget(Transfer *t)
{
	if (t->dialogue == SMTP_ENDED)
		dlist_delete(&t->dialogue_node);
	else
		leave(t);
	t->dialogue = SMTP_NONE;
}
