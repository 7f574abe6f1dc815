/*
 * grant.h
 *	  What each capability consists of.
 */
#ifndef WF_GRANT_H
#define WF_GRANT_H

#include "postgres.h"

typedef enum Capability
{
	CAPABILITY_FIRE = 1,
	CAPABILITY_VIEW = 2,
	CAPABILITY_OPERATE = 4,
	CAPABILITY_ADMIN = 8
} Capability;

#define NCAPABILITIES 4

/*
 * A privilege on an object, and the capabilities that include it, as a mask;
 * %t is the extension's schema.
 */
typedef struct Privilege
{
	int			capabilities;
	const char *what;
	const char *on;
	const char *since;			/* the SQL version that it came with; NULL:
								 * 1.0 */
	const char *until;			/* the one that dropped it; NULL: none */
} Privilege;

/*
 * The next privilege of any of these capabilities after the given one (NULL:
 * the first), on an object that the installed SQL version has; or NULL.
 */
extern const Privilege *grant_next(const Privilege *after, int capabilities);

/*
 * Grants a role, a quoted identifier, what the capabilities consist of.
 * Within SPI.  Raises what GRANT does.
 */
extern void grant_capabilities(const char *role, int capabilities);

/* Executes a GRANT or REVOKE.  Within SPI.  Raises what that does. */
extern void grant_execute(const char *sql);

#endif							/* WF_GRANT_H */
