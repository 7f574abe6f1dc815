/*
 * settings.c
 *	  The settings: their defaults, ranges, checks and documentation.
 *
 * Runs in every process that loads the library.  If the library is preloaded,
 * that is the postmaster, and every process that it forks inherits the
 * settings.  If not, it is each backend that calls one of our functions; the
 * values that were set before as placeholders are taken over then.  Workers
 * and the launcher follow a reload.
 *
 * Owns the variables of the settings, but for those of settings_network.c and
 * settings_tenant.c.  What survives a process is in the configuration files
 * and in pg_db_role_setting.
 *
 * Check hooks raise no error: they say what is wrong by GUC_check_errdetail()
 * and return false.  The server then writes the message, since it knows
 * whether this is a SET, a reload or the start.
 */
#include "postgres.h"
#include "compat.h"

#include "config/settings.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#define PREFIX "workflow_engine."

/*
 * The values of the settings, as settings.h documents them.  They are globals
 * because the server writes them, at a SET and at a reload.
 */
char	   *wf_databases;
int			wf_workers;
int			wf_max_in_flight;
int			wf_max_per_host;
int			wf_batch_size;
int			wf_poll_interval;
int			wf_lock_timeout;
int			wf_step_timeout;
int			wf_http_timeout;
int			wf_connect_timeout;
int			wf_stop_grace;
int			wf_max_throttle_wait;
int			wf_max_response_size;
int			wf_max_output;
int			wf_max_payload;
int			wf_max_depth;
int			wf_retention;
int			wf_notify_events;
char	   *wf_search_path;
char	   *wf_default_run_as;
char	   *wf_site;
bool		wf_strict_definitions;
char	   *wf_secrets_dir;
char	   *wf_ca_file;
int			wf_clock_offset;

static const struct config_enum_entry notify_events_options[] = {
	{"none", NOTIFY_EVENTS_NONE, false},
	{"failed", NOTIFY_EVENTS_FAILED, false},
	{"all", NOTIFY_EVENTS_ALL, false},
	{NULL, 0, false}
};

typedef struct IntSetting
{
	const char *name;
	int		   *variable;
	int			dflt;
	int			min;
	int			max;
	GucContext	context;
	int			flags;
	const char *short_desc;
	const char *long_desc;
	GucIntCheckHook check;
} IntSetting;

static bool check_retention(int *value, void **extra, GucSource source);

