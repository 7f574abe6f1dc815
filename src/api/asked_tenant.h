/*
 * asked_tenant.h
 *	  Whose rows a function with an argument tenant_id tells of.
 */
#ifndef WF_ASKED_TENANT_H
#define WF_ASKED_TENANT_H

#include "postgres.h"
#include "api/run_query.h"
#include "fmgr.h"
#include "utils/uuid.h"

typedef enum AskedTenant
{
	ASKED_ALL,					/* the session is not bound, and names none */
	ASKED_ONE,
	ASKED_NOBODY				/* no tenant that this session may see */
} AskedTenant;

/*
 * The tenant that is argument number argument (NULL: all that the session may
 * see), narrowed by the session's binding.  *tenant is set if it is ASKED_ONE.
 */
extern AskedTenant asked_tenant(FunctionCallInfo fcinfo, int argument,
								pg_uuid_t *tenant);

/* The tenant of a function that has no such argument. */
extern AskedTenant asked_tenant_of_session(pg_uuid_t *tenant);

/*
 * Begins a statement, in the current memory context.  In its text $1 is the
 * tenant, and each %a becomes whether all are meant: true (tenant is NULL; $1
 * is then of no meaning) or false.  So "(%a OR tenant_id = $1)" becomes one of
 * its sides when it is planned.  Further parameters begin with $2.
 */
extern void asked_tenant_query(RunQuery *query, const char *sql,
							   const pg_uuid_t *tenant);

#endif							/* WF_ASKED_TENANT_H */
