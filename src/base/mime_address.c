/*
 * mime_address.c
 *	  Mail addresses: taking a list of them apart (RFC 5322, 3.4).
 *
 * Pure: text in, text out, in the current memory context.  Any process.
 *
 * Addresses are separated by commas or semicolons, since people write both.
 * Comments and groups are not known: what is in parentheses before an address
 * is a part of the name.  address_scan() decides which bytes end an address,
 * here and when a value is put into a list (escape.c).  If the two differed, a
 * value could add a recipient.
 */
#include "postgres.h"
#include "compat.h"

#include "base/escape.h"
#include "base/mime.h"
#include "base/utf8.h"

#define QUOTED_BYTES 100		/* of a text that is no address */

static bool
domain_valid(const char *domain)
{
	if (domain[0] == '\0')
		return false;
	for (const char *p = domain; *p; p++)
	{
		bool		edge = p == domain || p[-1] == '.' ||
			p[1] == '.' || p[1] == '\0';

		if (!mime_is_letter_or_digit(*p) && (edge || (*p != '-' && *p != '.')))
			return false;
	}
	return true;
}

/*
 * Has it a character that is not seen, such as a mark of direction?  Such an
 * address would look like another one.
 */
static bool
has_unseen(const char *text)
{
	int			len;

	for (; *text; text += len)
	{
		uint32		c = utf8_read(text, &len);

		if (utf8_is_blank(c) || utf8_is_control(c) || utf8_is_invisible(c))
			return true;
	}
	return false;
}

bool
mime_address_valid(const char *address)
{
	const char *at;

	if (address == NULL || strlen(address) > MIME_MAX_ADDRESS ||
		has_unseen(address))
		return false;
	at = strchr(address, '@');
	if (at == NULL || at == address || at - address > MIME_MAX_LOCAL_PART)
		return false;
	for (const char *p = address; p < at; p++)
	{
		if (!mime_is_atext(*p) && *p != '.')
			return false;
	}
	return domain_valid(at + 1);
}

/* A copy of len bytes of text without blanks and unseen characters around. */
static char *
trimmed(const char *text, int len)
{
	int			start = 0;
	int			end = 0;

	for (int i = 0, n; i < len; i += n)
	{
		uint32		c = utf8_read(text + i, &n);

		if (c == '\t' || utf8_is_blank(c) || utf8_is_invisible(c))
		{
			if (end == 0)
				start = i + n;
		}
		else
			end = i + n;
	}
	return pnstrdup(text + start, Max(end - start, 0));
}

/* A display name without its quotes, in place; NULL if it is empty. */
static char *
unquoted(char *name)
{
	char	   *to = name;

	for (const char *from = name; *from; from++)
	{
		if (*from == '"')
			continue;
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return name[0] != '\0' ? name : NULL;
}

/* The last "<" that is not in quotes, or NULL. */
static const char *
find_angle(const char *text)
{
	AddressScan scan = {0};
	const char *found = NULL;

	for (; *text; text++)
	{
		address_scan(&scan, *text);
		if (*text == '<' && !scan.quoted)
			found = text;
	}
	return found;
}

/* One address, trimmed.  Returns what is wrong with it, or NULL. */
static char *
parse_address(char *whole, List **addresses)
{
	const char *open = find_angle(whole);
	int			n = strlen(whole);
	MailAddress *result = palloc0(sizeof(MailAddress));

	if (open != NULL && whole[n - 1] == '>')
	{
		result->address = trimmed(open + 1, whole + n - open - 2);
		result->name = unquoted(trimmed(whole, open - whole));
	}
	else
		result->address = whole;
	if (!mime_address_valid(result->address))
	{
		/* a value with other characters was put in quotes */
		char	   *text = result->address[0] == '"'
			? unquoted(pstrdup(result->address)) : result->address;

		return psprintf("has a malformed mail address: \"%s\"",
						utf8_quote(text != NULL ? text : "", QUOTED_BYTES));
	}
	*addresses = lappend(*addresses, result);
	return NULL;
}

/* The comma or semicolon that ends the address at text, or text's end. */
static const char *
address_end(const char *text)
{
	AddressScan scan = {0};

	for (; *text; text++)
	{
		if (address_scan(&scan, *text))
			break;
	}
	return text;
}

char *
mime_parse_addresses(const char *text, List **addresses)
{
	if (!mime_header_value_valid(text, false))
		return pstrdup("has a control character in a mail address");
	for (;;)
	{
		const char *end = address_end(text);
		char	   *address = trimmed(text, end - text);
		char	   *wrong = address[0] == '\0' ? NULL
			: parse_address(address, addresses);

		if (wrong != NULL || *end == '\0')
			return wrong;
		text = end + 1;
	}
}
