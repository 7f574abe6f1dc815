/*
 * transfer_queue.c
 *	  Which transfer starts next: a queue for each host, and turns.
 *
 * Runs in a worker.  A transfer belongs to one host (scheme, name and port)
 * and waits in that host's queue until it may start.  The hosts with waiting
 * transfers stand in a ring and take turns, so that a slow host delays its own
 * transfers alone.
 *
 * Owns the hosts and the ring.  They are lost with the process.
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_queue.h"
#include "utils/hsearch.h"

typedef struct HostEntry
{
	char		name[QUEUE_HOST_NAME];
	TransferHost host;
} HostEntry;

/* Hosts with queued or active transfers: HostEntry by name. */
static HTAB *hosts = NULL;

static dlist_head ring;			/* hosts with waiting transfers */
static int	nwaiting = 0;		/* hosts in the ring */
static int	nqueued = 0;		/* transfers in the queues of all hosts */

void
queue_start(MemoryContext context)
{
	HASHCTL		info = {0};

	Assert(hosts == NULL);
	dlist_init(&ring);
	info.keysize = QUEUE_HOST_NAME;
	info.entrysize = sizeof(HostEntry);
	info.hcxt = context;
	hosts = hash_create("workflow_engine hosts", 64, &info,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* The host of that name; it is made if it does not exist. */
static TransferHost *
host_enter(const char *name)
{
	bool		found;
	HostEntry  *entry = hash_search(hosts, name, HASH_ENTER, &found);

	if (!found)
	{
		memset(&entry->host, 0, sizeof(entry->host));
		entry->host.name = entry->name;
		dlist_init(&entry->host.queue);
	}
	return &entry->host;
}

/* Forgets the host if no transfer of it is queued or active. */
static void
host_leave(TransferHost *host)
{
	if (host->active == 0 && host->waiting == 0)
		(void) hash_search(hosts, host->name, HASH_REMOVE, NULL);
}

void
queue_put(Transfer *t, const char *name)
{
	TransferHost *host = host_enter(name);

	t->host = host;
	dlist_push_tail(&host->queue, &t->node);
	nqueued++;
	if (host->waiting++ == 0)
	{
		dlist_push_tail(&ring, &host->node);
		nwaiting++;
	}
}

Transfer *
queue_take(int max_per_host)
{
	for (int i = nwaiting; i > 0; i--)
	{
		TransferHost *host = dlist_container(TransferHost, node,
											 dlist_pop_head_node(&ring));
		Transfer   *t = NULL;

		if (host->active < max_per_host)
		{
			t = dlist_container(Transfer, node,
								dlist_pop_head_node(&host->queue));
			host->waiting--;
			host->active++;
			nqueued--;
		}
		/* its turn is over, whether it could take it or not */
		if (host->waiting > 0)
			dlist_push_tail(&ring, &host->node);
		else
			nwaiting--;
		if (t != NULL)
			return t;
	}
	return NULL;
}

void
queue_remove(Transfer *t)
{
	Assert(t->state == STATE_QUEUED);
	dlist_delete(&t->node);
	nqueued--;
	if (--t->host->waiting == 0)
	{
		dlist_delete(&t->host->node);
		nwaiting--;
	}
	host_leave(t->host);
	t->host = NULL;
}

void
queue_leave(Transfer *t)
{
	Assert(t->state == STATE_ACTIVE && t->host->active > 0);
	t->host->active--;
	host_leave(t->host);
	t->host = NULL;
}

int
queue_length(void)
{
	return nqueued;
}