static const IntSetting int_settings[] = {
	{PREFIX "workers", &wf_workers, 2, 0, 32, PGC_SIGHUP, 0,
		"Number of workers per database.",
		"From 0 to 32; with 0, nothing is executed and fired runs wait. "
		"Each worker takes one of max_worker_processes. Changed in the "
	"configuration file with a reload."},
	{PREFIX "max_in_flight", &wf_max_in_flight, 256, 1, 10000, PGC_SIGHUP, 0,
		"Number of requests that a worker has under way at once.",
		"From 1 to 10000; the limit on open files may allow fewer. Changed "
	"in the configuration file with a reload."},
	{PREFIX "max_per_host", &wf_max_per_host, 32, 1, 10000, PGC_SIGHUP, 0,
		"Number of requests that a worker has under way to one host at once.",
		"From 1 to 10000; further requests to that host wait for their turn. "
	"Changed in the configuration file with a reload."},
	{PREFIX "batch_size", &wf_batch_size, 1000, 1, 1000, PGC_SIGHUP, 0,
		"Number of runs that a worker advances in one transaction.",
		"From 1 to 1000, as long as that takes a few milliseconds: then the "
		"transaction ends with fewer. Changed in the configuration file with "
	"a reload."},
	{PREFIX "poll_interval", &wf_poll_interval, 5000, 10, 3600 * 1000,
		PGC_SIGHUP, GUC_UNIT_MS,
		"Time after which an idle worker looks for work unasked.",
		"In milliseconds if no unit is given, from 10 ms to 1 h. Catches "
		"what no wake-up announced, such as runs of a prepared transaction. "
	"Changed in the configuration file with a reload."},
	{PREFIX "lock_timeout", &wf_lock_timeout, 5000, 1, 3600 * 1000,
		PGC_SIGHUP, GUC_UNIT_MS,
		"Longest time that a step waits for one lock.",
		"In milliseconds if no unit is given, from 1 ms to 1 h. Changed "
	"in the configuration file with a reload."},
	{PREFIX "step_timeout", &wf_step_timeout, 60 * 1000, 1, 86400 * 1000,
		PGC_SIGHUP, GUC_UNIT_MS,
		"Longest time that a step within the database takes, if it has no "
		"timeout of its own.",
		"In milliseconds if no unit is given, from 1 ms to 1 d. Changed "
	"in the configuration file with a reload."},
	{PREFIX "http_timeout", &wf_http_timeout, 30 * 1000, 1, 3600 * 1000,
		PGC_SIGHUP, GUC_UNIT_MS,
		"Longest time that a request takes from its start to the last byte "
		"of the answer, if its step has no timeout of its own.",
		"In milliseconds if no unit is given, from 1 ms to 1 h; mail "
	"too. Changed in the configuration file with a reload."},
	{PREFIX "connect_timeout", &wf_connect_timeout, 5000, 1, 600 * 1000,
		PGC_SIGHUP, GUC_UNIT_MS,
		"Longest time that a request takes to be connected.",
		"In milliseconds if no unit is given, from 1 ms to 10 min; "
		"includes the name lookup and the TLS handshake. Changed in the "
	"configuration file with a reload."},
	{PREFIX "stop_grace", &wf_stop_grace, 5000, 0, 30 * 1000, PGC_SIGHUP,
		GUC_UNIT_MS,
		"Longest time that a worker which is told to end waits for answers "
		"under way.",
		"In milliseconds where no unit is given, from 0 to 30 s; a stop of "
		"the server takes up to that much longer. Changed in the "
	"configuration file with a reload."},
	{PREFIX "max_throttle_wait", &wf_max_throttle_wait, 3600 * 1000, 0,
		7 * 86400 * 1000, PGC_SIGHUP, GUC_UNIT_MS,
		"Longest time that a step waits in all because its provider asks "
		"to.",
		"In milliseconds where no unit is given, from 0 to 7 d; then the "
	"step fails. Changed in the configuration file with a reload."},
	{PREFIX "max_response_size", &wf_max_response_size, 1024, 1, 64 * 1024,
		PGC_SIGHUP, GUC_UNIT_KB,
		"Largest body of an answer that is read.",
		"In kilobytes if no unit is given, from 1 kB to 64 MB; a larger "
		"one fails the step. Changed in the configuration file with a "
	"reload."},
	{PREFIX "max_output", &wf_max_output, 16, 1, 1024, PGC_SIGHUP,
		GUC_UNIT_KB,
		"Largest input and largest output of a step that history keeps.",
		"In kilobytes if no unit is given, from 1 kB to 1 MB, for each of "
		"the two; more is cut and marked as truncated. Changed in the "
	"configuration file with a reload."},
	{PREFIX "max_payload", &wf_max_payload, 1024, 1, 64 * 1024, PGC_SUSET,
		GUC_UNIT_KB,
		"Largest payload that a workflow can be fired with.",
		"In kilobytes if no unit is given, from 1 kB to 64 MB. Superusers "
	"and roles granted SET on it can change it for a session."},
	{PREFIX "max_depth", &wf_max_depth, 16, 1, 1000, PGC_SUSET, 0,
		"Number of workflows that may fire each other in a chain.",
		"From 1 to 1000; firing beyond it is an error. Superusers and roles "
	"granted SET on it can change it for a session."},
	{PREFIX "retention", &wf_retention, -1, -1, 10000 * SECS_PER_DAY,
		PGC_SIGHUP, GUC_UNIT_S,
		"Time after its end for which a run is kept.",
		"In seconds if no unit is given, such as 90d, from 1 h to 10000 d; "
		"-1 keeps all. Older runs are deleted by the workers, failed ones and "
		"idempotency keys too. Changed in the configuration file with a "
		"reload.",
	check_retention},
	{PREFIX "clock_offset", &wf_clock_offset, 0, -315360000, 315360000,
		PGC_SUSET, GUC_UNIT_S | GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL,
		"Moves the engine's clock, for tests.",
		"In seconds if no unit is given, ten years either way. A "
	"developer setting. Superusers can change it for a session."},
};

/*--- lists of names ---*/

/*
 * Calls work for the elements of a list of identifiers, as search_path has
 * them: in lower case unless they are quoted.  Returns false if the syntax of
 * the list is wrong, or if work returns false for an element.
 */
static bool
every_name(const char *list, bool (*work) (const char *name, void *arg),
		   void *arg)
{
	char	   *copy = pstrdup(list);
	List	   *names;
	bool		ok = SplitIdentifierString(copy, ',', &names);
	ListCell   *cell;

	foreach(cell, names)
		ok = ok && work((const char *) lfirst(cell), arg);
	list_free(names);
	pfree(copy);
	return ok;
}

static bool
is_any_name(const char *name, void *arg)
{
	return true;
}

static bool
has_no_asterisk(const char *name, void *arg)
{
	return strchr(name, '*') == NULL;
}

static bool
is_other_name(const char *name, void *arg)
{
	return strcmp(name, (const char *) arg) != 0;
}

static bool
check_databases(char **value, void **extra, GucSource source)
{
	if (strcmp(*value, "*") == 0)
		return true;
	if (!every_name(*value, is_any_name, NULL))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	if (!every_name(*value, has_no_asterisk, NULL))
	{
		GUC_check_errdetail("\"*\" means every database and stands alone.");
		return false;
	}
	return true;
}

bool
settings_database_wanted(const char *name)
{
	return strcmp(wf_databases, "*") == 0 ||
		!every_name(wf_databases, is_other_name, unconstify(char *, name));
}

char *
settings_step_path(void)
{
	return wf_search_path[0] ? psprintf("%s, pg_temp", wf_search_path)
		: pstrdup("pg_temp");
}

