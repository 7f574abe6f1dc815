/*
 * connection_header.h
 *	  Which headers a connection may set.  Pure.
 */
#ifndef WF_CONNECTION_HEADER_H
#define WF_CONNECTION_HEADER_H

#include "postgres.h"
#include "utils/jsonb.h"

/*
 * NULL, or what is wrong with an object of headers or with their names, to
 * stand after the object's key.  Palloc'd or constant.
 */
extern const char *header_names_problem(const JsonbValue *headers);

/* The same for the value of "idempotency_header". */
extern const char *key_header_problem(const JsonbValue *value);

/*
 * Is the header that config's "idempotency_header" names among headers too?
 * Then one of the two would not be sent.  headers may be NULL.
 */
extern bool key_header_is_set(const JsonbValue *config,
							  const JsonbValue *headers);

#endif							/* WF_CONNECTION_HEADER_H */
