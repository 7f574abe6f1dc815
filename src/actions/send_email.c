/*
 * send_email.c
 *	  Action send_email: a mail over the connection's SMTP server.
 *
 * Runs in a worker.  Builds the envelope and the headers; email_text.c builds
 * the texts, email_extras.c the step's own headers and the attachments.  The
 * Message-ID is made of the idempotency key, so that every try of a step sends
 * the same one and a mail system that looks for doubles finds them.  A
 * recipient in bcc is in the envelope and in no header.
 *
 * A server may take some recipients and refuse others: then the mail is
 * sent, and the output lists both.  The step fails only if none was
 * taken.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "action/outcome.h"
#include "actions/email_address.h"
#include "actions/email_extras.h"
#include "actions/email_text.h"
#include "base/json_value.h"
#include "base/mime.h"
#include "config/clock.h"
#include "mb/pg_wchar.h"
#include "utils/timestamp.h"

#define MAX_RECIPIENTS 100
#define MAX_TEXT_BYTES (10 * 1024 * 1024)	/* text and HTML together */
#define MAX_ERROR_BYTES 1000	/* about recipients; then they are counted */

static TemplateEscape
email_escape(const char *param, const Connection *connection)
{
	static const char *const addresses[] = {
		"to", "cc", "bcc", "reply_to", "from"
	};

	for (int i = 0; i < lengthof(addresses); i++)
	{
		if (strcmp(param, addresses[i]) == 0)
			return ESCAPE_ADDRESS;
	}
	return strcmp(param, "html") == 0 ? ESCAPE_HTML : ESCAPE_NONE;
}

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message)));
}

/* <key@domain of the sender>, of ASCII letters that need no quoting. */
static char *
message_id(const Call *call, const MailAddress *from)
{
	const char *domain = strchr(from->address, '@') + 1;
	char	   *left = pstrdup(call->idempotency_key);

	for (char *p = left; *p; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			  (*p >= '0' && *p <= '9') || *p == '-' || *p == '_'))
			*p = '.';
	}
	for (const char *p = domain; *p; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			domain = "workflow-engine.invalid";
	}
	return psprintf("<%s@%s>", left, domain);
}

/* Adds a header that is complete and encoded. */
static void
add_header(TransferMail *mail, const char *name, char *value)
{
	NameValue  *header = palloc(sizeof(NameValue));

	header->name = pstrdup(name);
	header->value = value;
	mail->headers = lappend(mail->headers, header);
}

/* Adds an address header, unless there is no address. */
static void
add_address_header(TransferMail *mail, const char *name, List *addresses)
{
	if (addresses != NIL)
		add_header(mail, name, mime_format_addresses(addresses));
}

/* Adds addresses to the envelope, each once. */
static void
add_recipients(TransferMail *mail, const List *addresses)
{
	ListCell   *lc;

	foreach(lc, addresses)
	{
		MailAddress *address = lfirst(lc);
		ListCell   *known;
		bool		found = false;

		foreach(known, mail->recipients)
			found = found || strcmp(lfirst(known), address->address) == 0;
		if (!found)
			mail->recipients = lappend(mail->recipients, address->address);
	}
	if (list_length(mail->recipients) > MAX_RECIPIENTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a mail can have at most %d recipients",
						MAX_RECIPIENTS)));
}

/* Envelope and headers but the subject. */
static void
address_mail(const Call *call, TransferMail *mail)
{
	MailAddress *from = email_sender(call);
	List	   *to = email_addresses(call, "to");
	List	   *cc = email_addresses(call, "cc");

	if (to == NIL)
		refuse("parameter \"to\" has no mail address");
	mail->from = from->address;
	add_recipients(mail, to);
	add_recipients(mail, cc);
	add_recipients(mail, email_addresses(call, "bcc"));
	add_address_header(mail, "From", list_make1(from));
	add_address_header(mail, "To", to);
	add_address_header(mail, "Cc", cc);
	add_address_header(mail, "Reply-To", email_addresses(call, "reply_to"));
	add_header(mail, "Date",
			   mime_date((pg_time_t) timestamptz_to_time_t(clock_now())));
	add_header(mail, "Message-ID", message_id(call, from));
	add_header(mail, "Idempotency-Key", pstrdup(call->idempotency_key));
	add_header(mail, "Auto-Submitted", pstrdup("auto-generated"));
}