static bool
check_name_list(char **value, void **extra, GucSource source)
{
	if (every_name(*value, is_any_name, NULL))
		return true;
	GUC_check_errdetail("List syntax is invalid.");
	return false;
}

/*--- files ---*/

/*
 * An absolute path, or nothing.  A relative one would be below the data
 * directory, in which workers run.
 */
static bool
check_path(char **value, void **extra, GucSource source)
{
	if (**value == '\0' || is_absolute_path(*value))
		return true;
	GUC_check_errdetail("The path must be absolute.");
	return false;
}

/*--- times ---*/

/*
 * What is deleted is lost: so 90 or 0, by which somebody may mean days or
 * never, is not taken for 90 seconds or at once.
 */
static bool
check_retention(int *value, void **extra, GucSource source)
{
	if (*value == -1 || *value >= SECS_PER_HOUR)
		return true;
	GUC_check_errdetail("It must be at least 1 h, or -1 to keep all runs.");
	GUC_check_errhint("Give a unit, such as \"90d\".");
	return false;
}

/*--- definition ---*/

static void
define_int_settings(void)
{
	int			i;

	for (i = 0; i < lengthof(int_settings); i++)
	{
		const IntSetting *s = &int_settings[i];

		DefineCustomIntVariable(s->name, s->short_desc, s->long_desc,
								s->variable, s->dflt, s->min, s->max,
								s->context, s->flags, s->check, NULL, NULL);
	}
}

static void
define_text_settings(void)
{
	DefineCustomStringVariable(PREFIX "databases",
							   "Databases that workers run in.",
							   "\"*\" for every database that has the "
							   "extension, or names separated by commas, in "
							   "double quotes if a name is not in lower "
							   "case; empty for none. Changed in the "
							   "configuration file with a reload.",
							   &wf_databases, "*", PGC_SIGHUP,
							   GUC_LIST_INPUT, check_databases, NULL, NULL);
	DefineCustomStringVariable(PREFIX "search_path",
							   "Schemas in which steps look for tables and "
							   "functions named without one.",
							   "Names separated by commas, as in search_path. "
							   "Changed in the configuration file with a "
							   "reload.",
							   &wf_search_path, "public", PGC_SIGHUP,
							   GUC_LIST_INPUT, check_name_list, NULL, NULL);
	DefineCustomStringVariable(PREFIX "default_run_as",
							   "Role that new definitions run as, if they "
							   "name none.",
							   "The name of a role to which the writer can "
							   "SET ROLE; empty, or any other: the writer's "
							   "own role. Superusers and roles granted SET "
							   "on it can change it for a session.",
							   &wf_default_run_as, "", PGC_SUSET, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable(PREFIX "secrets_dir",
							   "Directory of the files that credentials "
							   "refer to.",
							   "An absolute path, readable by the server: "
							   "those of rows for all tenants, and a "
							   "directory for each tenant's; "
							   "empty: no credential is read from a file. "
							   "Changed in the configuration file with a "
							   "reload; shown to superusers and "
							   "pg_read_all_settings.",
							   &wf_secrets_dir, "", PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY, check_path, NULL, NULL);
	DefineCustomStringVariable(PREFIX "ca_file",
							   "File of the certificate authorities that TLS "
							   "connections trust.",
							   "An absolute path of a PEM file; empty: the "
							   "system's. Changed in the configuration file "
							   "with a reload; shown to superusers and "
							   "pg_read_all_settings.",
							   &wf_ca_file, "", PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY, check_path, NULL, NULL);
}

/*
 * A server that does not preload the library may not define a setting that is
 * fixed at its start.  There a reload changes it, and no worker runs.
 */
static void
define_site(void)
{
	DefineCustomStringVariable(PREFIX "site",
							   "Tells copies of a server from each other.",
							   "Any text, in which the copy and the original "
							   "differ: runs that were fired under another "
							   "one stand still until wf_accept_place is "
							   "called. Changed in the configuration file "
							   "with a restart.",
							   &wf_site, "",
							   process_shared_preload_libraries_in_progress
							   ? PGC_POSTMASTER : PGC_SIGHUP, 0,
							   NULL, NULL, NULL);
}

void
settings_define(void)
{
	define_int_settings();
	define_text_settings();
	define_site();
	settings_define_network();
	DefineCustomBoolVariable(PREFIX "strict_definitions",
							 "Refuses definitions that do not fit the "
							 "database.",
							 "A definition that names a table, column, "
							 "connection or mail template that is not there, "
							 "or that its role may not use, is refused; off: "
							 "it is saved with a warning. Superusers and "
							 "roles granted SET on it can change it for a "
							 "session.",
							 &wf_strict_definitions, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomEnumVariable(PREFIX "notify_events",
							 "Ends of runs that are announced on channel "
							 "workflow_events.",
							 "none, failed or all. Changed in the "
							 "configuration file with a reload.",
							 &wf_notify_events, NOTIFY_EVENTS_FAILED,
							 notify_events_options, PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
	settings_define_tenant();
	MarkGUCPrefixReserved("workflow_engine");
}
