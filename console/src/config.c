/*
 * config.c
 *	  The configuration file: "key = value" lines, "#" begins a comment.
 *
 * Read once at the start.  What is refused is refused in words that say what
 * to write instead, with the number of the line.  Knows nothing of
 * PostgreSQL: the connection string is looked at by database.c.
 */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "label.h"
#include "text.h"

#define MAX_FILE 65536

/* Says why, in the caller's buffer; always false. */
static bool __attribute__((format(printf, 2, 3)))
refuse(char *error, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(error, CONFIG_ERROR, format, args);
	va_end(args);
	return false;
}

/* A port, 1 to 65535; 0: it is none. */
static int
port_of(const char *s)
{
	char	   *end;
	long		port;

	if (!isdigit((unsigned char) s[0]))
		return 0;
	port = strtol(s, &end, 10);
	return *end == '\0' && port > 0 && port < 65536 ? (int) port : 0;
}

static bool
set_unix(Config *config, const char *path, char *error)
{
	struct sockaddr_un *un = (struct sockaddr_un *) &config->listen_address;

	if (path[0] != '/' || strlen(path) >= sizeof(un->sun_path))
		return refuse(error, "listen: \"%s\" is no path of a socket: it begins"
					  " with / and has less than %zu characters", path,
					  sizeof(un->sun_path));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	config->listen_length = sizeof(*un);
	config->listen_path = text_copy(path, strlen(path));
	return true;
}

/* 127.0.0.1:8480, [::1]:8480 or unix:/run/wf_console.sock. */
static bool
set_listen(Config *config, const char *value, char *error)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) &config->listen_address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &config->listen_address;
	const char *colon = strrchr(value, ':');
	char		host[64] = "";
	int			port;

	config->listen = text_copy(value, strlen(value));
	if (strncmp(value, "unix:", 5) == 0)
		return set_unix(config, value + 5, error);
	port = colon ? port_of(colon + 1) : 0;
	if (port == 0 || (size_t) (colon - value) >= sizeof(host))
		return refuse(error, "listen: \"%s\" is no address and port, such as"
					  " 127.0.0.1:8480, and no unix:/path", value);
	memcpy(host, value, colon - value);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1 &&
		ntohl(v4->sin_addr.s_addr) >> 24 == 127)
	{
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		config->listen_length = sizeof(*v4);
		return true;
	}
	if (strcmp(host, "[::1]") == 0)
	{
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_loopback;
		v6->sin6_port = htons(port);
		config->listen_length = sizeof(*v6);
		return true;
	}
	return refuse(error, "listen: \"%s\" is not an address of this machine"
				  " alone: take 127.0.0.1, [::1] or unix:/path, and put a proxy"
				  " with TLS before it", value);
}

/* Whether a host as it stands in an address is this machine. */
static bool
is_loopback_name(const char *host, size_t len)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

	for (int i = 0; i < 3; i++)
		if (strlen(names[i]) == len && strncasecmp(host, names[i], len) == 0)
			return true;
	return false;
}

