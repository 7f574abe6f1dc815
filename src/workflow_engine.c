/*
 * workflow_engine.c
 *	  The library's entry: what is set up when it is loaded.
 *
 * Runs in the postmaster where the library is in shared_preload_libraries,
 * and then everything here is there in all its processes.  Loaded later, by
 * a backend that calls one of our functions, it has its settings and its
 * functions: runs queue, and no worker executes them.
 */
#include "postgres.h"
#include "compat.h"

#include "hooks.h"
#include "hooks_trigger.h"
#include "launcher.h"
#include "miscadmin.h"
#include "queue.h"
#include "settings.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	settings_define();
	hooks_trigger_install();
	if (!process_shared_preload_libraries_in_progress)
		return;

	queue_install();
	hooks_install();
	if (!IsBinaryUpgrade)
		launcher_register();
}
