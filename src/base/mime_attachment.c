/*
 * mime_attachment.c
 *	  The attachments of a mail (RFC 2045, 2183, 2231).
 *
 * Pure: text in, text out, in the current memory context.  Any process.
 *
 * Every attachment is sent as base64, so that it arrives byte for byte, line
 * ends too.  A name that is short ASCII stands in quotes; any other is
 * percent-encoded, in several pieces if it is long.
 */
#include "postgres.h"
#include "compat.h"

#include "base/mime.h"
#include "base/utf8.h"
#include "common/base64.h"

#define MAX_FILENAME_BYTES 255
#define MAX_TYPE_BYTES 200
#define LINE_LENGTH 76
#define BARE_NAME_BYTES 60		/* of a name in quotes */
#define PIECE_BYTES 55			/* of a percent-encoded name, in one line */

/*--- names of files ---*/

/* Does it change the direction of what follows, so that a name misleads? */
static bool
overrides_direction(uint32 c)
{
	return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

const char *
mime_filename_problem(const char *filename)
{
	int			len;

	if (utf8_is_empty(filename) || strcmp(filename, ".") == 0 ||
		strcmp(filename, "..") == 0)
		return "is not the name of a file";
	if (strlen(filename) > MAX_FILENAME_BYTES)
		return "is longer than 255 bytes";
	for (const char *p = filename; *p; p += len)
	{
		uint32		c = utf8_read(p, &len);

		if (c == '/' || c == '\\')
			return "must be a name without a path";
		if (utf8_is_control(c))
			return "has a control character";
		if (overrides_direction(c))
			return "has a character that changes the direction of the text";
	}
	return NULL;
}

/* May it stand in quotes as it is? */
static bool
is_bare_name(const char *filename)
{
	const char *p = filename;

	while (*p >= ' ' && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	return *p == '\0' && p - filename <= BARE_NAME_BYTES;
}

/* A byte of attribute-char of RFC 2231, which is not encoded. */
static bool
is_attribute_char(char c)
{
	return !IS_HIGHBIT_SET(c) &&
		(mime_is_letter_or_digit(c) ||
		 (c != '\0' && strchr("!#$&+-.^_`{|}~", c) != NULL));
}

/* Appends one character of a name, percent-encoded; len is its bytes. */
static void
append_percent(StringInfo buf, const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (is_attribute_char(text[i]))
			appendStringInfoChar(buf, text[i]);
		else
			appendStringInfo(buf, "%%%02X", (unsigned char) text[i]);
	}
}

/*
 * Appends the pieces of a long name, or of one that is not ASCII: each with
 * whole characters, in a line of its own.
 */
static void
append_encoded_name(StringInfo buf, const char *filename)
{
	List	   *pieces = NIL;
	StringInfo	piece = makeStringInfo();
	ListCell   *lc;
	int			len;

	for (const char *p = filename; *p; p += len)
	{
		StringInfoData c;

		(void) utf8_read(p, &len);
		initStringInfo(&c);
		append_percent(&c, p, len);
		if (piece->len > 0 && piece->len + c.len > PIECE_BYTES)
		{
			pieces = lappend(pieces, piece);
			piece = makeStringInfo();
		}
		appendBinaryStringInfo(piece, c.data, c.len);
		pfree(c.data);
	}
	pieces = lappend(pieces, piece);
	foreach(lc, pieces)
	{
		int			n = foreach_current_index(lc);

		appendStringInfoString(buf, ";\r\n filename*");
		if (list_length(pieces) > 1)
			appendStringInfo(buf, "%d*", n);
		appendStringInfo(buf, "=%s%s", n == 0 ? "UTF-8''" : "",
						 ((StringInfo) lfirst(lc))->data);
	}
}

/*--- content types ---*/

/* The number of bytes of the token (RFC 2045) at text. */
static int
token_length(const char *text)
{
	int			len = 0;

	while (text[len] > ' ' && text[len] < 0x7f &&
		   strchr("()<>@,;:\\\"/[]?=", text[len]) == NULL)
		len++;
	return len;
}

/* The number of bytes of the text in quotes at text; 0: it is none. */
static int
quoted_length(const char *text)
{
	int			len = 1;

	if (text[0] != '"')
		return 0;
	while (text[len] >= ' ' && text[len] < 0x7f && text[len] != '"')
		len += text[len] == '\\' && text[len + 1] >= ' ' &&
			text[len + 1] < 0x7f ? 2 : 1;
	return text[len] == '"' ? len + 1 : 0;
}

/* The parameter of a content type that is read next. */
typedef struct TypeParam
{
	const char *name;
	int			name_len;
	const char *value;
	int			value_len;
} TypeParam;

/* Reads '; name=value' at text.  The position after it; NULL: it is none. */
static const char *
read_param(const char *text, TypeParam *param)
{
	text += strspn(text, " ");
	if (*text++ != ';')
		return NULL;
	text += strspn(text, " ");
	param->name = text;
	param->name_len = token_length(text);
	text += param->name_len;
	if (param->name_len == 0 || *text++ != '=')
		return NULL;
	param->value = text;
	param->value_len = Max(token_length(text), quoted_length(text));
	return param->value_len > 0 ? text + param->value_len : NULL;
}

const char *
mime_content_type_problem(const char *type)
{
	static const char malformed[] = "is not a content type such as \"application/pdf\"";
	int			major = token_length(type);
	int			minor;
	TypeParam	param;

	if (strlen(type) > MAX_TYPE_BYTES || major == 0 || type[major] != '/')
		return malformed;
	if ((major == 9 && pg_strncasecmp(type, "multipart", 9) == 0) ||
		(major == 7 && pg_strncasecmp(type, "message", 7) == 0))
		return "cannot be multipart or message";
	minor = token_length(type + major + 1);
	if (minor == 0)
		return malformed;
	for (type += major + 1 + minor; *type;)
	{
		type = read_param(type, &param);
		if (type == NULL)
			return malformed;
	}
	return NULL;
}

/* The len bytes of a value, without quotes. */
static char *
unquoted(const char *value, int len)
{
	char	   *result = palloc(len + 1);
	int			n = 0;

	if (value[0] != '"')
		return pnstrdup(value, len);
	for (int i = 1; i < len - 1; i++)
	{
		if (value[i] == '\\')
			i++;
		result[n++] = value[i];
	}
	result[n] = '\0';
	return result;
}

char *
mime_content_type_param(const char *type, const char *name)
{
	int			len = strlen(name);
	TypeParam	param;

	type += strcspn(type, "; ");
	while (*type)
	{
		type = read_param(type, &param);
		Assert(type != NULL);	/* the type is valid */
		if (param.name_len == len &&
			pg_strncasecmp(param.name, name, len) == 0)
			return unquoted(param.value, param.value_len);
	}
	return NULL;
}

/*--- data ---*/

char *
mime_decode_base64(const char *text, size_t *len)
{
	char	   *letters = palloc(strlen(text) + 1);
	int			nletters = 0;
	int			size;
	char	   *data;
	int			n;

	/* many programs write it in lines, which pg_b64_decode() refuses */
	for (; *text; text++)
	{
		if (strchr(" \t\r\n", *text) == NULL)
			letters[nletters++] = *text;
	}
	size = pg_b64_dec_len(nletters) + 1;
	data = palloc(size);

	n = pg_b64_decode(letters, nletters, (void *) data, size);
	pfree(letters);
	if (n < 0)
		return NULL;
	*len = n;
	return data;
}

void
mime_append_base64(StringInfo buf, const char *data, size_t len)
{
	int			size = pg_b64_enc_len(len) + 1;
	char	   *encoded = palloc(size);
	int			n = pg_b64_encode((const void *) data, len,
								  (void *) encoded, size);

	for (int at = 0; at < n; at += LINE_LENGTH)
		appendStringInfo(buf, "%.*s\r\n", Min(LINE_LENGTH, n - at),
						 encoded + at);
	pfree(encoded);
}

void
mime_append_attachment(StringInfo buf, const MailAttachment *attachment)
{
	appendStringInfo(buf, "Content-Type: %s\r\n"
					 "Content-Transfer-Encoding: base64\r\n"
					 "Content-Disposition: attachment",
					 attachment->content_type);
	if (is_bare_name(attachment->filename))
		appendStringInfo(buf, ";\r\n filename=\"%s\"", attachment->filename);
	else
		append_encoded_name(buf, attachment->filename);
	appendStringInfoString(buf, "\r\n\r\n");
	mime_append_base64(buf, attachment->data, attachment->len);
}
