/*
 * resolver.c
 *	  Names for a test: a getaddrinfo() that is preloaded (LD_PRELOAD).
 *
 * The file that WF_TEST_NAMES names has lines "NAME ADDRESS"; it is read at
 * each lookup, so that a name can change its address as one that rebinds
 * does.  A name has all its lines' addresses in order; a dot at its end is as
 * good as none.  Other names are the C library's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef int (*Lookup) (const char *, const char *, const struct addrinfo *,
					   struct addrinfo **);

int
getaddrinfo(const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **result)
{
	Lookup		real = (Lookup) dlsym(RTLD_NEXT, "getaddrinfo");
	const char *names = getenv("WF_TEST_NAMES");
	FILE	   *file = node && names ? fopen(names, "r") : NULL;
	struct addrinfo **end = result;
	int			found = 0;
	size_t		len = node ? strlen(node) : 0;
	char		name[256];
	char		address[64];

	if (file == NULL)
		return real(node, service, hints, result);
	if (len > 0 && node[len - 1] == '.')
		len--;
	while (fscanf(file, "%255s %63s", name, address) == 2)
	{
		if (strlen(name) != len || strncasecmp(name, node, len) != 0 ||
			real(address, service, hints, end) != 0)
			continue;
		found = 1;
		while (*end != NULL)
			end = &(*end)->ai_next;
	}
	fclose(file);
	return found ? 0 : real(node, service, hints, result);
}
