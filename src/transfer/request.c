/*
 * request.c
 *	  Requests: adding headers, and overwriting secrets.
 *
 * Runs in a worker.  Headers are added inside the transaction that prepares a
 * step, in the current memory context; secrets are overwritten after the
 * request was submitted, or given up.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/mime.h"
#include "base/utf8.h"
#include "base/wipe.h"
#include "transfer/request.h"

void
request_header(Request *request, const char *name, const char *value)
{
	NameValue  *header = palloc(sizeof(NameValue));

	if (!mime_header_name_valid(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be the name of a header", name)));
	if (!mime_header_value_valid(value, false))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("header \"%s\" has a control character", name)));
	header->name = pstrdup(name);
	header->value = to_utf8(value);
	request->headers = lappend(request->headers, header);
}

void
request_secret_header(Request *request, const char *name, char *value)
{
	NameValue  *header = palloc(sizeof(NameValue));

	if (!mime_header_name_valid(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of a header of the connection is malformed")));
	header->name = pstrdup(name);
	header->value = value;
	request->secret_headers = lappend(request->secret_headers, header);
}

void
request_replace_header(Request *request, const char *name, char *value)
{
	NameValue  *header = palloc(sizeof(NameValue));
	ListCell   *lc;

	foreach(lc, request->headers)
	{
		const NameValue *old = lfirst(lc);

		if (pg_strcasecmp(old->name, name) == 0)
			request->headers = foreach_delete_current(request->headers, lc);
	}
	header->name = pstrdup(name);
	header->value = value;
	request->headers = lappend(request->headers, header);
}

void
request_wipe(Request *request)
{
	ListCell   *lc;

	foreach(lc, request->secret_headers)
	{
		NameValue  *header = lfirst(lc);

		wipe_text(header->value);
	}
	wipe_text(request->username);
	wipe_text(request->password);
	wipe_text(request->oauth_bearer);
	if (request->body_secret != NULL && request->body != NULL)
		explicit_bzero(request->body, request->body_len);
	wipe_text(request->body_secret);
	if (request->url_secret)
		wipe_text(request->url);
}
