/*
 * transfer_mail.c
 *	  How libcurl reaches and enters a mail server; what replies say.
 *
 * Runs in a worker.  libcurl makes the connection up to and with the login
 * and passes every line of every reply to the header callback; from there on
 * transfer_smtp.c speaks.  Both hand the lines to mail_take_line(), which
 * keeps the last reply whole, because its words are what tells an operator
 * why a mail was refused.
 *
 * Each mail has a connection of its own: one kept open would be shared
 * between credentials and TLS policies, and is closed by servers at moments
 * that make the next mail fail.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "transfer_internal.h"

#define MAX_REPLY_BYTES (16 * 1024)

/* What a line of the answer to EHLO offers. */
static void
note_offer(Transfer *t, const char *word, size_t len)
{
	if (len >= 4 && pg_strncasecmp(word, "SIZE", 4) == 0)
		t->offers_size = true;
	if (len == 8 && pg_strncasecmp(word, "SMTPUTF8", 8) == 0)
		t->offers_smtputf8 = true;
}

/* Adds a line's text to the reply; the code stands once. */
static bool
keep_line(Transfer *t, const char *line, size_t text)
{
	bool		first = t->head.len == 0;
	size_t		skip = first ? 0 : Min((size_t) 4, text);

	if (t->head.len + text >= MAX_REPLY_BYTES)
		return true;
	if ((!first && !buffer_append(t, &t->head, " ", 1)) ||
		!buffer_append(t, &t->head, line + skip, text - skip))
		return false;
	if (first && text > 3)
		t->head.data[3] = ' ';
	return true;
}

/* Takes one line of a reply: "250-text", or "250 text" for its last. */
ReplyLine
mail_take_line(Transfer *t, const char *line, size_t len)
{
	size_t		text = len;

	t->head_total += len;
	if (t->head_total > MAX_HEADER_BYTES_ALL)
	{
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the mail server's replies are over %d bytes",
					  MAX_HEADER_BYTES_ALL);
		return REPLY_FAILED;
	}
	while (text > 0 && (line[text - 1] == '\n' || line[text - 1] == '\r'))
		text--;
	if (text < 3 || !isdigit((unsigned char) line[0]) ||
		!isdigit((unsigned char) line[1]) ||
		!isdigit((unsigned char) line[2]))
		return REPLY_CONTINUES;
	if (t->head_ended)
		t->head.len = 0;
	t->head_ended = text == 3 || line[3] != '-';
	t->reply = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	if (t->reply == 250 && t->dialogue == SMTP_NONE && text > 4)
		note_offer(t, line + 4, text - 4);
	if (!keep_line(t, line, text))
		return REPLY_FAILED;
	return t->head_ended ? REPLY_COMPLETE : REPLY_CONTINUES;
}

/* libcurl's own part of the session: up to the login. */
static size_t
on_reply(char *line, size_t size, size_t n, void *arg)
{
	size_t		len = size * n;

	return mail_take_line(arg, line, len) == REPLY_FAILED ? 0 : len;
}

/*
 * How to log in: only with what was given, never with a ticket or a
 * certificate that happens to lie about.
 */
static CURLcode
login_options(Transfer *t)
{
	CURLcode	rc = CURLE_OK;

	if (t->oauth_bearer != NULL)
	{
		SET(CURLOPT_XOAUTH2_BEARER, t->oauth_bearer);
		SET(CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2");
	}
	else if (t->username != NULL)
		SET(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
	return rc;
}

/*
 * The options of an SMTP exchange.  Returns libcurl's first refusal.
 *
 * libcurl does not reuse a connection made so, and closes it with its handle.
 * It counts greeting and login as connecting, and mail servers take
 * their time with the greeting on purpose: the whole time-out holds for it.
 */
CURLcode
mail_options(Transfer *t)
{
	static const long use_ssl[] = {
		[TLS_REQUIRED] = CURLUSESSL_ALL,
		[TLS_OPTIONAL] = CURLUSESSL_TRY,
		[TLS_NEVER] = CURLUSESSL_NONE,
	};
	CURLcode	rc;

	t->connect_timeout_ms = (int) t->timeout_ms;
	t->head_ended = true;
	rc = common_options(t, on_reply);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_USE_SSL, use_ssl[t->starttls]);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT,
		(long) (t->timeout_ms / 1000 + 1));
	if (rc == CURLE_OK)
		rc = login_options(t);
	return rc;
}
