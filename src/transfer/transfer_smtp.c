/*
 * transfer_smtp.c
 *	  The dialogue of one mail, from MAIL FROM to the server's last reply.
 *
 * Runs in a worker.  libcurl looks up the name, connects, reads the greeting,
 * makes the TLS session and logs in (CURLOPT_CONNECT_ONLY).  The rest of SMTP
 * is spoken here, through the connection that libcurl has made.  libcurl
 * itself would wait for the reply to a mail's content, and for that to QUIT,
 * without returning to its caller: a server that does not reply would stop all
 * transfers of the worker.
 *
 *	FROM --250--> RCPT --each--> DATA --354--> CONTENT --250--> ended
 *
 * Every recipient is named to the server.  If it refuses some, their replies
 * are kept and the mail goes to the others.  Any other unexpected reply ends
 * the dialogue, and 421 always does.  Only one command is sent before its
 * reply is read, so a reply that comes before its command has left is known to
 * be no reply to it.  QUIT is sent, but its reply is not waited for: once the
 * server has replied 250 to the content, it is responsible for the mail
 * (RFC 5321, 4.2.5).
 *
 * Owns the lists of dialogues and an epoll set of their sockets, which is a
 * member of the set of transfer_event.c.  They end with the process.
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

static int	epoll_fd = -1;		/* the set of the dialogues' sockets */
static dlist_head dialogues;	/* under way, by dialogue_node */
static dlist_head ended;		/* for smtp_take_ended(), by dialogue_node */

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

/*
 * Ends a dialogue.  How it ended is in t->failure, t->reply and
 * t->mail_accepted.
 */
static void
end(Transfer *t)
{
	Assert(t->dialogue != SMTP_NONE && t->dialogue != SMTP_ENDED);
	leave(t);
	dlist_push_tail(&ended, &t->dialogue_node);
	t->dialogue = SMTP_ENDED;
}

/*
 * Tells epoll (operation: EPOLL_CTL_ADD or _MOD) to wait for input, and for
 * room in the socket if there is output.
 */
static bool
wait_for(Transfer *t, int operation)
{
	struct epoll_event event = {.events = EPOLLIN,.data.ptr = t};

	if (t->output_sent < t->output.len)
		event.events |= EPOLLOUT;
	return epoll_ctl(epoll_fd, operation, t->socket, &event) == 0;
}

/* Ends the dialogue with a failure: the connection broke or was closed. */
static void
broken(Transfer *t, CURLcode code)
{
	transfer_fail(t, FAILURE_BROKEN, "%s", code == CURLE_OK
				  ? "the mail server closed the connection"
				  : curl_easy_strerror(code));
	end(t);
}

/* Adds bytes to what is to be sent.  False: the dialogue has ended. */
static bool
say_bytes(Transfer *t, const char *bytes, size_t len)
{
	if (t->output_sent == t->output.len)
		t->output_sent = t->output.len = 0;
	if (buffer_append(t, &t->output, bytes, len))
		return true;
	end(t);
	return false;
}

/* The same for a text. */
static bool
say(Transfer *t, const char *text)
{
	return say_bytes(t, text, strlen(text));
}

/* RCPT TO for the next recipient, or after the last one DATA. */
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
	t->recipients_named++;
	return say(t, "RCPT TO:<") && say(t, recipient->data) &&
		say(t, ">\r\n");
}

/*
 * The next lines of the mail, with a dot at a line's beginning doubled
 * (RFC 5321, 4.5.2); after the last line, the line that ends the mail.  The
 * output is empty before.  So only a part of the mail is in memory twice.
 */
static bool
say_content(Transfer *t)
{
	const char *stop = t->body + t->body_len;

	Assert(t->output_sent == t->output.len && t->content_next != NULL);
	t->output_sent = t->output.len = 0;
	while (t->content_next < stop && t->output.len < CONTENT_BYTES)
	{
		const char *line = t->content_next;
		const char *newline = memchr(line, '\n', stop - line);
		size_t		len = newline != NULL ? newline + 1 - line : stop - line;

		if ((*line == '.' && !say(t, ".")) || !say_bytes(t, line, len))
			return false;
		t->content_next += len;
	}
	if (t->content_next < stop)
		return true;
	t->content_next = NULL;
	return say(t, ".\r\n");
}

