/*
 * address_internal.h
 *	  What the two files of addresses share, and nobody else sees.
 *
 * address.c			judging an address
 * address_list.c		the list of workflow_engine.allowed_hosts
 */
#ifndef WF_ADDRESS_INTERNAL_H
#define WF_ADDRESS_INTERNAL_H

#include "config/address.h"

typedef struct AddressParts
{
	int			family;			/* AF_INET or AF_INET6 */
	int			port;			/* in host order */
	uint8		bytes[16];		/* 4 for AF_INET; in network order */
} AddressParts;

/*--- address.c ---*/
extern bool address_in(const uint8 *bytes, const uint8 *prefix, int bits);
extern bool address_take(const struct sockaddr *address, AddressParts *parts);
extern void address_unmap(AddressParts *parts);

/*--- address_list.c ---*/
extern bool address_list_has(const AddressList *list,
							 const AddressParts *parts, const char *host);

#endif							/* WF_ADDRESS_INTERNAL_H */
