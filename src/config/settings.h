/*
 * settings.h
 *	  Everything under workflow_engine.*
 */
#ifndef WF_SETTINGS_H
#define WF_SETTINGS_H

#include "postgres.h"
#include "config/address.h"
#include "utils/uuid.h"

typedef enum NotifyEvents
{
	NOTIFY_EVENTS_NONE,
	NOTIFY_EVENTS_FAILED,
	NOTIFY_EVENTS_ALL
} NotifyEvents;

extern char *wf_databases;
extern int	wf_workers;
extern int	wf_max_in_flight;
extern int	wf_max_per_host;
extern int	wf_batch_size;
extern int	wf_poll_interval;	/* ms */
extern int	wf_lock_timeout;	/* ms */
extern int	wf_step_timeout;	/* ms */
extern int	wf_http_timeout;	/* ms */
extern int	wf_connect_timeout; /* ms */
extern int	wf_stop_grace;		/* ms */
extern int	wf_max_throttle_wait;	/* ms */
extern int	wf_max_response_size;	/* kB */
extern int	wf_max_output;		/* kB */
extern int	wf_max_payload;		/* kB */
extern int	wf_max_depth;
extern int	wf_notify_events;
extern char *wf_search_path;
extern char *wf_default_run_as;
extern char *wf_secrets_dir;
extern char *wf_ca_file;
extern char *wf_http_proxy;
extern int	wf_clock_offset;	/* s; developer setting */

/*
 * Defines all of them; once per process, in _PG_init.  Values that were set
 * before the library was loaded are taken over, where they are valid.
 */
extern void settings_define(void);

/* Parts of that. */
extern void settings_define_network(void);
extern void settings_define_tenant(void);

/* Is a database of that name among workflow_engine.databases? */
extern bool settings_database_wanted(const char *name);

/* workflow_engine.allowed_hosts, parsed; valid until the next reload. */
extern const AddressList *settings_allowed_hosts(void);

/*
 * Reads what uuid_in reads: 32 hexadecimal digits in either case, a hyphen
 * or none after each group of four, braces around it or none.  False if it
 * is anything else; never raises.
 */
extern bool settings_parse_uuid(const char *text, pg_uuid_t *id);

/* Is this session (or this run) bound, and to whom? */
typedef enum TenantBinding
{
	TENANT_UNBOUND,
	TENANT_NONE,				/* 'none': bound to no tenant at all */
	TENANT_BOUND
} TenantBinding;

/* *tenant_id is set for TENANT_BOUND only. */
extern TenantBinding settings_tenant(pg_uuid_t *tenant_id);

/* May this session see rows of that tenant? */
extern bool settings_tenant_visible(const pg_uuid_t *tenant_id);

#endif							/* WF_SETTINGS_H */
