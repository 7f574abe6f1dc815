/*
 * connection_check_internal.h
 *	  The keys of a row of workflow_connections: connection_check*.c only.
 */
#ifndef WF_CONNECTION_CHECK_INTERNAL_H
#define WF_CONNECTION_CHECK_INTERNAL_H

#include "base/problems.h"

#define IN_CONFIG 1
#define IN_CREDENTIALS 2

/*
 * A key.  problem returns NULL, or what is wrong with the value, to stand
 * after the key's name; secret says that the value is in credentials.
 */
typedef struct ConnectionKey
{
	const char *name;
	int			place;			/* IN_CONFIG, IN_CREDENTIALS or both */
	bool		required;
	const char *(*problem) (const JsonbValue *value, bool secret);
} ConnectionKey;

/* A number, or a text that is not empty and may stand in a header. */
extern const char *connection_text_problem(const JsonbValue *value,
										   bool secret);

/* A literal secret, or the name of its file. */
extern const char *connection_secret_problem(const JsonbValue *value,
											 bool secret);

/* An address of HTTP to which a path can be added. */
extern const char *connection_base_url_problem(const JsonbValue *value,
											   bool secret);

/* The first problem that a member of an object has. */
extern const char *connection_each_problem(const JsonbValue *value,
										   bool secret,
										   const char *(*problem)
										   (const JsonbValue *, bool));

/*
 * Checks the members of an object, called path in problems, against the keys
 * of that place; the keys end with NULL.
 */
extern void connection_check_members(const ConnectionKey *keys, int place,
									 const JsonbValue *object,
									 const char *path, Problems *problems);

/*--- connection_check_http.c ---*/

extern const ConnectionKey connection_http_keys[];

/* What depends on several keys of a connection of kind http. */
extern void connection_check_http(const JsonbValue *config,
								  const JsonbValue *credentials,
								  Problems *problems);

#endif							/* WF_CONNECTION_CHECK_INTERNAL_H */
