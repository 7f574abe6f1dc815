/*
 * address.h
 *	  Which addresses a request may be sent to.  Pure.
 */
#ifndef WF_ADDRESS_H
#define WF_ADDRESS_H

#include "postgres.h"

#include <sys/socket.h>

/* The list of workflow_engine.allowed_hosts, parsed: one flat block. */
typedef struct AddressList AddressList;

/* Bytes that the parsed form of a list takes at most. */
extern size_t address_list_room(const char *text);

/*
 * Parses a list into that much room.  False where an entry is none:
 * *bad and *bad_len are it then.  Allocates and raises nothing.
 */
extern bool address_list_parse(const char *text, AddressList *list,
							   const char **bad, int *bad_len);

/* Bytes that a parsed list really takes, for a copy of it. */
extern size_t address_list_size(const AddressList *list);

/*
 * Is it an address of the internet?  False for those of this machine, of its
 * network, of groups, and for those that are nobody's or that lead to such.
 */
extern bool address_public(const struct sockaddr *address);

/*
 * May a connection be made to the address, which was given for that host
 * (NULL: not known)?  list may be NULL.
 */
extern bool address_allowed(const AddressList *list,
							const struct sockaddr *address, const char *host);

/*
 * The address that a host of a URL is, in any spelling that resolvers take,
 * or the loopback address for the names that are this machine.  False where
 * it is another name.
 */
extern bool address_of_host(const char *host, int port,
							struct sockaddr_storage *address);

/* An address as text in a buffer: "127.0.0.1", "::1", "?" for what is none. */
extern void address_text(const struct sockaddr *address, char *text,
						 size_t size);

#endif							/* WF_ADDRESS_H */
