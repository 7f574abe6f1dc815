/*
 * main.c
 *	  wf_console: the admin console of workflow_engine.
 *
 * Reads its arguments and the configuration, takes from the process what it
 * does not need, and serves.  No memory of it can be read by others of the
 * same user, and it leaves no core: passwords pass through it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "api.h"
#include "check.h"
#include "server.h"

#define CONFIG_FILE "/etc/wf_console.conf"

static const char usage[] =
	"wf_console serves the admin console of workflow_engine.\n"
	"\n"
	"  wf_console [--config FILE]                     serves\n"
	"  wf_console [--config FILE] --check [--role R]  says what is missing;\n"
	"                                                 with a role it signs in,\n"
	"                                                 password on standard input\n"
	"  wf_console --version\n"
	"  wf_console --help\n"
	"\n"
	"The configuration is " CONFIG_FILE " unless FILE is another one.\n";

typedef struct Arguments
{
	const char *config;
	const char *role;
	bool		check;
} Arguments;

/* False: there is one that is not known, or without its value. */
static bool
read_arguments(Arguments *arguments, int argc, char **argv)
{
	memset(arguments, 0, sizeof(*arguments));
	arguments->config = CONFIG_FILE;
	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--check") == 0)
			arguments->check = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			arguments->config = argv[++i];
		else if (strcmp(argv[i], "--role") == 0 && i + 1 < argc)
			arguments->role = argv[++i];
		else
			return false;
	}
	return arguments->role == NULL || arguments->check;
}

static void
protect(void)
{
	struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	database_clear_environment();
}

static int
run(const Config *config, const Database *database, const Arguments *arguments)
{
	char		error[CONFIG_ERROR];
	int			listener;

	if (arguments->check)
		return check_run(config, database, arguments->role);
	listener = server_descriptors(config, error)
		? server_listen(config, error) : -1;
	if (listener < 0)
	{
		fprintf(stderr, "wf_console: %s\n", error);
		return 1;
	}
	return server_run(config, database, listener);
}

int
main(int argc, char **argv)
{
	Arguments	arguments;
	Config		config;
	Database   *database = NULL;
	char		error[CONFIG_ERROR];
	int			status = 1;

	protect();
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("wf_console " CONSOLE_VERSION) < 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (!read_arguments(&arguments, argc, argv))
	{
		fputs(usage, stderr);
		return 2;
	}
	if (config_read(&config, arguments.config, error))
		database = database_new(config.database, error);
	if (database == NULL)
		fprintf(stderr, "wf_console: %s\n", error);
	else
	{
		status = run(&config, database, &arguments);
		database_free(database);
	}
	config_free(&config);
	return status;
}