/* Splits host and port off; false: it is no such thing. */
static bool
split_url(Config *config)
{
	const char *host = config->url_host;
	const char *end = host[0] == '[' ? strchr(host, ']') : host;
	const char *colon = end ? strchr(end, ':') : NULL;
	size_t		len = colon ? (size_t) (colon - host) : strlen(host);

	if (end == NULL || len == 0 || strspn(host,
		"abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != strlen(host))
		return false;
	config->url_port = config->url_https ? 443 : 80;
	if (colon != NULL)
	{
		int			usual = config->url_port;

		config->url_port = port_of(colon + 1);
		if (config->url_port == usual)	/* browsers leave it out */
			config->url[colon - config->url] = '\0';
	}
	/* https has one name and one origin, also on this machine */
	config->url_loopback = !config->url_https && is_loopback_name(host, len);
	return config->url_port != 0;
}

/* https://host, or http:// and this machine. */
static bool
set_url(Config *config, const char *value, char *error)
{
	char	   *url = text_copy(value, strlen(value));

	config->url = url;
	for (char *p = url; *p; p++)
		*p = tolower((unsigned char) *p);
	if (strlen(url) > 0 && url[strlen(url) - 1] == '/')
		url[strlen(url) - 1] = '\0';
	config->url_https = strncmp(url, "https://", 8) == 0;
	if (!config->url_https && strncmp(url, "http://", 7) != 0)
		return refuse(error, "url: \"%s\" does not begin with https:// or"
					  " http://", value);
	config->url_host = url + (config->url_https ? 8 : 7);
	if (!split_url(config))
		return refuse(error, "url: \"%s\" is not a scheme, a host and perhaps"
					  " a port, and nothing else", value);
	if (!config->url_https && !config->url_loopback)
		return refuse(error, "url: \"%s\" must be https://, since a browser"
					  " keeps the session's cookie only then (http:// is for"
					  " 127.0.0.1, localhost and [::1])", value);
	return true;
}

/* Cuts the next element of a list off; NULL: there is none. */
static char *
next_element(char **rest)
{
	char	   *start = *rest;
	char	   *comma = start ? strchr(start, ',') : NULL;
	size_t		len;

	if (start == NULL)
		return NULL;
	*rest = comma ? comma + 1 : NULL;
	if (comma != NULL)
		*comma = '\0';
	start += strspn(start, " \t");
	len = strlen(start);
	while (len > 0 && isspace((unsigned char) start[len - 1]))
		start[--len] = '\0';
	return start;
}

static bool
set_proxies(Config *config, char *value, char *error)
{
	char	   *one;

	while ((one = next_element(&value)) != NULL)
	{
		struct in6_addr binary;
		char		text[INET6_ADDRSTRLEN];
		int			family = strchr(one, ':') ? AF_INET6 : AF_INET;

		if (inet_pton(family, one, &binary) != 1)
			return refuse(error, "trusted_proxy: \"%s\" is no address", one);
		if (config->nproxies == CONFIG_PROXIES)
			return refuse(error, "trusted_proxy: more than %d", CONFIG_PROXIES);
		inet_ntop(family, &binary, text, sizeof(text));
		config->proxies[config->nproxies++] = text_copy(text, strlen(text));
	}
	return true;
}

static bool
set_languages(Config *config, char *value, char *error)
{
	char	   *one;

	while ((one = next_element(&value)) != NULL)
	{
		size_t		len = strlen(one);

		if (len != 2 || !islower((unsigned char) one[0]) ||
			!islower((unsigned char) one[1]))
			return refuse(error, "languages: \"%s\" is no language of two"
						  " letters, such as ar", one);
		if (config->nlanguages == CONFIG_LANGUAGES)
			return refuse(error, "languages: more than %d", CONFIG_LANGUAGES);
		config->languages[config->nlanguages++] = text_copy(one, len);
	}
	return true;
}

/* What a tenant is called, and several of them: en: branch/branches, ... */
static bool
set_label(Config *config, char *value, char *error)
{
	char	   *written = text_copy(value, strlen(value));
	bool		ok = true;
	Text		labels;
	char	   *one;

	text_init(&labels);
	while (ok && (one = next_element(&value)) != NULL)
		ok = label_add(&labels, one);
	if (ok)
		config->tenant_label = text_copy(labels.data + 1, labels.len - 1);
	else
		refuse(error, "tenant_label: \"%.200s\" is not, for each language, a"
			   " word for one and a word for several, such as en:"
			   " branch/branches, ar: \u0627\u0644\u0641\u0631\u0639/"
			   "\u0627\u0644\u0641\u0631\u0648\u0639", written);
	text_free(&labels);
	free(written);
	return ok;
}

static bool
set_flag(bool *flag, const char *key, const char *value, char *error)
{
	*flag = strcmp(value, "on") == 0;
	return *flag || strcmp(value, "off") == 0 ||
		refuse(error, "%s: \"%s\" is neither on nor off", key, value);
}

/* A number with a unit of that list, 1 to max in the smallest unit. */
static bool
set_number(int *number, const char *key, const char *value, bool is_time,
		   int max, char *error)
{
	char	   *end;
	long		n = strtol(value, &end, 10);
	long		unit = 1;

	end += strspn(end, " ");
	if (is_time)
		unit = strcmp(end, "s") == 0 ? 1 : strcmp(end, "min") == 0 ? 60 :
			strcmp(end, "h") == 0 ? 3600 : 0;
	else if (*end != '\0')
		unit = 0;
	if (unit == 0 || n < 1 || n > max / unit)
		return refuse(error, is_time ? "%s: \"%s\" is no time of 1 s to %d s"
					  " (s, min and h are the units)" :
					  "%s: \"%s\" is no number from 1 to %d", key, value, max);
	*number = (int) (n * unit);
	return true;
}

static bool
set(Config *config, const char *key, char *value, char *error)
{
	if (strcmp(key, "listen") == 0)
		return set_listen(config, value, error);
	if (strcmp(key, "url") == 0)
		return set_url(config, value, error);
	if (strcmp(key, "trusted_proxy") == 0)
		return set_proxies(config, value, error);
	if (strcmp(key, "languages") == 0)
		return set_languages(config, value, error);
	if (strcmp(key, "tenant_label") == 0)
		return set_label(config, value, error);
	if (strcmp(key, "allow_superuser") == 0)
		return set_flag(&config->allow_superuser, key, value, error);
	if (strcmp(key, "session_idle") == 0)
		return set_number(&config->session_idle, key, value, true, 1800,
						  error);
	if (strcmp(key, "session_total") == 0)
		return set_number(&config->session_total, key, value, true, 43200,
						  error);
	if (strcmp(key, "request_time") == 0)
		return set_number(&config->request_time, key, value, true, 30, error);
	if (strcmp(key, "max_sessions") == 0)
		return set_number(&config->max_sessions, key, value, false, 64, error);
	if (strcmp(key, "database") == 0)
	{
		config->database = text_copy(value, strlen(value));
		return true;
	}
	return refuse(error, "there is no \"%s\": the keys are listen, url,"
				  " trusted_proxy, database, allow_superuser, languages,"
				  " tenant_label,"
				  " session_idle, session_total, request_time and"
				  " max_sessions", key);
}

/* What only all of it together tells. */
static bool
check(const Config *config, char *error)
{
	if (config->listen == NULL || config->url == NULL ||
		config->database == NULL)
		return refuse(error, "%s is missing",
					  config->listen == NULL ? "listen" :
					  config->url == NULL ? "url" : "database");
	if (config->url_https && config->nproxies == 0 &&
		config->listen_path == NULL)
		return refuse(error, "trusted_proxy is missing: with https the browser"
					  " talks to a proxy, and its address says whose"
					  " X-Forwarded-For is believed");
	return true;
}

/*
 * Takes a line, "key = value" with a NUL after it.  seen has the keys of the
 * lines before, each between two line feeds.
 */
static bool
take_line(Config *config, char *line, Text *seen, char *error)
{
	char	   *key = line + strspn(line, " \t\r");
	char	   *equals = strchr(key, '=');
	char		mark[64];
	char	   *value;
	size_t		len;

	if (*key == '\0' || *key == '#')
		return true;
	if (equals == NULL)
		return refuse(error, "\"%.60s\" is not of the form key = value", key);
	value = equals + 1 + strspn(equals + 1, " \t");
	*equals = '\0';
	key[strcspn(key, " \t")] = '\0';
	for (char *p = value; *p; p++)	/* a comment after the value */
		if (*p == '#' && (p == value || isspace((unsigned char) p[-1])))
			*p-- = '\0';
	len = strlen(value);
	while (len > 0 && isspace((unsigned char) value[len - 1]))
		value[--len] = '\0';
	if (len == 0)
		return refuse(error, "%.60s has no value", key);
	snprintf(mark, sizeof(mark), "\n%.60s\n", key);
	if (strstr(seen->data, mark) != NULL)
		return refuse(error, "%.60s is there twice", key);
	text_adds(seen, mark);
	return set(config, key, value, error);
}

/*
 * Reads all of a file's text into config, which the caller frees in any case.
 * error has CONFIG_ERROR bytes, for what is refused.
 */
bool
config_parse(Config *config, const char *text, char *error)
{
	char	   *copy = text_copy(text, strlen(text));
	char	   *line = copy;
	Text		seen;
	bool		ok = true;

	memset(config, 0, sizeof(*config));
	config->session_idle = 1800;
	config->session_total = 43200;
	config->request_time = 30;
	config->max_sessions = 64;
	text_init(&seen);
	for (int number = 1; ok && line != NULL; number++)
	{
		char	   *end = strchr(line, '\n');
		char		why[CONFIG_ERROR];

		if (end != NULL)
			*end = '\0';
		ok = take_line(config, line, &seen, why);
		if (!ok)
			refuse(error, "line %d: %.480s", number, why);
		line = end ? end + 1 : NULL;
	}
	text_free(&seen);
	free(copy);
	if (ok && config->nlanguages == 0)
	{
		config->languages[config->nlanguages++] = text_copy("en", 2);
		config->languages[config->nlanguages++] = text_copy("ar", 2);
	}
	return ok && check(config, error);
}

/* The same of a file. */
bool
config_read(Config *config, const char *path, char *error)
{
	char	   *text = text_alloc(MAX_FILE + 1);
	FILE	   *file = fopen(path, "re");
	size_t		len;
	bool		ok;

	memset(config, 0, sizeof(*config));
	len = file ? fread(text, 1, MAX_FILE, file) : 0;
	if (file == NULL || ferror(file))
		ok = refuse(error, "%.300s cannot be read: %s", path,
					strerror(errno));
	else if (len == MAX_FILE || strlen(text) != len)
		ok = refuse(error, "%.300s is no configuration file", path);
	else
		ok = config_parse(config, text, error);
	if (file != NULL)
		fclose(file);
	free(text);
	return ok;
}

void
config_free(Config *config)
{
	free(config->listen_path);
	free(config->listen);
	free(config->url);
	free(config->database);
	free(config->tenant_label);
	for (int i = 0; i < config->nproxies; i++)
		free(config->proxies[i]);
	for (int i = 0; i < config->nlanguages; i++)
		free(config->languages[i]);
	memset(config, 0, sizeof(*config));
}

/* Whether what this address says of others is believed. */
bool
config_is_proxy(const Config *config, const char *address)
{
	for (int i = 0; i < config->nproxies; i++)
		if (strcmp(config->proxies[i], address) == 0)
			return true;
	return false;
}
