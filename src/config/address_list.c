/*
 * address_list.c
 *	  The list of workflow_engine.allowed_hosts: its syntax and its meaning.
 *
 * Pure.  Nothing here allocates memory or raises an error.  A list is parsed
 * once, when the setting is checked, into one block without pointers.  The
 * server keeps that block with the setting's value.
 *
 *	list	entry { "," entry }, or nothing
 *	entry	host [ ":" port ]
 *	host	name | "*." name			every address that the name has
 *			| IPv4 [ "/" bits ]			these addresses, for any name
 *			| "[" IPv6 [ "/" bits ] "]"		the brackets only before a port
 */
#include "postgres.h"
#include "compat.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "config/address_list.h"

#define MAX_NAME 253			/* RFC 1035 */
#define MAX_LABEL 63

typedef enum EntryKind
{
	ENTRY_NAME,
	ENTRY_SUFFIX,				/* name begins with its dot */
	ENTRY_NET
} EntryKind;

typedef struct Entry
{
	EntryKind	kind;
	int			port;			/* 0: any */
	AddressParts net;			/* ENTRY_NET; its port is not used */
	int			bits;
	char		name[MAX_NAME + 2];
} Entry;

struct AddressList
{
	int			n;
	Entry		entries[FLEXIBLE_ARRAY_MEMBER];
};

size_t
address_list_room(const char *text)
{
	size_t		n = 1;

	for (; *text; text++)
		n += *text == ',';
	return offsetof(AddressList, entries) + n * sizeof(Entry);
}

size_t
address_list_size(const AddressList *list)
{
	return offsetof(AddressList, entries) + list->n * sizeof(Entry);
}

/* A number of at most five digits and nothing else, or -1. */
static int
parse_number(const char *text)
{
	size_t		len = strspn(text, "0123456789");

	return len == 0 || len > 5 || text[len] != '\0' ? -1 : atoi(text);
}

/* Reads a port and nothing else into the entry. */
static bool
parse_port(const char *text, Entry *entry)
{
	entry->port = parse_number(text);
	return entry->port >= 1 && entry->port <= 65535;
}

/* Are all bits after the first ones zero?  Else it is no network. */
static bool
is_prefix(const uint8 *bytes, int size, int bits)
{
	for (int i = bits; i < size * 8; i++)
	{
		if (bytes[i / 8] & (0x80 >> (i % 8)))
			return false;
	}
	return true;
}

/* "10.0.0.0/8", "fd00::/8" or one address.  Changes text. */
static bool
parse_net(char *text, Entry *entry)
{
	char	   *slash = strchr(text, '/');
	AddressParts *net = &entry->net;
	int			size;

	entry->kind = ENTRY_NET;
	if (slash != NULL)
		*slash = '\0';
	net->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(net->family, text, net->bytes) != 1)
		return false;
	size = net->family == AF_INET ? 4 : 16;
	entry->bits = slash != NULL ? parse_number(slash + 1) : size * 8;
	if (entry->bits < 0 || entry->bits > size * 8 ||
		!is_prefix(net->bytes, size, entry->bits))
		return false;
	if (net->family == AF_INET6 && entry->bits >= 96)
	{
		address_unmap(net);
		if (net->family == AF_INET)
			entry->bits -= 96;
	}
	return true;
}

/*
 * Is it a host name?  If its last label begins with a digit, it is none: no
 * top-level domain does, and it is rather a misspelled address.
 */
static bool
is_name(const char *text)
{
	const char *label = text;

	for (;;)
	{
		size_t		len = 0;

		while (isalnum((unsigned char) label[len]) || label[len] == '-' ||
			   label[len] == '_')
			len++;
		if (len == 0 || len > MAX_LABEL)
			return false;
		if (label[len] == '\0')
			return !isdigit((unsigned char) label[0]);
		if (label[len] != '.')
			return false;
		label += len + 1;
	}
}

/* "host.example" or "*.example", perhaps with a dot at its end. */
static bool
parse_name(char *text, Entry *entry)
{
	size_t		len = strlen(text);

	entry->kind = ENTRY_NAME;
	if (strncmp(text, "*.", 2) == 0)
	{
		entry->kind = ENTRY_SUFFIX;
		text++;

		len--;
	}
	if (len > 1 && text[len - 1] == '.')
		text[--len] = '\0';

	if (len > MAX_NAME ||
		!is_name(entry->kind == ENTRY_SUFFIX ? text + 1 : text))
		return false;
	for (size_t i = 0; i <= len; i++)
		entry->name[i] = pg_ascii_tolower((unsigned char) text[i]);
	return true;
}

/* One entry, without spaces around it.  Changes text. */
static bool
parse_entry(char *text, Entry *entry)
{
	char	   *colon = strchr(text, ':');

	if (text[0] == '[')
	{
		char	   *end = strchr(++text, ']');

		if (end == NULL || strchr(text, ':') == NULL)
			return false;
		*end++ = '\0';
		if (*end != '\0' && (*end != ':' || !parse_port(end + 1, entry)))
			return false;
		return parse_net(text, entry);
	}
	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		return parse_net(text, entry);	/* IPv6 without a port */
	if (colon != NULL)
	{
		*colon = '\0';
		if (!parse_port(colon + 1, entry))
			return false;
	}
	if (strchr(text, '/') != NULL ||
		strspn(text, "0123456789.") == strlen(text))
		return parse_net(text, entry);
	return parse_name(text, entry);
}

bool
address_list_parse(const char *text, AddressList *list, const char **bad,
				   int *bad_len)
{
	list->n = 0;
	if (text[strspn(text, " \t\r\n")] == '\0')
		return true;
	for (;;)
	{
		Entry	   *entry = &list->entries[list->n];
		char		copy[MAX_NAME + 16];
		size_t		whole;
		size_t		len;

		text += strspn(text, " \t\r\n");

		whole = len = strcspn(text, ",");
		while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
			len--;
		*bad = text;

		*bad_len = (int) Min(len, sizeof(copy));
		if (len == 0 || len >= sizeof(copy))
			return false;
		memcpy(copy, text, len);
		copy[len] = '\0';
		memset(entry, 0, sizeof(*entry));
		if (!parse_entry(copy, entry))
			return false;
		list->n++;
		if (text[whole] == '\0')
			return true;
		text += whole + 1;
	}
}

/* Is the host the entry's name, or does it end with the entry's suffix? */
static bool
name_matches(const Entry *entry, const char *host)
{
	size_t		len = strlen(host);
	size_t		name_len = strlen(entry->name);

	if (len > 1 && host[len - 1] == '.')
		len--;
	if (entry->kind == ENTRY_NAME ? len != name_len : len <= name_len)
		return false;
	return pg_strncasecmp(host + len - name_len, entry->name, name_len) == 0;
}

bool
address_list_has(const AddressList *list, const AddressParts *parts,
				 const char *host)
{
	for (int i = 0; i < list->n; i++)
	{
		const Entry *entry = &list->entries[i];

		if (entry->port != 0 && entry->port != parts->port)
			continue;
		if (entry->kind == ENTRY_NET
			? entry->net.family == parts->family &&
			address_in(parts->bytes, entry->net.bytes, entry->bits)
			: host != NULL && name_matches(entry, host))
			return true;
	}
	return false;
}
