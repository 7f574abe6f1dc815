/*
 * settings.h
 *	  The settings workflow_engine.*
 */
#ifndef WF_SETTINGS_H
#define WF_SETTINGS_H

#include "postgres.h"
#include "config/settings_network.h"
#include "config/settings_tenant.h"

typedef enum NotifyEvents
{
	NOTIFY_EVENTS_NONE,
	NOTIFY_EVENTS_FAILED,
	NOTIFY_EVENTS_ALL
} NotifyEvents;

/* Their values; docs/settings.md tells what they mean. */
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
extern int	wf_retention;		/* s; -1: runs are kept */
extern int	wf_notify_events;
extern char *wf_search_path;
extern char *wf_default_run_as;
extern char *wf_site;
extern bool wf_strict_definitions;
extern char *wf_secrets_dir;
extern char *wf_ca_file;
extern int	wf_clock_offset;	/* s; developer setting */

/*
 * Defines all of them; once per process, in _PG_init().  Valid values that
 * were set before the library was loaded are taken over.
 */
extern void settings_define(void);

/*
 * The search_path of steps: workflow_engine.search_path, and pg_temp last, so
 * that no temporary table is taken for another.  Palloc'd.
 */
extern char *settings_step_path(void);

/*
 * Is a database of that name, as pg_database has it, among
 * workflow_engine.databases?  It allocates in the current memory context and
 * frees that again.
 */
extern bool settings_database_wanted(const char *name);

#endif							/* WF_SETTINGS_H */
