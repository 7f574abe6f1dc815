/*
 * transfer_guard.c
 *	  The guard of outbound requests: which addresses may be connected to.
 *
 * Runs in a worker, mostly below libcurl's frames.  Nothing but guard_set()
 * allocates memory of PostgreSQL's or raises an error.
 *
 * The author of a workflow may name any host.  Without the guard, requests
 * would reach services of this machine and of its network, which trust
 * whatever comes from here, and the metadata services of clouds.
 *
 * The guard judges the address that a socket is opened to, and not the name
 * before the lookup: the owner of a name could give it a public address for
 * the check and a private one for the connection.  Entries of
 * workflow_engine.allowed_hosts that are names are compared with the host of
 * the URL that is being fetched (CURLINFO_EFFECTIVE_URL).
 *
 * A reused connection was judged when it was opened, perhaps by other
 * settings.  So transfers that start after a change of the settings do not
 * reuse older connections, and the address is judged again before each
 * request.  What a reload forbids is thereby forbidden on open connections
 * too.
 *
 * If the settings name a proxy, every socket is opened to the proxy, which
 * they allow by naming it.  Then the host of the URL is judged, if it is an
 * address.  If it is a name, only the proxy knows its address and can judge
 * it.
 *
 * Owns copies of the two settings; they end with the process.
 */
#include "postgres.h"
#include "compat.h"

#include <limits.h>

#include "config/address.h"
#include "transfer/transfer_guard.h"
#include "transfer/transfer_os.h"
#include "utils/memutils.h"

static AddressList *allowed = NULL; /* allowed_hosts, for the callbacks */
static char *proxy = NULL;		/* http_proxy; NULL: not yet set */
static int64 changed_ms = -1;	/* their last change, by monotonic_ms(); -1:
								 * never */

/* Are both NULL, or both lists the same? */
static bool
same_list(const AddressList *a, const AddressList *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return address_list_size(a) == address_list_size(b) &&
		memcmp(a, b, address_list_size(a)) == 0;
}

void
guard_set(const AddressList *new_allowed, const char *new_proxy)
{
	AddressList *list = NULL;
	char	   *url;

	if (proxy != NULL && strcmp(proxy, new_proxy) == 0 &&
		same_list(allowed, new_allowed))
		return;
	/* the first settings change nothing: there is no connection yet */
	if (proxy != NULL)
		changed_ms = monotonic_ms();
	url = MemoryContextStrdup(TopMemoryContext, new_proxy);
	if (new_allowed != NULL)
	{
		size_t		size = address_list_size(new_allowed);

		list = MemoryContextAlloc(TopMemoryContext, size);
		memcpy(list, new_allowed, size);
	}
	if (allowed != NULL)
		pfree(allowed);
	if (proxy != NULL)
		pfree(proxy);
	allowed = list;
	proxy = url;
}

/*
 * A part of the URL that is being fetched, for curl_free(); NULL if the URL
 * cannot be parsed or memory is short.
 */
static char *
url_part(Transfer *t, CURLUPart part, unsigned int flags)
{
	const char *url = NULL;
	CURLU	   *parsed = curl_url();
	char	   *value = NULL;

	(void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (parsed == NULL || url == NULL ||
		curl_url_set(parsed, CURLUPART_URL, url, CURLU_URLENCODE |
					 CURLU_PATH_AS_IS) != CURLUE_OK ||
		curl_url_get(parsed, part, &value, flags) != CURLUE_OK)
		value = NULL;
	curl_url_cleanup(parsed);
	return value;
}

/*
 * The host as it is looked up, for curl_free(): an international name in its
 * ASCII form.  NULL if it has none: its characters may be ones that the lookup
 * takes for digits of an address, which could then not be judged.
 */
static char *
url_host(Transfer *t)
{
	return url_part(t, CURLUPART_HOST, CURLU_PUNYCODE);
}

/* May the proxy be asked for what t fetches?  If not, its host is in what. */
static bool
target_allowed(Transfer *t, char *what, size_t size)
{
	char	   *host = url_host(t);
	char	   *port = url_part(t, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	struct sockaddr_storage address;
	bool		ok = host != NULL && port != NULL;

	if (ok && address_of_host(host, atoi(port), &address))
		ok = address_allowed(allowed, (struct sockaddr *) &address, host);
	if (!ok)
		strlcpy(what, host != NULL ? host : "an unknown address", size);
	curl_free(host);
	curl_free(port);
	return ok;
}

/*
 * May t have a connection to the address?  If not, what is forbidden, the
 * address or the proxy's target, is written into what, for people.
 */
static bool
connection_allowed(Transfer *t, const struct sockaddr *address, char *what,
				   size_t size)
{
	char	   *host;
	bool		ok;

	if (t->proxied)
		return target_allowed(t, what, size);
	/* the URL is parsed only if its host decides */
	if (address_allowed(allowed, address, NULL))
		return true;
	host = url_host(t);
	ok = address_allowed(allowed, address, host);
	curl_free(host);
	if (!ok)
		address_text(address, what, size);
	return ok;
}

/*
 * libcurl's callback: opens the socket to one address of the host.  If the
 * address is refused, libcurl goes on to the host's next one.
 */
static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	Transfer   *t = arg;
	int			fd;

	if (purpose != CURLSOCKTYPE_IPCXN ||
		!connection_allowed(t, &address->addr, t->refused_address,
							sizeof(t->refused_address)))
		return CURL_SOCKET_BAD;
	t->socket_opened = true;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
				address->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* Notes that the transfer failed because what is forbidden. */
static void
refuse(Transfer *t, const char *what)
{
	transfer_fail(t, FAILURE_REFUSED,
				  "connections to %s are not allowed "
				  "(workflow_engine.allowed_hosts)", what);
}

bool
guard_connection(Transfer *t, const char *ip, int port)
{
	struct sockaddr_storage address;
	char		what[sizeof(t->refused_address)];

	/* what guard_result() asks is about the next connection only */
	t->refused_address[0] = '\0';
	t->socket_opened = false;
	if (ip == NULL || !address_of_host(ip, port, &address))
	{
		refuse(t, "an unknown address");
		return false;
	}
	if (connection_allowed(t, (struct sockaddr *) &address, what,
						   sizeof(what)))
		return true;
	refuse(t, what);
	return false;
}

/* If a socket was opened to another address, that one failed by itself. */
void
guard_result(Transfer *t, CURLcode code)
{
	if (code != CURLE_OK && t->refused_address[0] != '\0' && !t->socket_opened)
		refuse(t, t->refused_address);
}

/*
 * Keeps t from reusing a connection that was opened before the last change of
 * the settings.  libcurl compares ages in whole seconds, so a second more is
 * subtracted: that refuses some younger connections and no older one is used.
 */
static CURLcode
renew_connections(Transfer *t)
{
	CURLcode	rc = CURLE_OK;
	int64		seconds;

	if (changed_ms < 0)
		return rc;
	seconds = (monotonic_ms() - changed_ms) / 1000 - 1;
	if (seconds <= 0)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	else
		SET(CURLOPT_MAXLIFETIME_CONN, (long) Min(seconds, INT_MAX));
	return rc;
}

CURLcode
guard_options(Transfer *t)
{
	CURLcode	rc = renew_connections(t);

	t->proxied = t->protocol == TRANSFER_HTTP && proxy != NULL &&
		proxy[0] != '\0';
	/* "" and "*": else libcurl takes what the environment says */
	SET(CURLOPT_PROXY, t->proxied ? proxy : "");
	SET(CURLOPT_NOPROXY, t->proxied ? "" : "*");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	return rc;
}
