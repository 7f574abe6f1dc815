/*
 * config.h
 *	  The configuration file.
 */
#ifndef WF_CONFIG_H
#define WF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define CONFIG_PROXIES 8
#define CONFIG_LANGUAGES 8
#define CONFIG_ERROR 512

/* Lives as long as the program; texts are owned by it. */
typedef struct Config
{
	char	   *listen_path;	/* of a Unix socket, else NULL */
	struct sockaddr_storage listen_address;
	socklen_t	listen_length;
	char	   *listen;			/* as it is written */
	char	   *url;			/* scheme, host and port, in lower case */
	const char *url_host;		/* host and port in it, as Host has them */
	bool		url_https;
	bool		url_loopback;
	int			url_port;
	char	   *proxies[CONFIG_PROXIES];	/* as inet_ntop writes them */
	int			nproxies;
	char	   *database;		/* a connection string, without a role */
	bool		allow_superuser;
	char	   *languages[CONFIG_LANGUAGES];
	int			nlanguages;
	char	   *tenant_label;	/* "en:branch/branches,ar:...", or NULL */
	int			session_idle;	/* seconds */
	int			session_total;	/* seconds */
	int			request_time;	/* seconds */
	int			max_sessions;
} Config;

extern bool config_parse(Config *config, const char *text, char *error);
extern bool config_read(Config *config, const char *path, char *error);
extern void config_free(Config *config);
extern bool config_is_proxy(const Config *config, const char *address);

#endif							/* WF_CONFIG_H */
