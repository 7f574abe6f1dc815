/*
 * address.h
 *	  Which addresses a request may be sent to.  Pure.
 */
#ifndef WF_ADDRESS_H
#define WF_ADDRESS_H

#include "config/address_list.h"

/*
 * Is it a public address of the internet?  False for the addresses of this
 * machine, of private networks, of multicast groups, for reserved ones, and
 * for IPv6 addresses that a gateway turns into one of those.
 */
extern bool address_public(const struct sockaddr *address);

/*
 * May a connection be made to the address?  It may if the address is public,
 * or if the list (which may be NULL) allows it.  host is the name that the
 * address was found for, or NULL if it is not known.
 */
extern bool address_allowed(const AddressList *list,
							const struct sockaddr *address, const char *host);

#endif							/* WF_ADDRESS_H */
