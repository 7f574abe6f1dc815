/*
 * connection_header.h
 *	  Which headers a connection may set.  Pure.
 */
#ifndef WF_CONNECTION_HEADER_H
#define WF_CONNECTION_HEADER_H

#include "postgres.h"
#include "utils/jsonb.h"

/*
 * NULL, or what is wrong with the names of an object of headers, to follow
 * its key.
 */
extern const char *header_names_problem(const JsonbValue *headers);

/* The same of the value of idempotency_header. */
extern const char *key_header_problem(const JsonbValue *value);

/*
 * Is it among headers too, which may be NULL?  Then one of the two would not
 * be sent.
 */
extern bool key_header_is_set(const JsonbValue *config,
							  const JsonbValue *headers);

#endif							/* WF_CONNECTION_HEADER_H */