/* Has the kernel taken all that was to be sent? */
static bool
said(const Transfer *t)
{
	return t->output_sent == t->output.len && t->content_next == NULL;
}

/*
 * Ends the dialogue with QUIT, as far as the socket takes it at once.  In the
 * middle of a command QUIT would be taken for a part of it.
 */
static void
say_goodbye(Transfer *t)
{
	size_t		n;

	if (said(t))
		(void) curl_easy_send(t->easy, "QUIT\r\n", 6, &n);
	end(t);
}

/*
 * Is it a reply that cannot be one to the last command?  Then the server, or
 * somebody between, replies to something else, and further replies would be
 * taken for the wrong commands'.  A server may refuse a mail's content before
 * it has all of it, and close the session (421) at any time.
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
 * The reply to RCPT TO: if the recipient is refused, the mail goes to the
 * others.  False: the dialogue is over, or has ended.
 */
static bool
on_recipient(Transfer *t)
{
	if (t->reply / 100 == 2)
		t->recipients_accepted++;
	else if (t->reply == 421)
		return false;
	else
		mail_note_refusal(t);
	/* DATA without a recipient would be an error */
	return (t->next_recipient != NULL || t->recipients_accepted > 0) &&
		say_next(t);
}

/* Goes on after a complete reply.  False: the dialogue has ended. */
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
		t->content_next = t->body;
		goes_on = true;
	}
	else
		t->mail_accepted = t->reply / 100 == 2;
	if (!goes_on && t->dialogue != SMTP_ENDED)
		say_goodbye(t);
	return goes_on;
}

/*
 * Reads the complete lines that have been received.  False: the dialogue has
 * ended.
 */
static bool
take_lines(Transfer *t)
{
	char	   *newline;

	while (t->input.len > 0 &&
		   (newline = memchr(t->input.data, '\n', t->input.len)) != NULL)
	{
		size_t		len = newline + 1 - t->input.data;
		ReplyLine	line = mail_take_line(t, t->input.data, len);

		t->input.len -= len;
		memmove(t->input.data, t->input.data + len, t->input.len);
		if (line == REPLY_FAILED)
		{
			end(t);
			return false;
		}
		if (line == REPLY_COMPLETE && !on_complete_reply(t))
			return false;
	}
	if (t->input.len > MAX_LINE)
	{
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "a reply of the mail server is over %d bytes",
					  MAX_LINE);
		end(t);
		return false;
	}
	return true;
}

/* Receives what has arrived.  False: the dialogue has ended. */
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
		if (!buffer_append(t, &t->input, bytes, n))
		{
			end(t);
			return false;
		}
		if (!take_lines(t))
			return false;
	}
}

/*
 * Sends what the socket has room for, and waits for more room if there is
 * more to send.  False: the dialogue has ended.
 */
static bool
send_some(Transfer *t)
{
	while (!said(t))
	{
		size_t		n = 0;
		CURLcode	code;

		if (t->output_sent == t->output.len && !say_content(t))
			return false;
		code = curl_easy_send(t->easy, t->output.data + t->output_sent,
							  t->output.len - t->output_sent, &n);
		if (code == CURLE_AGAIN)
			break;
		if (code != CURLE_OK)
		{
			/* the server may have said why before it closed */
			if (receive_some(t))
				broken(t, code);
			return false;
		}
		t->output_sent += n;
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

/* Moves one dialogue as far as it goes without waiting. */
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
 * Is the session what the mail needs?  If not, the failure is noted.  The
 * login is checked because libcurl goes on without one if the server offers
 * none: the mail would be sent as somebody unknown.
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

void
smtp_begin(Transfer *t)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	Assert(t->protocol == TRANSFER_SMTP && t->dialogue == SMTP_NONE);
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

void
smtp_drive(int64 now)
{
	struct epoll_event events[EVENTS_A_CALL];
	int			n = epoll_wait(epoll_fd, events, EVENTS_A_CALL, 0);
	dlist_mutable_iter iter;

	/*
	 * A dialogue that ends here leaves the set, and its transfer is freed
	 * only later: the other pointers in events stay valid.
	 */
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

void
smtp_forget(Transfer *t)
{
	if (t->dialogue == SMTP_ENDED)
		dlist_delete(&t->dialogue_node);
	else
		leave(t);
	t->dialogue = SMTP_NONE;
}