static TransferTls
starttls(const Connection *connection)
{
	char	   *text = connection_config(connection, "starttls");

	if (text == NULL || strcmp(text, "required") == 0)
		return TLS_REQUIRED;
	if (strcmp(text, "optional") == 0)
		return TLS_OPTIONAL;
	if (strcmp(text, "never") == 0)
		return TLS_NEVER;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("starttls of connection \"%s\" is not required, optional or never",
					connection_name(connection))));
	return TLS_REQUIRED;		/* keep compiler quiet */
}

/* The output if no recipient is refused: {"message_id", "accepted"}. */
static Jsonb *
prepare_state_of(const Call *call, const TransferMail *mail)
{
	ObjectBuilder b;
	JsonbParseState *state = NULL;
	JsonbValue *accepted;
	ListCell   *lc;
	char	   *id = NULL;

	foreach(lc, mail->headers)
	{
		NameValue  *header = lfirst(lc);

		if (strcmp(header->name, "Message-ID") == 0)
			id = header->value;
	}
	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, mail->recipients)
	{
		JsonbValue	address;
		char	   *text = pg_any_to_server(lfirst(lc), strlen(lfirst(lc)),
											PG_UTF8);

		json_set_string(&address, text, strlen(text));
		(void) pushJsonbValue(&state, WJB_ELEM, &address);
	}
	accepted = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	object_begin(&b);
	object_text(&b, "message_id", id);
	object_value(&b, "accepted", accepted);
	return object_end(&b);
}

static Jsonb *
email_prepare(Call *call, Request *request)
{
	TransferMail *mail = palloc0(sizeof(TransferMail));
	MailTexts	texts = {0};

	request->protocol = TRANSFER_SMTP;
	request->mail = mail;
	request->url = connection_config(call->connection, "url");
	mail->starttls = starttls(call->connection);
	address_mail(call, mail);
	email_texts(call, &texts);
	add_header(mail, "Subject", mime_encode_text(to_utf8(texts.subject),
												 strlen("Subject: ")));
	mail->headers = list_concat(mail->headers, email_headers(call));
	mail->attachments = email_attachments(call);
	mail->text = texts.text != NULL ? to_utf8(texts.text) : NULL;
	mail->html = texts.html != NULL ? to_utf8(texts.html) : NULL;
	if ((mail->text != NULL ? strlen(mail->text) : 0) +
		(mail->html != NULL ? strlen(mail->html) : 0) > MAX_TEXT_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the text of a mail can have at most %d bytes",
						MAX_TEXT_BYTES)));
	return prepare_state_of(call, mail);
}

/* The recipients in what email_prepare has returned, *n of them. */
static JsonMember *
recipients_of(const Jsonb *prepare_state, int *n)
{
	JsonbValue	value;

	json_of_jsonb(unconstify(Jsonb *, prepare_state), &value);
	return json_members(json_member(&value, "accepted"), n);
}

/* Adds {"address", "error"} of a refused recipient to an array. */
static void
add_refused(JsonbParseState **state, const JsonbValue *address,
			const RefusedRecipient *refused)
{
	ObjectBuilder b;
	JsonbValue	value;

	object_begin(&b);
	object_text(&b, "address", json_cstring(address));
	object_text(&b, "error", refused->reply);
	json_of_jsonb(object_end(&b), &value);
	(void) pushJsonbValue(state, WJB_ELEM, &value);
}

