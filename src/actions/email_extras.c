/*
 * email_extras.c
 *	  The step's own headers of a mail, and its attachments.
 *
 * Runs in a worker.  Names and values may come from outside, by way of a
 * template: whatever could add a header, a part or a path is refused here.
 * What stands in the definition was checked when it was written, by the same
 * rules (plan/plan_mail.c).  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/email_extras.h"
#include "base/json_value.h"
#include "base/utf8.h"
#include "config/settings.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#define MAX_HEADERS 50
#define MAX_HEADER_BYTES 8192	/* of one value */
#define MAX_ATTACHMENTS 100
#define QUOTED_BYTES 100		/* of a name in a message */

/*--- headers ---*/

/* Raises 22023: header "x" and what is wrong with it. */
static void
refuse_header(const char *name, const char *problem)
{
	char	   *quoted = utf8_quote(to_utf8(name), QUOTED_BYTES);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("header \"%s\" %s",
					pg_any_to_server(quoted, strlen(quoted), PG_UTF8),
					problem)));
}

/* The value of a header, encoded; NULL of JSON null. */
static char *
header_value(const char *name, const JsonbValue *value)
{
	char	   *text;

	if (value->type == jbvNull)
		return NULL;
	if (value->type == jbvBinary)
		refuse_header(name, psprintf("must be a text, not %s",
									 json_a_type(value)));
	text = to_utf8(json_text(value));

	if (!mime_header_value_valid(text, false))
		refuse_header(name, "has a control character");
	if (strlen(text) > MAX_HEADER_BYTES)
		refuse_header(name, psprintf("is longer than %d bytes",
									 MAX_HEADER_BYTES));
	return mime_encode_text(text, strlen(name) + strlen(": "));
}

List *
email_headers(const Call *call)
{
	Jsonb	   *json = param_json(call, "headers");
	List	   *headers = NIL;
	JsonbValue	object;
	JsonMember *members;
	int			n;

	if (json == NULL)
		return NIL;
	json_of_jsonb(json, &object);
	if (!json_is_object(&object) || json_count(&object) > MAX_HEADERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"headers\" must be an object of at most %d headers",
						MAX_HEADERS)));
	members = json_members(&object, &n);
	for (int i = 0; i < n; i++)
	{
		const char *problem = mime_field_problem(members[i].key);
		NameValue  *header = palloc(sizeof(NameValue));

		if (problem != NULL)
			refuse_header(members[i].key, problem);
		if (name_value_find(headers, members[i].key) != NULL)
			refuse_header(members[i].key, "is given twice");
		header->name = members[i].key;
		header->value = header_value(members[i].key, &members[i].value);
		if (header->value != NULL)
			headers = lappend(headers, header);
	}
	return headers;
}

/*--- attachments ---*/

/* Raises 22023: where in "attachments", and what is wrong there. */
static void
refuse_attachment(int number, const char *key, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("attachments[%d]%s%s %s", number, key != NULL ? "." : "",
					key != NULL ? key : "", problem)));
}

/* A member as text; NULL if it is missing or null. */
static char *
member_text(const JsonbValue *object, int number, const char *key)
{
	JsonbValue *value = json_member(object, key);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type == jbvBinary)
		refuse_attachment(number, key, psprintf("must be a text, not %s",
												json_a_type(value)));
	return json_text(value);
}

static void
check_keys(const JsonbValue *object, int number)
{
	static const char *const keys[] = {
		"filename", "content_type", "text", "base64"
	};
	int			n;
	JsonMember *members = json_members(object, &n);

	for (int i = 0; i < n; i++)
	{
		bool		known = false;

		for (int k = 0; k < lengthof(keys); k++)
			known = known || strcmp(keys[k], members[i].key) == 0;
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("attachments[%d] has an unknown key \"%s\"",
							number, members[i].key),
					 errhint("Known are \"filename\", \"content_type\", \"text\" and \"base64\".")));
	}
}

/* Fills the data from the member text or base64; is it a text? */
static bool
take_data(const JsonbValue *object, int number, MailAttachment *attachment)
{
	char	   *text = member_text(object, number, "text");
	char	   *base64 = member_text(object, number, "base64");

	if ((text != NULL) == (base64 != NULL))
		refuse_attachment(number, NULL,
						  "must have either \"text\" or \"base64\"");
	if (text != NULL)
	{
		attachment->data = to_utf8(text);
		attachment->len = strlen(attachment->data);
		return true;
	}
	attachment->data = mime_decode_base64(base64, &attachment->len);
	if (attachment->data == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attachments[%d].base64 is not valid base64", number),
				 pg_strncasecmp(base64, "data:", 5) == 0 ?
				 errhint("Leave out what stands before the comma of a data: URL.") : 0));
	return false;
}

/* The type given, checked, or the default for a text or for bytes. */
static char *
content_type(const JsonbValue *object, int number, bool is_text)
{
	char	   *type = member_text(object, number, "content_type");
	const char *problem;
	char	   *charset;

	if (type == NULL)
		return pstrdup(is_text ? "text/plain; charset=utf-8"
					   : "application/octet-stream");
	problem = mime_content_type_problem(type);
	if (problem != NULL)
		refuse_attachment(number, "content_type", problem);
	if (!is_text)
		return type;
	charset = mime_content_type_param(type, "charset");
	if (charset != NULL && pg_strcasecmp(charset, "utf-8") != 0)
		refuse_attachment(number, "content_type",
						  "must have the charset utf-8, in which \"text\" is sent");
	return charset == NULL && pg_strncasecmp(type, "text/", 5) == 0
		? psprintf("%s; charset=utf-8", type) : type;
}

static MailAttachment *
read_attachment(const JsonbValue *object, int number)
{
	MailAttachment *attachment = palloc0(sizeof(MailAttachment));
	char	   *filename;
	const char *problem;
	bool		is_text;

	if (!json_is_object(object))
		refuse_attachment(number, NULL, psprintf("must be an object, not %s",
												 json_a_type(object)));
	check_keys(object, number);
	filename = member_text(object, number, "filename");
	if (filename == NULL)
		refuse_attachment(number, "filename", "is missing");
	attachment->filename = to_utf8(filename);
	problem = mime_filename_problem(attachment->filename);
	if (problem != NULL)
		refuse_attachment(number, "filename", problem);
	is_text = take_data(object, number, attachment);
	attachment->content_type = content_type(object, number, is_text);
	return attachment;
}

List *
email_attachments(const Call *call)
{
	Jsonb	   *json = param_json(call, "attachments");
	Size		total = 0;
	List	   *attachments = NIL;
	JsonbValue	list;
	JsonMember *elements;
	int			n;

	if (json == NULL)
		return NIL;
	json_of_jsonb(json, &list);
	if (!json_is_array(&list) || json_count(&list) > MAX_ATTACHMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"attachments\" must be a list of at most %d attachments",
						MAX_ATTACHMENTS)));
	elements = json_members(&list, &n);
	for (int i = 0; i < n; i++)
	{
		MailAttachment *attachment;

		CHECK_FOR_INTERRUPTS();
		attachment = read_attachment(&elements[i].value, i);
		total += attachment->len;
		if (total > (Size) wf_max_payload * 1024)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the attachments of a mail are too large"),
					 errdetail("\"workflow_engine.max_payload\" is %d kB.",
							   wf_max_payload)));
		attachments = lappend(attachments, attachment);
	}
	return attachments;
}
