/*
 * worker_settings.c
 *	  PostgreSQL's own settings in a worker's session.
 *
 * Runs in a worker.  A session gets what ALTER DATABASE and ALTER ROLE ... SET
 * have set when it connects.  Other sessions end some time; a worker lives as
 * long as the server, so it reads that anew when it has changed.  The commit
 * of such a command is counted in shared memory (commit_wakeup.c), and before
 * each tick the worker compares the count.
 *
 * Settings that the engine's promises depend on are fixed above all that.
 *
 * Owns the count that it has seen, and a list while it reads.  The settings'
 * records are PostgreSQL's.  This file changes what they say of where their
 * values come from, as the server itself does when a line is removed from
 * postgresql.conf.  Nothing of it outlives the process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/transaction.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_db_role_setting.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "shared/commit_wakeup.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "worker/worker_settings.h"

static uint32 seen;				/* the count, when they were last read */
static List *loosened = NIL;	/* of struct config_generic *; kept if an
								 * error ends the reading, see loosen */

void
worker_begin_settings(void)
{
	seen = wakeup_settings_count();
}

/*
 * By ALTER DATABASE ... SET session_authorization the owner of a database
 * could make a worker act as another role.  In a backend that has no effect,
 * since its user is set before; in a worker it is not.  To set it looks up a
 * role, which needs a transaction.
 */
static void
guard_user(void)
{
	begin_transaction();
	SetConfigOption("session_authorization",
					GetUserNameFromId(BOOTSTRAP_SUPERUSERID, false),
					PGC_SUSET, PGC_S_OVERRIDE);
	CommitTransactionCommand();
}

/*
 * What ALTER DATABASE or ALTER ROLE ... SET may bring would change what the
 * engine promises.  A step that resets all settings gets these values.
 */
void
worker_guard_settings(void)
{
	static const char *const guarded[][2] = {
		{"role", "none"},
		{"search_path", "pg_catalog, pg_temp"},
		{"synchronous_commit", "on"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"session_replication_role", "origin"},
		{"row_security", "on"},
		{"DateStyle", "ISO"},
		{"IntervalStyle", "postgres"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "1"},
		{"lc_monetary", "C"},
		{"statement_timeout", "0"},
		{"lock_timeout", "5s"},
		{"idle_in_transaction_session_timeout", "0"},
		{"workflow_engine.tenant_id", "none"},
		COMPAT_GUARDED_SETTINGS
	};

	guard_user();
	for (int i = 0; i < lengthof(guarded); i++)
		SetConfigOption(guarded[i][0], guarded[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
}

/*
 * What would let a step end its worker cannot be set here at all: the step
 * gets PostgreSQL's error for a setting that is fixed at the server's start.
 */
void
worker_pin_settings(void)
{
	static const char *const pinned[] = {COMPAT_PINNED_SETTINGS};
	int			n;
	struct config_generic **settings = compat_all_settings(&n);

	for (int i = 0; i < lengthof(pinned); i++)
	{
		SetConfigOption(pinned[i], "0", PGC_SUSET, PGC_S_OVERRIDE);
		for (int k = 0; k < n; k++)
			if (strcmp(settings[k]->name, pinned[i]) == 0)
				settings[k]->context = PGC_POSTMASTER;
	}
}

/* Does a value come from ALTER DATABASE or ALTER ROLE ... SET? */
static bool
is_from_catalog(GucSource source)
{
	return source >= PGC_S_GLOBAL && source <= PGC_S_DATABASE_USER;
}

/*
 * Makes settings whose values are from the catalog give way to what is there
 * now, even if that is of a lower rank (of the database, say, after what was
 * set for the role is gone).  They are remembered until all is done, so that
 * an error in between loses none.
 */
static void
loosen(void)
{
	int			n;
	struct config_generic **settings = compat_all_settings(&n);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	for (int i = 0; i < n; i++)
	{
		struct config_generic *setting = settings[i];

		if (!is_from_catalog(setting->reset_source))
			continue;
		setting->reset_source = PGC_S_DYNAMIC_DEFAULT;
		if (is_from_catalog(setting->source))
			setting->source = PGC_S_DYNAMIC_DEFAULT;
		loosened = lappend(loosened, setting);
	}
	MemoryContextSwitchTo(old);
}

/* What a session of this role in this database begins with. */
static void
read_catalog(void)
{
	Relation	rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	Snapshot	snapshot = GetCatalogSnapshot(DbRoleSettingRelationId);
	Oid			role = GetSessionUserId();

	snapshot = RegisterSnapshot(snapshot);
	ApplySetting(snapshot, MyDatabaseId, role, rel, PGC_S_DATABASE_USER);
	ApplySetting(snapshot, InvalidOid, role, rel, PGC_S_USER);
	ApplySetting(snapshot, MyDatabaseId, InvalidOid, rel, PGC_S_DATABASE);
	ApplySetting(snapshot, InvalidOid, InvalidOid, rel, PGC_S_GLOBAL);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}

/*
 * Sets those that the catalog does not have any more to their defaults.
 * Returns whether there are any.
 */
static bool
set_to_defaults(void)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, loosened)
	{
		struct config_generic *setting = lfirst(lc);

		if (setting->reset_source != PGC_S_DYNAMIC_DEFAULT)
			continue;
		compat_forget_source(setting);
		(void) set_config_option(setting->name, NULL, PGC_SUSET,
								 PGC_S_DEFAULT, GUC_ACTION_SET, true, 0,
								 false);
		any = true;
	}
	return any;
}

void
worker_follow_settings(void)
{
	uint32		now = wakeup_settings_count();
	bool		defaults;

	if (now == seen)
		return;
	begin_transaction();
	loosen();
	read_catalog();
	defaults = set_to_defaults();
	CommitTransactionCommand();
	list_free(loosened);
	loosened = NIL;
	if (defaults)
	{
		ProcessConfigFile(PGC_SIGHUP);	/* it may have them */
		ConfigReloadPending = true; /* the worker's loop does the rest */
	}
	seen = now;
}
