/*
 * mime.h
 *	  Mail as text: headers, addresses and bodies.  Pure.
 *
 * All texts are UTF-8, whatever the database's encoding is.
 */
#ifndef WF_MIME_H
#define WF_MIME_H

#include "postgres.h"
#include "base/name_value.h"
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

/*
 * A whole mail with CRLF line ends: headers (NameValue *), then text, html,
 * or both as alternatives.  Palloc'd; *len is its length.
 */
extern char *mime_message(const List *headers, const char *text,
						  const char *html, size_t *len);

#endif							/* WF_MIME_H */
