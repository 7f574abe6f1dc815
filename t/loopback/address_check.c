/*
 * address_check.c
 *	  src/config/address*.c, asked through standard input.
 *
 * Compiled by t/050_egress.pl.  One question a line, one answer a line:
 *
 *	list LIST				takes a list: "ok" or "bad ENTRY"
 *	judge ADDRESS			"public" or "refused"
 *	allowed ADDRESS PORT [HOST]		"yes" or "no", by the list
 *	host HOST				the address that it is, or "name"
 *
 * An address that is none answers "none".
 */
#include "postgres.h"
#include "compat.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "config/address.h"

static AddressList *list = NULL;

/* Reads an address strictly, as getaddrinfo leaves it. */
static bool
read_address(const char *text, int port, struct sockaddr_storage *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	in.sin_port = in6.sin6_port = htons((uint16) port);
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(address, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(address, &in6, sizeof(in6));
	else
		return false;
	return true;
}

static void
take_list(const char *text)
{
	const char *bad;
	int			bad_len;

	free(list);
	list = malloc(address_list_room(text));
	if (address_list_parse(text, list, &bad, &bad_len))
	{
		size_t		size = address_list_size(list);
		AddressList *copy = malloc(size);

		memcpy(copy, list, size);
		free(list);
		list = copy;
		puts("ok");
	}
	else
	{
		printf("bad %.*s\n", bad_len, bad);
		free(list);
		list = NULL;
	}
}

static void
answer(char *line)
{
	struct sockaddr_storage address;
	struct sockaddr *sa = (struct sockaddr *) &address;
	char		text[64];
	char		host[300] = "";
	int			port;

	if (strncmp(line, "list ", 5) == 0)
		take_list(line + 5);
	else if (strncmp(line, "host ", 5) == 0)
	{
		strlcpy(text, "name", sizeof(text));
		if (address_of_host(line + 5, 80, &address))
			address_text(sa, text, sizeof(text));
		puts(text);
	}
	else if (sscanf(line, "judge %63s", text) == 1)
		puts(!read_address(text, 0, &address) ? "none"
			 : address_public(sa) ? "public" : "refused");
	else if (sscanf(line, "allowed %63s %d %299s", text, &port, host) >= 2)
		puts(!read_address(text, port, &address) ? "none"
			 : address_allowed(list, sa, host[0] != '\0' ? host : NULL)
			 ? "yes" : "no");
	else
		puts("what?");
}

int
main(void)
{
	char		line[8192];
	struct sockaddr local = {.sa_family = AF_UNIX};

	if (address_public(&local) || address_allowed(NULL, &local, "localhost"))
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
	return 0;
}
