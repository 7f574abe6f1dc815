/*
 * address_list.h
 *	  The list of workflow_engine.allowed_hosts.  Pure.
 */
#ifndef WF_ADDRESS_LIST_H
#define WF_ADDRESS_LIST_H

#include "config/address_parts.h"

/*
 * A parsed list: one block without pointers, which may be copied byte by
 * byte.
 */
typedef struct AddressList AddressList;

/* The most bytes that the parsed form of text may take. */
extern size_t address_list_room(const char *text);

/*
 * Parses text into list, which has address_list_room(text) bytes.  False if
 * an entry is malformed: *bad and *bad_len are that entry then, in text.
 * Allocates nothing and raises no error.
 */
extern bool address_list_parse(const char *text, AddressList *list,
							   const char **bad, int *bad_len);

/* The bytes that a parsed list really takes, for a copy of it. */
extern size_t address_list_size(const AddressList *list);

/*
 * Does an entry allow the address?  host is the name that the address was
 * found for, or NULL if it is not known; entries that are names match it.
 */
extern bool address_list_has(const AddressList *list,
							 const AddressParts *parts, const char *host);

#endif							/* WF_ADDRESS_LIST_H */
