/*
 * settings_tenant.h
 *	  workflow_engine.tenant_id: the tenant that this session is bound to.
 */
#ifndef WF_SETTINGS_TENANT_H
#define WF_SETTINGS_TENANT_H

#include "postgres.h"
#include "utils/uuid.h"

/* What this session, or the step that executes, is bound to. */
typedef enum TenantBinding
{
	TENANT_UNBOUND,				/* no binding: the rows of all tenants */
	TENANT_NONE,				/* 'none': no rows at all */
	TENANT_BOUND				/* the rows of one tenant */
} TenantBinding;

/* Defines the setting; a part of settings_define(). */
extern void settings_define_tenant(void);

/* The binding; *tenant_id is set if it is TENANT_BOUND, else untouched. */
extern TenantBinding settings_tenant(pg_uuid_t *tenant_id);

/* May this session see rows of that tenant?  If it is unbound, of any. */
extern bool settings_tenant_visible(const pg_uuid_t *tenant_id);

/*
 * Reads what uuid_in reads: 32 hexadecimal digits in either case, a hyphen
 * or none after each group of four, braces around it or none.  False if text
 * is anything else; *id is undefined then.  Raises no error.
 */
extern bool settings_parse_uuid(const char *text, pg_uuid_t *id);

#endif							/* WF_SETTINGS_TENANT_H */
