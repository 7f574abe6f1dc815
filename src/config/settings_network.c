/*
 * settings_network.c
 *	  The settings of the servers that requests may go to: allowed_hosts and
 *	  http_proxy.
 *
 * Runs where settings.c runs, of which it is a part.  The list of hosts is
 * parsed when it is checked.  The parsed form is the "extra" of the setting's
 * value: the server keeps and frees it with the value.
 */
#include "postgres.h"
#include "compat.h"

#include "config/settings_network.h"
#include "utils/guc.h"

#define PREFIX "workflow_engine."

char	   *wf_http_proxy;		/* written by the server, at a reload */

static char *allowed_hosts_text;	/* what SHOW prints */
static const AddressList *allowed_hosts;	/* the same, parsed */

static bool
check_allowed_hosts(char **value, void **extra, GucSource source)
{
	AddressList *list = guc_malloc(LOG, address_list_room(*value));
	const char *bad;
	int			bad_len;

	if (list == NULL)
		return false;
	if (address_list_parse(*value, list, &bad, &bad_len))
	{
		*extra = list;
		return true;
	}
	guc_free(list);
	GUC_check_errdetail("\"%.*s\" is no host name, address or network.",
						bad_len, bad);
	GUC_check_errhint("Entries look like example.com, *.example.com, "
					  "10.1.2.3, 10.0.0.0/8, fd00::/8, each with a port or "
					  "not: example.com:8080, [fd00::/8]:8080.");
	return false;
}

static void
assign_allowed_hosts(const char *value, void *extra)
{
	allowed_hosts = extra;
}

const AddressList *
settings_allowed_hosts(void)
{
	return allowed_hosts;
}

/*
 * Nothing, or http://host:port or https://host:port.  Credentials would be
 * shown to everybody by SHOW.
 */
static bool
check_http_proxy(char **value, void **extra, GucSource source)
{
	const char *host = *value;
	size_t		len;

	if (*host == '\0')
		return true;
	if (pg_strncasecmp(host, "http://", 7) == 0)
		host += 7;
	else if (pg_strncasecmp(host, "https://", 8) == 0)
		host += 8;
	if (strchr(host, '@') != NULL)
	{
		GUC_check_errdetail("The proxy must be named without credentials.");
		return false;
	}
	len = strspn(host, "0123456789abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]");
	if (host != *value && len > 0 &&
		(host[len] == '\0' || strcmp(host + len, "/") == 0))
		return true;
	GUC_check_errdetail("It must be empty or look like "
						"http://proxy.example.com:3128.");
	return false;
}

void
settings_define_network(void)
{
	DefineCustomStringVariable(PREFIX "allowed_hosts",
							   "Hosts that requests may be sent to though "
							   "their addresses are not public.",
							   "Host names, *.suffix, addresses and networks "
							   "(10.0.0.0/8), separated by commas, each with "
							   ":port or not; empty: requests go to public "
							   "addresses only. A name lets in every address "
							   "that it has. Changed in the configuration "
							   "file with a reload.",
							   &allowed_hosts_text, "", PGC_SIGHUP,
							   GUC_LIST_INPUT, check_allowed_hosts,
							   assign_allowed_hosts, NULL);
	DefineCustomStringVariable(PREFIX "http_proxy",
							   "Proxy that HTTP requests go through.",
							   "http://host:port or https://host:port, "
							   "without credentials; empty: none. The "
							   "environment's proxies are never used, and "
							   "mail goes without one. Changed in the "
							   "configuration file with a reload.",
							   &wf_http_proxy, "", PGC_SIGHUP, 0,
							   check_http_proxy, NULL, NULL);
}
