/*
 * address_parts.h
 *	  Taking an address apart: its family, its bytes, its port; and its text.
 *	  Pure.  Nothing here allocates or raises an error.
 */
#ifndef WF_ADDRESS_PARTS_H
#define WF_ADDRESS_PARTS_H

#include "postgres.h"

#include <sys/socket.h>

typedef struct AddressParts
{
	int			family;			/* AF_INET or AF_INET6 */
	int			port;			/* in host order */
	uint8		bytes[16];		/* 4 for AF_INET; in network order */
} AddressParts;

/* Do both begin with the same bits, as many as that? */
extern bool address_in(const uint8 *bytes, const uint8 *prefix, int bits);

/*
 * Takes the address of a socket apart.  An IPv4-mapped IPv6 address becomes
 * the IPv4 address in it, since the kernel sends to that one.  False if the
 * family is neither AF_INET nor AF_INET6; *parts is undefined then.
 */
extern bool address_take(const struct sockaddr *address, AddressParts *parts);

/*
 * Sets parts->family from the 16 bytes of an IPv6 address.  An IPv4-mapped
 * one becomes AF_INET, with its last four bytes moved to the front.
 */
extern void address_unmap(AddressParts *parts);

/*
 * The address that the host of a URL is, in every spelling that resolvers
 * take ("127.1", "0x7f000001", "[::1]"), or the loopback address if the host
 * is "localhost" or ends with ".localhost".  False if it is any other name.
 */
extern bool address_of_host(const char *host, int port,
							struct sockaddr_storage *address);

/*
 * Writes the address as text: "127.0.0.1", "::1"; "?" if its family is
 * neither AF_INET nor AF_INET6.
 */
extern void address_text(const struct sockaddr *address, char *text,
						 size_t size);

#endif							/* WF_ADDRESS_PARTS_H */
