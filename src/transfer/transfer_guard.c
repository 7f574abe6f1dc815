/*
 * transfer_guard.c
 *	  Who may be connected to: the guard of outbound requests.
 *
 * Runs in a worker, below libcurl's frames: nothing here raises or pallocs
 * but guard_set().
 *
 * What is judged is the address that a socket is opened to, after the name
 * lookup and for every redirect: a name that is given another address a
 * moment later gains nothing.  Entries of workflow_engine.allowed_hosts that
 * are names are compared with the host of the URL that is being fetched;
 * libcurl sets it (CURLINFO_EFFECTIVE_URL) before it connects for a redirect.
 *
 * A connection that is reused was judged when it was opened, but perhaps by
 * other settings.  So those of before a change are not reused by what starts
 * after it, and the address is judged again before each request: what a
 * reload has shut is shut for old connections too.
 *
 * With a proxy of the settings every socket is opened to the proxy, which
 * the settings let in; then the host of the URL is judged where it is an
 * address, and which address a name has is the proxy's to know.
 *
 * Owns copies of the two settings.
 */
#include "postgres.h"
#include "compat.h"

#include <limits.h>

#include "config/address.h"
#include "transfer/transfer_guard.h"
#include "transfer/transfer_os.h"
#include "utils/memutils.h"

static AddressList *allowed = NULL;
static char *proxy = NULL;
static int64 changed_ms = -1;	/* of the monotonic clock, -1: never */

/* Are both NULL, or the same? */
static bool
same_list(const AddressList *a, const AddressList *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return address_list_size(a) == address_list_size(b) &&
		memcmp(a, b, address_list_size(a)) == 0;
}

/* Takes the settings: allowed may be NULL, proxy "" or a URL. */
void
guard_set(const AddressList *new_allowed, const char *new_proxy)
{
	AddressList *list = NULL;
	char	   *url;

	if (proxy != NULL && strcmp(proxy, new_proxy) == 0 &&
		same_list(allowed, new_allowed))
		return;
	if (proxy != NULL)			/* not the first time */
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
 * A part of the URL that is being fetched, for curl_free(); NULL where it
 * cannot be had.
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
 * The host as it is looked up: an international name in its ASCII form, and
 * NULL where it has none, since its letters may be those of an address.
 */
static char *
url_host(Transfer *t)
{
	return url_part(t, CURLUPART_HOST, CURLU_PUNYCODE);
}

/* May the proxy be asked for what t fetches?  If not, what is its host. */
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
 * May t have a connection to the address?  If not, what it may not be
 * connected to is left in what.
 */
static bool
connection_allowed(Transfer *t, const struct sockaddr *address, char *what,
				   size_t size)
{
	char	   *host;
	bool		ok;

	if (t->proxied)
		return target_allowed(t, what, size);
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
 * Opens the socket to an address that a name was resolved to.  Where it is
 * refused libcurl goes on to the name's next address.
 */
static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	Transfer   *t = arg;
	int			fd;

	if (purpose != CURLSOCKTYPE_IPCXN ||
		!connection_allowed(t, &address->addr, t->shut, sizeof(t->shut)))
		return CURL_SOCKET_BAD;
	t->opened = true;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
				address->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static void
refuse(Transfer *t, const char *what)
{
	transfer_fail(t, FAILURE_REFUSED,
				  "connections to %s are not allowed "
				  "(workflow_engine.allowed_hosts)", what);
}

/*
 * Connected, or a connection of before is to be reused.  False, with the
 * failure noted, where a request may not be sent there.
 */
bool
guard_connection(Transfer *t, const char *ip, int port)
{
	struct sockaddr_storage address;
	char		what[sizeof(t->shut)];

	/* the next one will be to another host: a redirect's */
	t->shut[0] = '\0';
	t->opened = false;
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

/* No connection came about: was that because all its addresses are shut? */
void
guard_result(Transfer *t, CURLcode code)
{
	if (code != CURLE_OK && t->shut[0] != '\0' && !t->opened)
		refuse(t, t->shut);
}

/*
 * No connection that was opened before the last change is reused.  libcurl
 * compares ages in whole seconds, so some that are a little younger are not
 * either.
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

/* The proxy, and the callback that judges. */
CURLcode
guard_options(Transfer *t)
{
	CURLcode	rc = renew_connections(t);

	t->proxied = t->protocol == TRANSFER_HTTP && proxy != NULL &&
		proxy[0] != '\0';
	SET(CURLOPT_PROXY, t->proxied ? proxy : "");
	SET(CURLOPT_NOPROXY, t->proxied ? "" : "*");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	return rc;
}
