/*
 * transfer_copy.c
 *	  A transfer's own copy of its request: checked, and wiped.
 *
 * Runs in a worker.  What is refused here is never sent: a URL with
 * credentials or of another scheme, and bytes that would end a header or an
 * SMTP command early.  Actions check the same with better messages.  It is
 * checked again here, on the only way out, so that the safety of requests
 * does not depend on any action.
 *
 * The copy has its secrets twice: in the fields that libcurl reads, and in
 * the list of what is masked in answers (transfer_mask.c).
 */
#include "postgres.h"
#include "compat.h"

#include "base/mime.h"
#include "base/wipe.h"
#include "common/string.h"
#include "transfer/transfer_buffer.h"
#include "transfer/transfer_copy.h"
#include "transfer/transfer_mask.h"
#include "transfer/url.h"

/* A copy in the current context, or NULL of NULL. */
static char *
copy(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/*
 * Returns NULL and sets *host ("https://example.com:443"), or returns the
 * reason for a refusal.
 */
static const char *
check_url(const char *url, TransferProtocol protocol, char **host)
{
	const char *problem;

	if (url == NULL || strlen(url) > MAX_URL)
		return "the URL is missing or too long";
	problem = url_problem(url, protocol == TRANSFER_HTTP ? "http" : "smtp",
						  false);
	if (problem != NULL)
		return psprintf("the URL %s", problem);
	*host = url_origin(url);
	return NULL;
}

/* Adds a copy of a line to a list of libcurl's; false if memory is short. */
static bool
append(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

/*
 * The three texts joined.  psprintf() may do the same in a buffer that it
 * frees for a larger one; a secret would stay in the first.
 */
static char *
joined(const char *a, const char *between, const char *b)
{
	char	   *text = palloc(strlen(a) + strlen(between) + strlen(b) + 1);

	strcpy(text, a);
	strcat(text, between);
	return strcat(text, b);
}

/*
 * Adds "name: value", for the servers to which a redirect leads too if is_own.
 * Returns NULL or the reason for a refusal.
 */
static const char *
append_header(Transfer *t, const NameValue *header, bool is_own)
{
	char	   *line;
	bool		added;

	if (!mime_header_name_valid(header->name) ||
		!mime_header_value_valid(header->value, false))
		return "a header has a byte that is not allowed";
	/* libcurl takes "name:" for "do not send it", and "name;" for empty */
	line = header->value[0] == '\0' ? joined(header->name, ";", "")
		: joined(header->name, ": ", header->value);
	added = append(&t->headers, line) &&
		(!is_own || append(&t->own_headers, line));
	explicit_bzero(line, strlen(line));
	pfree(line);
	return added ? NULL : "out of memory";
}

/* Adds a secret that is sent as base64, and wipes and frees the text. */
static void
add_and_wipe(Transfer *t, char *text, size_t len)
{
	mask_add_encoded(t, text, len);
	explicit_bzero(text, len);
	pfree(text);
}

/*
 * User name and password as HTTP Basic sends them ("user:password") and as
 * SMTP AUTH PLAIN does (NUL, user, NUL, password), and the password alone.
 */
static void
add_login_secrets(Transfer *t)
{
	const char *user = t->username != NULL ? t->username : "";
	size_t		user_len = strlen(user);
	size_t		len = user_len + strlen(t->password) + 2;
	char	   *plain = palloc(len);

	add_and_wipe(t, joined(user, ":", t->password), len - 1);
	plain[0] = plain[user_len + 1] = '\0';
	memcpy(plain + 1, user, user_len);
	memcpy(plain + user_len + 2, t->password, strlen(t->password));
	add_and_wipe(t, plain, len);
	mask_add(t, t->password, strlen(t->password));
}

/* Copies the credentials of a request. */
static void
copy_secrets(Transfer *t, const Request *request)
{
	ListCell   *lc;

	t->username = copy(request->username);
	t->password = copy(request->password);
	t->oauth_bearer = copy(request->oauth_bearer);
	if (t->password != NULL)
		add_login_secrets(t);
	if (request->body_secret != NULL)
		mask_add(t, request->body_secret, strlen(request->body_secret));
	if (t->oauth_bearer != NULL)
		mask_add(t, t->oauth_bearer, strlen(t->oauth_bearer));
	foreach(lc, request->secret_headers)
	{
		const NameValue *header = lfirst(lc);
		const char *space = strchr(header->value, ' ');

		/* "Bearer xyz": the token alone, too */
		mask_add(t, header->value, strlen(header->value));
		if (space != NULL)
			mask_add(t, space + 1, strlen(space + 1));
	}
	if (request->url_secret)
		mask_add_url(t, request->url);
}

/*
 * Does a server to which a redirect leads get the header too?  It gets what
 * describes the body, and the idempotency key, which the engine has written.
 */
static bool
is_own_header(const Request *request, const NameValue *header)
{
	return pg_strcasecmp(header->name, "Content-Type") == 0 ||
		(request->key_header != NULL &&
		 pg_strcasecmp(header->name, request->key_header) == 0);
}

/*
 * Adds what keeps libcurl from adding headers of its own: a Content-Type, an
 * Expect that would make it wait before a long body, and its name as the
 * User-Agent.  False if memory is short.
 */
static bool
append_defaults(Transfer *t, const Request *request, const char *user_agent)
{
	char	   *agent = psprintf("User-Agent: %s", user_agent);
	bool		typed = name_value_find(request->headers, "Content-Type") != NULL;
	bool		named = name_value_find(request->headers, "User-Agent") != NULL;

	/*
	 * "Content-Type:" means none.  A type among the secret headers is in
	 * headers already, and is not for servers that a redirect leads to.
	 */
	if (!typed && !append(&t->own_headers, "Content-Type:"))
		return false;
	if (!typed &&
		name_value_find(request->secret_headers, "Content-Type") == NULL &&
		!append(&t->headers, "Content-Type:"))
		return false;
	return append(&t->headers, "Expect:") &&
		append(&t->own_headers, "Expect:") &&
		append(&t->own_headers, agent) &&
		(named || append(&t->headers, agent));
}

/* Copies an HTTP request.  Returns NULL or the reason for a refusal. */
static const char *
copy_http(Transfer *t, const Request *request, const char *user_agent)
{
	const char *reason = NULL;
	ListCell   *lc;

	if (request->method == NULL || request->method[0] == '\0' ||
		strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
		strlen(request->method))
		return "the request method is malformed";
	t->method = pstrdup(request->method);
	foreach(lc, request->headers)
	{
		const NameValue *header = lfirst(lc);

		/* a header of the credentials replaces one of the step's */
		if (reason == NULL &&
			name_value_find(request->secret_headers, header->name) == NULL)
			reason = append_header(t, header, is_own_header(request, header));
	}
	foreach(lc, request->secret_headers)
		reason = reason != NULL ? reason
		: append_header(t, lfirst(lc), false);
	if (reason != NULL)
		return reason;
	if (!append_defaults(t, request, user_agent))
		return "out of memory";
	if (request->body != NULL)
	{
		t->body = MemoryContextAllocHuge(t->context, request->body_len + 1);
		memcpy(t->body, request->body, request->body_len);
		t->body[request->body_len] = '\0';
		t->body_len = request->body_len;
	}
	return NULL;
}

/* Copies a mail.  Returns NULL or the reason for a refusal. */
static const char *
copy_mail(Transfer *t, const Request *request)
{
	const TransferMail *mail = request->mail;
	ListCell   *lc;

	if (mail == NULL || mail->recipients == NIL ||
		(mail->text == NULL && mail->html == NULL))
		return "the mail has no recipient or no text";
	if (!mime_address_valid(mail->from))
		return "the sender's address is malformed";
	foreach(lc, mail->headers)
	{
		const NameValue *header = lfirst(lc);

		if (!mime_field_name_valid(header->name) ||
			!mime_header_value_valid(header->value, true))
			return "a header has a byte that is not allowed";
		t->needs_smtputf8 |= !pg_is_ascii(header->value);
	}
	foreach(lc, mail->recipients)
	{
		if (!mime_address_valid(lfirst(lc)))
			return "a recipient's address is malformed";
		if (!append(&t->recipients, lfirst(lc)))
			return "out of memory";
		t->needs_smtputf8 |= !pg_is_ascii(lfirst(lc));
	}
	t->mail_from = pstrdup(mail->from);
	t->needs_smtputf8 |= !pg_is_ascii(mail->from);
	t->starttls = mail->starttls;
	t->body = mime_message(mail->headers, mail->text, mail->html,
						   mail->attachments, &t->body_len);
	/* its buffer had room to grow, which would be kept while it is queued */
	t->body = repalloc(t->body, t->body_len + 1);
	return NULL;
}

const char *
transfer_copy(Transfer *t, const Request *request, const char *user_agent,
			  char **host)
{
	const char *reason;

	Assert(CurrentMemoryContext == t->context);
	t->protocol = request->protocol;
	t->follow_redirects = request->follow_redirects;
	t->secrets_below = copy(request->secrets_below);
	t->once = request->once;
	t->body_secret = request->body_secret != NULL;
	t->answer_secret = request->answer_secret;
	t->url_secret = request->url_secret;
	reason = check_url(request->url, request->protocol, host);
	if (reason != NULL)
		return reason;
	t->url = pstrdup(request->url);
	copy_secrets(t, request);
	return request->protocol == TRANSFER_HTTP
		? copy_http(t, request, user_agent) : copy_mail(t, request);
}

void
transfer_wipe(Transfer *t)
{
	for (struct curl_slist *line = t->headers; line != NULL; line = line->next)
		wipe_text(line->data);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->own_headers);
	curl_slist_free_all(t->recipients);
	t->headers = t->own_headers = t->recipients = NULL;
	wipe_text(t->username);
	wipe_text(t->password);
	wipe_text(t->oauth_bearer);
	if (t->url_secret)
		wipe_text(t->url);
	if (t->body_secret && t->body != NULL)
		explicit_bzero(t->body, t->body_len);
	mask_wipe(t);
	/* what came back may repeat them, and what is sent may have them */
	buffer_free(&t->head);
	buffer_free(&t->answer);
	buffer_free(&t->input);
	buffer_free(&t->output);
}
