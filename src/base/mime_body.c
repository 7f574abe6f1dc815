/*
 * mime_body.c
 *	  A whole mail as text: its headers and its body (RFC 5322, 2045, 2046).
 *
 * Pure: text in, text out, in the current memory context.  Any process.
 *
 * A mail has one part, or text and HTML as alternatives; its attachments
 * follow.  A single part of short ASCII lines is sent as it is.  A part of
 * which more than a third is not ASCII becomes base64, any other
 * quoted-printable.  Neither encoding can contain "=_", so no part can contain
 * the boundary between two.
 */
#include "postgres.h"
#include "compat.h"

#include "base/mime.h"
#include "lib/stringinfo.h"

#define LINE_LENGTH 76
#define ALTERNATIVES "=_workflow_engine_part"
#define MIXED "=_workflow_engine_mail"

/* How a body is transported. */
typedef enum BodyEncoding
{
	BODY_PLAIN,
	BODY_QUOTED,
	BODY_BASE64
} BodyEncoding;

/* The encoding for a part; alone: the mail has no other. */
static BodyEncoding
choose_encoding(const char *text, bool alone)
{
	size_t		high = 0;
	size_t		total = 0;
	size_t		line = 0;
	bool		plain = alone;

	for (; *text; text++, total++)
	{
		bool		newline = *text == '\n' || *text == '\r';

		high += IS_HIGHBIT_SET(*text) ? 1 : 0;
		line = newline ? 0 : line + 1;
		if (line > LINE_LENGTH ||
			((unsigned char) *text < ' ' && !newline && *text != '\t') ||
			*text == 0x7f)
			plain = false;
	}
	if (high > total / 3)
		return BODY_BASE64;
	return plain && high == 0 ? BODY_PLAIN : BODY_QUOTED;
}

/* A copy of text with CRLF for every line end. */
static char *
with_crlf(const char *text)
{
	StringInfoData buf;

	initStringInfo(&buf);
	while (*text)
	{
		size_t		len = strcspn(text, "\r\n");

		appendBinaryStringInfo(&buf, text, len);
		text += len;

		if (*text == '\0')
			break;
		text += text[0] == '\r' && text[1] == '\n' ? 2 : 1;

		appendStringInfoString(&buf, "\r\n");
	}
	return buf.data;
}

/* Appends quoted-printable (RFC 2045, 6.7).  Line ends in text are CRLF. */
static void
append_quoted(StringInfo buf, const char *text)
{
	int			column = 0;

	for (; *text; text++)
	{
		unsigned char c = (unsigned char) *text;
		bool		blank = (c == ' ' || c == '\t') &&
			text[1] != '\r' && text[1] != '\0';
		bool		bare = blank || (c > ' ' && c < 0x7f && c != '=');

		if (text[0] == '\r' && text[1] == '\n')
		{
			appendStringInfoString(buf, "\r\n");
			column = 0;
			text++;

			continue;
		}
		if (column + (bare ? 1 : 3) > LINE_LENGTH - 1)
		{
			appendStringInfoString(buf, "=\r\n");
			column = 0;
		}
		if (bare)
			appendStringInfoChar(buf, c);
		else
			appendStringInfo(buf, "=%02X", c);
		column += bare ? 1 : 3;
	}
}

/* Appends the headers and the body of one part. */
static void
append_part(StringInfo buf, const char *type, const char *body, bool alone)
{
	static const char *const names[] = {"7bit", "quoted-printable", "base64"};
	BodyEncoding encoding = choose_encoding(body, alone);
	char	   *text = with_crlf(body);

	appendStringInfo(buf, "Content-Type: %s; charset=utf-8\r\n"
					 "Content-Transfer-Encoding: %s\r\n\r\n",
					 type, names[encoding]);
	if (encoding == BODY_PLAIN)
		appendStringInfoString(buf, text);
	else if (encoding == BODY_QUOTED)
		append_quoted(buf, text);
	else
		mime_append_base64(buf, text, strlen(text));
	if (buf->data[buf->len - 1] != '\n')
		appendStringInfoString(buf, "\r\n");
	pfree(text);
}

/* Appends text, html, or both; alone: there is nothing else in the mail. */
static void
append_texts(StringInfo buf, const char *text, const char *html, bool alone)
{
	if (text == NULL || html == NULL)
	{
		append_part(buf, text != NULL ? "text/plain" : "text/html",
					text != NULL ? text : html, alone);
		return;
	}
	appendStringInfoString(buf, "Content-Type: multipart/alternative;\r\n"
						   " boundary=\"" ALTERNATIVES "\"\r\n\r\n");
	appendStringInfoString(buf, "--" ALTERNATIVES "\r\n");
	append_part(buf, "text/plain", text, false);
	appendStringInfoString(buf, "--" ALTERNATIVES "\r\n");
	append_part(buf, "text/html", html, false);
	appendStringInfoString(buf, "--" ALTERNATIVES "--\r\n");
}

char *
mime_message(const List *headers, const char *text, const char *html,
			 const List *attachments, size_t *len)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, headers)
	{
		const NameValue *header = lfirst(lc);

		appendStringInfo(&buf, "%s: %s\r\n", header->name, header->value);
	}
	appendStringInfoString(&buf, "MIME-Version: 1.0\r\n");
	if (attachments == NIL)
		append_texts(&buf, text, html, true);
	else
	{
		appendStringInfoString(&buf, "Content-Type: multipart/mixed;\r\n"
							   " boundary=\"" MIXED "\"\r\n\r\n");
		appendStringInfoString(&buf, "--" MIXED "\r\n");
		append_texts(&buf, text, html, false);
		foreach(lc, attachments)
		{
			appendStringInfoString(&buf, "--" MIXED "\r\n");
			mime_append_attachment(&buf, lfirst(lc));
		}
		appendStringInfoString(&buf, "--" MIXED "--\r\n");
	}
	*len = buf.len;
	return buf.data;
}
