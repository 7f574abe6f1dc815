/*
 * connection_internal.h
 *	  What a connection is made of: for the connection*.c files only.
 */
#ifndef WF_CONNECTION_INTERNAL_H
#define WF_CONNECTION_INTERNAL_H

#include "connection/connection.h"

struct Connection
{
	MemoryContextCallback callback;
	pg_uuid_t	id;
	char	   *name;
	char	   *kind;
	bool		is_shared;		/* the row is for every tenant */
	pg_uuid_t	tenant_id;		/* of the row, unless it is shared */
	Jsonb	   *config;
	Jsonb	   *credentials;
	bool		shown;			/* of connection_find_shown(): credentials is
								 * NULL, since they were not read */
	bool		forgotten;		/* its secrets are overwritten */
};

/* Sets the name and the tenant; from here on its memory is wiped in time. */
extern void connection_keep(Connection *c, const pg_uuid_t *tenant_id,
							const char *name);

/* Raises 42704: there is no such connection. */
extern void connection_raise_none(const char *name) compat_noreturn;

/* Adds the headers of config, unless the step has set the same header. */
extern void connection_add_config_headers(const Connection *c,
										  Request *request);

#endif							/* WF_CONNECTION_INTERNAL_H */
