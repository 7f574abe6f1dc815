/*
 * throttle.c
 *	  How often a sign-in may be tried: once a second from an address, and of a
 *	  role from an address ever more rarely after the third failure, up to once
 *	  in 15 minutes; and how many PostgreSQL is asked about at once.
 *
 * A role is never locked: who guesses its password from one address keeps
 * nobody at another one out.  IPv6 addresses of one network (/64) are one.
 *
 * A table of fixed size, in memory: an entry that was not asked for longest
 * makes room.  Times are milliseconds of a clock that only goes forward.
 */
#include "throttle.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define ENTRIES 2048
#define PACE 1000				/* between two tries from an address */
#define FREE_FAILURES 3			/* these cost nothing but the pace */
#define LONGEST ((int64_t) 900 * 1000)
#define FORGET ((int64_t) 3600 * 1000)	/* so long after the last failure */

typedef struct Entry
{
	char		key[128];		/* "" is a free one */
	int64_t		used;			/* when it was last asked for */
	int64_t		last;			/* the last try, or the last failure */
	int			failures;
} Entry;

struct Throttle
{
	int			pending;		/* tries that PostgreSQL has not answered */
	Entry		entries[ENTRIES];
};

Throttle *
throttle_new(void)
{
	return text_alloc(sizeof(Throttle));
}

void
throttle_free(Throttle *throttle)
{
	free(throttle);
}

/* Writes the key of a role (NULL: none) at an address. */
static void
make_key(char *key, size_t size, const char *role, const char *address)
{
	struct in6_addr v6;
	char		network[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, address, &v6) == 1)
	{
		memset(v6.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &v6, network, sizeof(network));
		address = network;
	}
	snprintf(key, size, "%s%s%s", address, role ? " " : "", role ? role : "");
}

/* The entry of a key; with make, one is there afterwards, else NULL. */
static Entry *
find(Throttle *throttle, const char *key, bool make, int64_t now)
{
	Entry	   *oldest = &throttle->entries[0];

	for (int i = 0; i < ENTRIES; i++)
	{
		Entry	   *entry = &throttle->entries[i];

		if (strcmp(entry->key, key) == 0)
		{
			entry->used = now;
			return entry;
		}
		if (entry->key[0] == '\0' || (oldest->key[0] != '\0' &&
									  entry->used < oldest->used))
			oldest = entry;
	}
	if (!make)
		return NULL;
	memset(oldest, 0, sizeof(*oldest));
	snprintf(oldest->key, sizeof(oldest->key), "%s", key);
	oldest->used = now;
	return oldest;
}

/* How long after its last failure the next try may come, milliseconds. */
static int64_t
delay(int failures)
{
	int64_t		ms = 1000;

	if (failures < FREE_FAILURES)
		return 0;
	for (int i = FREE_FAILURES; i <= failures && ms < LONGEST; i++)
		ms *= 2;
	return ms < LONGEST ? ms : LONGEST;
}

/*
 * Whether a role may try now: 0, and the try is counted, until
 * throttle_answered; else after how many seconds it may.
 */
int
throttle_ask(Throttle *throttle, const char *role, const char *address,
			 int64_t now)
{
	char		key[128];
	Entry	   *entry;
	int64_t		wait = 0;

	if (throttle->pending >= THROTTLE_PENDING)
		return 1;
	make_key(key, sizeof(key), role, address);
	entry = find(throttle, key, false, now);
	if (entry != NULL && now - entry->last > FORGET)
		entry->failures = 0;
	if (entry != NULL)
		wait = entry->last + delay(entry->failures) - now;
	make_key(key, sizeof(key), NULL, address);
	entry = find(throttle, key, true, now);
	if (entry->last != 0 && entry->last + PACE - now > wait)
		wait = entry->last + PACE - now;
	if (wait > 0)
		return (int) ((wait + 999) / 1000);
	entry->last = now;
	throttle->pending++;
	return 0;
}

/*
 * PostgreSQL has answered a try, or is not asked any more: another one may
 * begin, also before the person of a refused try has the answer, which is held
 * back for a moment.
 */
void
throttle_answered(Throttle *throttle)
{
	throttle->pending--;
}

void
throttle_failed(Throttle *throttle, const char *role, const char *address,
				int64_t now)
{
	char		key[128];
	Entry	   *entry;

	make_key(key, sizeof(key), role, address);
	entry = find(throttle, key, true, now);
	if (entry->failures < 100)
		entry->failures++;
	entry->last = now;
}

void
throttle_passed(Throttle *throttle, const char *role, const char *address)
{
	char		key[128];
	Entry	   *entry;

	make_key(key, sizeof(key), role, address);
	entry = find(throttle, key, false, 0);
	if (entry != NULL)
		memset(entry, 0, sizeof(*entry));
}
