/*
 * address.c
 *	  Which addresses a request may be sent to.
 *
 * Pure: values in, values out, in any process.  Nothing here allocates memory
 * or raises an error, since it runs below libcurl's frames.
 *
 * An address is allowed if it is a public one, or if the list of
 * workflow_engine.allowed_hosts allows it (address_list.c).  Which addresses
 * are not public is told by IANA's registries of special-purpose addresses
 * (RFC 6890).  Of IPv6, only 2000::/3 is in use for global unicast, so all
 * other addresses are refused.  If an IPv6 address contains an IPv4 address,
 * to which a gateway will send, the IPv4 address is judged.
 */
#include "postgres.h"
#include "compat.h"

#include <netinet/in.h>

#include "config/address.h"

typedef enum Verdict
{
	REFUSED,
	ALLOWED,
	CONTAINS_IPV4				/* at byte offset `at` */
} Verdict;

/* The addresses that begin with the same bits. */
typedef struct Range
{
	uint8		bytes[16];
	int			bits;
	Verdict		verdict;
	int			at;
} Range;

/* The first that matches decides; what none matches is allowed. */
static const Range ipv4_ranges[] = {
	{{0}, 8, REFUSED},			/* this network; 0.0.0.0 is this machine */
	{{10}, 8, REFUSED},			/* private (RFC 1918) */
	{{100, 64}, 10, REFUSED},	/* carriers' NAT (RFC 6598) */
	{{127}, 8, REFUSED},		/* loopback */
	{{169, 254}, 16, REFUSED},	/* link-local; clouds' metadata */
	{{172, 16}, 12, REFUSED},	/* private */
	{{192, 0, 0}, 24, REFUSED}, /* IETF protocol assignments (RFC 6890) */
	{{192, 0, 2}, 24, REFUSED}, /* documentation (RFC 5737) */
	{{192, 88, 99}, 24, REFUSED},	/* 6to4 relays (RFC 7526) */
	{{192, 168}, 16, REFUSED},	/* private */
	{{198, 18}, 15, REFUSED},	/* benchmarks (RFC 2544) */
	{{198, 51, 100}, 24, REFUSED},	/* documentation */
	{{203, 0, 113}, 24, REFUSED},	/* documentation */
	{{224}, 4, REFUSED},		/* multicast */
	{{240}, 4, REFUSED},		/* reserved, and broadcast */
};

/*
 * The first that matches decides; what none matches is refused.  IPv4-mapped
 * addresses do not come here: address_take() has made them IPv4.
 */
static const Range ipv6_ranges[] = {
	{{0x00, 0x64, 0xff, 0x9b}, 96, CONTAINS_IPV4, 12},	/* NAT64, RFC 6052 */
	{{0x20, 0x02}, 16, CONTAINS_IPV4, 2},	/* 6to4 (RFC 3056) */
	{{0x20, 0x01}, 23, REFUSED},	/* IETF; Teredo is in it (RFC 4380) */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, REFUSED},	/* documentation */
	{{0x3f, 0xff}, 20, REFUSED},	/* documentation (RFC 9637) */
	{{0x20}, 3, ALLOWED},		/* global unicast */
};

/* The range that an address is in, or NULL. */
static const Range *
find_range(const Range *ranges, int n, const uint8 *bytes)
{
	for (int i = 0; i < n; i++)
	{
		if (address_in(bytes, ranges[i].bytes, ranges[i].bits))
			return &ranges[i];
	}
	return NULL;
}

static bool
ipv4_public(const uint8 *bytes)
{
	return find_range(ipv4_ranges, lengthof(ipv4_ranges), bytes) == NULL;
}

static bool
ipv6_public(const uint8 *bytes)
{
	const Range *range = find_range(ipv6_ranges, lengthof(ipv6_ranges),
									bytes);

	if (range == NULL)
		return false;
	return range->verdict == CONTAINS_IPV4 ? ipv4_public(bytes + range->at)
		: range->verdict == ALLOWED;
}

bool
address_public(const struct sockaddr *address)
{
	AddressParts parts;

	if (!address_take(address, &parts))
		return false;
	return parts.family == AF_INET ? ipv4_public(parts.bytes)
		: ipv6_public(parts.bytes);
}

bool
address_allowed(const AddressList *list, const struct sockaddr *address,
				const char *host)
{
	AddressParts parts;

	if (!address_take(address, &parts))
		return false;
	return address_public(address) ||
		(list != NULL && address_list_has(list, &parts, host));
}
