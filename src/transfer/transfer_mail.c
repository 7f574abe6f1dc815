/*
 * transfer_mail.c
 *	  How libcurl connects and logs in to a mail server; what replies say.
 *
 * Runs in a worker.  libcurl makes the connection and logs in, and passes
 * every line of every reply to the header callback, which must not raise an
 * error.  After that transfer_smtp.c reads the replies.  Both give the lines
 * to mail_take_line(), which keeps the last reply with all its lines: its
 * text tells people why a mail was refused.
 *
 * Each mail has a connection of its own.  A reused one could have been logged
 * in with other credentials or have another TLS policy, and servers close idle
 * ones at moments at which the next mail would fail.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "transfer/transfer_buffer.h"
#include "transfer/transfer_mail.h"
#include "transfer/transfer_options.h"
#include "transfer/transfer_text.h"

#define MAX_REPLY_BYTES 2048	/* kept of a reply, all lines together */
#define MAX_REFUSAL_BYTES 400	/* ... and of one about a recipient */

/*
 * Notes what a line of the reply to EHLO offers; text is its length without
 * the line end.  The first line has the server's name.  It also begins a new
 * list: what the server offered before TLS does not count.
 */
static void
note_offer(Transfer *t, const char *line, size_t text, bool first)
{
	const char *word = line + 4;
	size_t		len = text > 4 ? text - 4 : 0;

	if (first)
		t->offers_size = t->offers_smtputf8 = false;
	else if (len >= 4 && pg_strncasecmp(word, "SIZE", 4) == 0)
		t->offers_size = true;
	else if (len == 8 && pg_strncasecmp(word, "SMTPUTF8", 8) == 0)
		t->offers_smtputf8 = true;
}

/*
 * Length of the enhanced status code (RFC 3463: "5.1.1 ") at the beginning of
 * text, with the blank after it; 0 if there is none.
 */
static size_t
enhanced_length(const char *text, size_t len)
{
	size_t		at = 0;

	for (int part = 0; part < 3; part++)
	{
		size_t		digits = at;

		while (at < len && isdigit((unsigned char) text[at]))
			at++;
		if (at == digits || at - digits > 3 || at == len ||
			text[at] != (part < 2 ? '.' : ' '))
			return 0;
		at++;
	}
	return at;
}

/*
 * Adds a line to the reply as far as there is room; text is its length
 * without the line end.  Every line begins with the code and perhaps the
 * enhanced one (RFC 2034, 4), and the reply keeps both once.  If the lines
 * have different codes, the last one's is kept.  False if memory is short.
 */
static bool
keep_line(Transfer *t, const char *line, size_t text)
{
	TransferBuffer *reply = &t->head;
	bool		first = reply->len == 0;
	size_t		skip = first ? 0 : Min((size_t) 4, text);
	size_t		enhanced = enhanced_length(line + skip, text - skip);
	size_t		room = MAX_REPLY_BYTES - reply->len;

	if (!first)
	{
		memcpy(reply->data, line, 3);
		if (reply->len >= 4 + enhanced &&
			memcmp(reply->data + 4, line + skip, enhanced) == 0)
			skip += enhanced;
		if (room < 2 || skip == text)
			return true;
		if (reply->data[reply->len - 1] != ' ' &&
			!buffer_append(t, reply, " ", 1))
			return false;
		room = MAX_REPLY_BYTES - reply->len;
	}
	if (!buffer_append(t, reply, line + skip, Min(text - skip, room)))
		return false;
	if (first && text > 3)
		reply->data[3] = ' ';
	return true;
}

ReplyLine
mail_take_line(Transfer *t, const char *line, size_t len)
{
	size_t		text = len;
	bool		first;

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
	first = t->head_ended;
	if (first)
		t->head.len = 0;
	t->head_ended = text == 3 || line[3] != '-';

	t->reply = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	if (t->reply == 250 && t->dialogue == SMTP_NONE)
		note_offer(t, line, text, first);
	if (!keep_line(t, line, text))
		return REPLY_FAILED;
	return t->head_ended ? REPLY_COMPLETE : REPLY_CONTINUES;
}

void
mail_note_refusal(Transfer *t)
{
	MemoryContext old = MemoryContextSwitchTo(t->context);
	RefusedRecipient *refused = palloc(sizeof(RefusedRecipient));
	char	   *reply = transfer_clean_text(t, t->head.data, t->head.len);

	Assert(t->recipients_named > 0);
	refused->recipient = t->recipients_named - 1;
	refused->status = t->reply;
	refused->reply = pnstrdup(reply, pg_mbcliplen(reply, strlen(reply),
												  MAX_REFUSAL_BYTES));
	t->response.refused = lappend(t->response.refused, refused);
	pfree(reply);
	MemoryContextSwitchTo(old);
}

/*
 * libcurl's callback: one line of a reply, up to that to the login.  Returns
 * less than it was given to make libcurl give up.
 */
static size_t
on_reply(char *line, size_t size, size_t n, void *arg)
{
	size_t		len = size * n;

	return mail_take_line(arg, line, len) == REPLY_FAILED ? 0 : len;
}

/*
 * How to log in: with the given credentials alone.  libcurl would also try
 * what it finds on this machine, such as a Kerberos ticket.
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
 * libcurl does not reuse a connection that is made with CURLOPT_CONNECT_ONLY,
 * and closes it with its handle.
 *
 * It counts greeting and login as connecting.  Many mail servers delay their
 * greeting on purpose, so connecting may take the whole time-out.
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
