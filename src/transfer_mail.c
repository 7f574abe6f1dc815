/*
 * transfer_mail.c
 *	  One SMTP exchange: its options and what libcurl's callbacks keep of it.
 *
 * Runs in a worker.  libcurl passes every line of every reply to the header
 * callback; the last reply is kept whole, because its words are what tells
 * an operator why a mail was refused.
 *
 * Each mail has a connection of its own: a connection kept open would be
 * shared between credentials and TLS policies, and is closed by servers at
 * moments that make the next mail fail.  When the server has taken the mail
 * or refused it, the callback ends the transfer: left to itself libcurl
 * sends QUIT and waits for the reply without going back to its caller, so a
 * server that keeps silent then would stop the whole worker.  A mail whose
 * 250 has come is the server's (RFC 5321, 4.2.5), QUIT or not.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "transfer_internal.h"

#define MAX_REPLY_BYTES (16 * 1024)

/*
 * What a complete reply means once the session stands.  False: the exchange
 * is decided, libcurl shall stop.
 */
static bool
reply_goes_on(Transfer *t)
{
	if (!t->begun)
		return true;			/* greeting, EHLO, STARTTLS, AUTH */
	if (t->reply >= 400)
		return false;
	if (t->reply / 100 == 2 && t->body_sent == t->body_len)
	{
		t->accepted = true;
		return false;
	}
	return true;
}

/* One line of a reply: "250-text", or "250 text" for its last. */
static size_t
on_reply(char *line, size_t size, size_t n, void *arg)
{
	Transfer   *t = arg;
	size_t		len = size * n;
	size_t		text = len;
	bool		last;

	t->head_total += len;
	if (t->head_total > MAX_HEADER_BYTES_ALL)
	{
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the mail server's replies are over %d bytes",
					  MAX_HEADER_BYTES_ALL);
		return 0;
	}
	while (text > 0 && (line[text - 1] == '\n' || line[text - 1] == '\r'))
		text--;
	if (text < 3 || !isdigit((unsigned char) line[0]) ||
		!isdigit((unsigned char) line[1]) ||
		!isdigit((unsigned char) line[2]))
		return len;
	if (t->head_ended)
		t->head.len = 0;
	last = text == 3 || line[3] != '-';
	t->head_ended = last;
	if (t->head.len + text < MAX_REPLY_BYTES)
	{
		/* of a continued reply, the code stands once */
		bool		first = t->head.len == 0;
		size_t		skip = first ? 0 : Min((size_t) 4, text);

		if ((!first && !buffer_append(t, &t->head, " ", 1)) ||
			!buffer_append(t, &t->head, line + skip, text - skip))
			return 0;
		if (first && text > 3)
			t->head.data[3] = ' ';
	}
	t->reply = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	return last && !reply_goes_on(t) ? 0 : len;
}

/* libcurl wants more of the mail. */
static size_t
on_read(char *into, size_t size, size_t n, void *arg)
{
	Transfer   *t = arg;
	size_t		len = Min(size * n, t->body_len - t->body_sent);

	memcpy(into, t->body + t->body_sent, len);
	t->body_sent += len;
	return len;
}

#define SET(option, value) \
	do { \
		if (rc == CURLE_OK) \
			rc = curl_easy_setopt(t->easy, option, value); \
	} while (0)

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

/* The options of an SMTP exchange.  Returns libcurl's first refusal. */
CURLcode
mail_options(Transfer *t)
{
	static const long use_ssl[] = {
		[TLS_REQUIRED] = CURLUSESSL_ALL,
		[TLS_OPTIONAL] = CURLUSESSL_TRY,
		[TLS_NEVER] = CURLUSESSL_NONE,
	};
	CURLcode	rc = common_options(t, on_reply);

	t->head_ended = true;
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_USE_SSL, use_ssl[t->starttls]);
	SET(CURLOPT_MAIL_FROM, t->mail_from);
	SET(CURLOPT_MAIL_RCPT, t->recipients);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, t);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) t->body_len);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT,
		(long) Max(Min(t->timeout_ms / 1000, 120), 1));
	if (rc == CURLE_OK)
		rc = login_options(t);
	return rc;
}
