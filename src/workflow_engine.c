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

#include "api/trigger_hook.h"
#include "config/settings.h"
#include "launcher/launcher.h"
#include "launcher/server_hooks.h"
#include "miscadmin.h"
#include "shared/shared_memory.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	settings_define();
	trigger_hook_install();
	if (!process_shared_preload_libraries_in_progress)
		return;

	shared_memory_install();
	server_hooks_install();
	if (!IsBinaryUpgrade)
		launcher_register();
}
