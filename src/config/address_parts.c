/*
 * address_parts.c
 *	  Taking an address apart: its family, its bytes, its port; and its text.
 *
 * Pure: values in, values out, in any process.  Nothing here allocates or
 * raises an error, since it runs in the check hook of a setting and below
 * libcurl's frames.
 */
#include "postgres.h"
#include "compat.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "config/address_parts.h"

/* ::ffff:0:0/96: an IPv4 address that is written as one of IPv6 */
static const uint8 ipv4_mapped[12] = {[10] = 0xff,[11] = 0xff};

bool
address_in(const uint8 *bytes, const uint8 *prefix, int bits)
{
	int			whole = bits / 8;
	int			rest = bits % 8;

	if (memcmp(bytes, prefix, whole) != 0)
		return false;
	return rest == 0 ||
		((bytes[whole] ^ prefix[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

void
address_unmap(AddressParts *parts)
{
	parts->family = AF_INET6;
	if (address_in(parts->bytes, ipv4_mapped, 96))
	{
		parts->family = AF_INET;
		memmove(parts->bytes, parts->bytes + 12, 4);
	}
}

bool
address_take(const struct sockaddr *address, AddressParts *parts)
{
	if (address->sa_family == AF_INET)
	{
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		parts->family = AF_INET;
		parts->port = ntohs(in.sin_port);
		memcpy(parts->bytes, &in.sin_addr, 4);
		return true;
	}
	if (address->sa_family == AF_INET6)
	{
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		parts->port = ntohs(in6.sin6_port);
		memcpy(parts->bytes, &in6.sin6_addr, 16);
		address_unmap(parts);
		return true;
	}
	return false;
}

/* Is it a name that always means this machine (RFC 6761)? */
static bool
is_localhost(const char *host, size_t len)
{
	static const char name[] = "localhost";
	size_t		name_len = sizeof(name) - 1;

	return len >= name_len &&
		pg_strncasecmp(host + len - name_len, name, name_len) == 0 &&
		(len == name_len || host[len - name_len - 1] == '.');
}

bool
address_of_host(const char *host, int port, struct sockaddr_storage *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	char		text[256];
	size_t		len = strlen(host);

	in.sin_port = in6.sin6_port = htons((uint16) port);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']')
	{
		host++;
		len -= 2;
	}
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(address, &in6, sizeof(in6));
	else if (inet_aton(text, &in.sin_addr) != 0)
		memcpy(address, &in, sizeof(in));
	else if (is_localhost(text, len))
	{
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(address, &in, sizeof(in));
	}
	else
		return false;
	return true;
}

void
address_text(const struct sockaddr *address, char *text, size_t size)
{
	AddressParts parts;

	if (!address_take(address, &parts) ||
		inet_ntop(parts.family, parts.bytes, text, size) == NULL)
		strlcpy(text, "?", size);
}