/* {"message_id", "accepted", "rejected"}, of a mail that some have got. */
static Jsonb *
output_of(const Jsonb *prepare_state, const List *refused)
{
	JsonbParseState *accepted = NULL;
	JsonbParseState *rejected = NULL;
	ListCell   *next = list_head(refused);
	ObjectBuilder b;
	JsonbValue	value;
	int			n;
	JsonMember *recipients = recipients_of(prepare_state, &n);

	(void) pushJsonbValue(&accepted, WJB_BEGIN_ARRAY, NULL);
	(void) pushJsonbValue(&rejected, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		const RefusedRecipient *r = next != NULL ? lfirst(next) : NULL;

		if (r == NULL || r->recipient != i)
		{
			(void) pushJsonbValue(&accepted, WJB_ELEM, &recipients[i].value);
			continue;
		}
		add_refused(&rejected, &recipients[i].value, r);
		next = lnext(refused, next);
	}
	json_of_jsonb(unconstify(Jsonb *, prepare_state), &value);
	object_begin(&b);
	object_value(&b, "message_id", json_member(&value, "message_id"));
	object_value(&b, "accepted",
				 pushJsonbValue(&accepted, WJB_END_ARRAY, NULL));
	object_value(&b, "rejected",
				 pushJsonbValue(&rejected, WJB_END_ARRAY, NULL));
	return object_end(&b);
}

/*
 * No recipient was accepted: "550 5.1.1 no such user (a@example.com); ...".
 * One reply of the 4xx is reason enough to try again.
 */
static void
outcome_of_refusals(const JsonMember *recipients, const List *refused,
					Outcome *outcome)
{
	StringInfoData buf;
	bool		transient = false;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, refused)
	{
		const RefusedRecipient *r = lfirst(lc);
		char	   *address = json_cstring(&recipients[r->recipient].value);

		transient |= r->status / 100 == 4;
		if (buf.len > MAX_ERROR_BYTES)
			continue;
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "; " : "", r->reply);
		if (strstr(r->reply, address) == NULL)
			appendStringInfo(&buf, " (%s)", address);
		if (buf.len > MAX_ERROR_BYTES && lnext(refused, lc) != NULL)
			appendStringInfo(&buf, "; and %d more",
							 list_length(refused) - 1 -
							 foreach_current_index(lc));
	}
	outcome_error(outcome, buf.data);
	outcome->transient = transient;
}

/*
 * The outcome if there is no answer, or none that can be used.  A mail that
 * was sent completely may have been delivered, whatever happened then.
 */
static void
outcome_of_silence(const Response *response, Outcome *outcome)
{
	outcome_of_failure(response, outcome);
	if (response->request_written && !outcome->maybe_delivered)
	{
		outcome->maybe_delivered = true;
		outcome->error = psprintf("delivery unknown: %s", outcome->error);
	}
}

/* 2xx is the server's word that it has the mail; 4xx is for later. */
static void
email_interpret(const Jsonb *prepare_state, const Response *response,
				Outcome *outcome)
{
	List	   *refused = response->refused;
	int			n;
	JsonMember *recipients = recipients_of(prepare_state, &n);

	if (list_length(refused) == n)
		outcome_of_refusals(recipients, refused, outcome);
	else if (response->failure != FAILURE_NONE)
		outcome_of_silence(response, outcome);
	else if (response->error == NULL && response->status / 100 == 2)
		outcome_success(outcome, refused == NIL ?
						unconstify(Jsonb *, prepare_state) :
						output_of(prepare_state, refused));
	else
	{
		outcome_error(outcome, response->error != NULL ? response->error
					  : psprintf("SMTP %d", response->status));
		outcome->transient = response->status / 100 == 4;
	}
}

const Action send_email_action = {
	.name = "send_email",
	.kind = ACTION_SMTP,
	.reads_scope = true,
	.default_connection = "email",
	.needs_connection = true,
	.connection_kinds = (const char *const[]) {"smtp", NULL},
	.check = email_check_template,
	.escape = email_escape,
	.prepare = email_prepare,
	.interpret = email_interpret,
};
