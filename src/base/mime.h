/*
 * mime.h
 *	  Mail as text: headers, addresses, bodies and attachments.  Pure.
 *
 * All texts are UTF-8, whatever the database's encoding is.
 */
#ifndef WF_MIME_H
#define WF_MIME_H

#include "postgres.h"
#include "base/name_value.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "pgtime.h"

/* RFC 5321, 4.5.3.1 */
#define MIME_MAX_ADDRESS 254
#define MIME_MAX_LOCAL_PART 64

typedef struct MailAddress
{
	char	   *name;			/* display name, or NULL */
	char	   *address;		/* addr-spec: local@domain */
} MailAddress;

/*
 * Is it a name for a header of HTTP or of a mail?  A token of RFC 9110, which
 * RFC 5322 allows too, of at most 200 bytes.
 */
extern bool mime_header_name_valid(const char *name);

/*
 * Can it be the value of a header?  It has no control byte but tabs and, if
 * folded, line ends (CRLF) before white space.
 */
extern bool mime_header_value_valid(const char *value, bool folded);

/*
 * What is wrong with the name of a header that the author of a mail gives it,
 * to stand after 'header "Bcc" '; NULL if nothing is.  It has printable ASCII
 * characters but no colon (ftext of RFC 5322), and is none of the headers that
 * the engine writes or that say who gets the mail or has sent it.
 */
extern const char *mime_field_problem(const char *name);

/* Is it the name of a mail's header?  Of at most 200 bytes of ftext. */
extern bool mime_field_name_valid(const char *name);

/*
 * Is it local@domain, as an SMTP command takes it?  Both parts may have bytes
 * over 127 (RFC 6531).
 */
extern bool mime_address_valid(const char *address);

/* An ASCII letter or digit, or a byte of any other character of UTF-8. */
extern bool mime_is_letter_or_digit(char c);

/* May it be in an address or a name without quotes (RFC 5322, 3.2.3)? */
extern bool mime_is_atext(char c);

/*
 * Adds the addresses in text ('Name <a@b>, c@d; e@f') to *addresses, a list of
 * MailAddress *, palloc'd.  If there is nothing between two separators, that
 * is skipped.  Returns NULL, or what is wrong: palloc'd, UTF-8, to stand after
 * 'parameter "to" '.
 */
extern char *mime_parse_addresses(const char *text, List **addresses);

/* 'Name <a@b>,\r\n c@d': addresses as a header's value. */
extern char *mime_format_addresses(const List *addresses);

/*
 * Free text as a header's value (RFC 2047, folded); used is the length of
 * "Name: " before it.
 */
extern char *mime_encode_text(const char *text, int used);

/* A date as RFC 5322, 3.3 has it, in UTC; when is seconds since 1970. */
extern char *mime_date(pg_time_t when);

/*--- attachments ---*/

typedef struct MailAttachment
{
	char	   *filename;
	char	   *content_type;
	char	   *data;			/* any bytes */
	size_t		len;
} MailAttachment;

/*
 * What is wrong with the name of a file, or with a content type, to stand
 * after 'filename '; NULL if nothing is.  A name is no path and has no control
 * characters.  A type is ASCII: 'text/calendar; method=REQUEST'.
 */
extern const char *mime_filename_problem(const char *filename);
extern const char *mime_content_type_problem(const char *type);

/*
 * The value of a parameter of a valid content type, without quotes, palloc'd;
 * NULL if it has none of that name.
 */
extern char *mime_content_type_param(const char *type, const char *name);

/*
 * The bytes of a base64 text, which may have blanks and line ends, palloc'd,
 * *len of them; NULL if it is none.
 */
extern char *mime_decode_base64(const char *text, size_t *len);

/* Appends an attachment as a part of a mail: its headers and its data. */
extern void mime_append_attachment(StringInfo buf,
								   const MailAttachment *attachment);

/* Appends base64 in lines with CRLF. */
extern void mime_append_base64(StringInfo buf, const char *data, size_t len);

/*--- whole mails ---*/

/*
 * A whole mail with CRLF line ends: headers (NameValue *), then text, html,
 * or both as alternatives, then attachments (MailAttachment *).  Palloc'd;
 * *len is its length.
 */
extern char *mime_message(const List *headers, const char *text,
						  const char *html, const List *attachments,
						  size_t *len);

#endif							/* WF_MIME_H */
