/*
 * shared_memory.c
 *	  Shared memory: asks for it, and gives each file of this folder its part.
 *
 * Runs in the postmaster, at its start, and again after a crash of one of its
 * processes: the postmaster then throws the memory away and makes it anew.
 * Nothing of it survives that, nor the server; crashed_step.c and set_aside.c
 * carry over what must.
 *
 * Owns the server's hooks that it calls next.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "shared/shared.h"
#include "shared/shared_memory.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define TRANCHE "workflow_engine"

/* crashed_step.c isolates definitions, so it comes after set_aside.c. */
static const SharedPart *const parts[] = {
	&worker_slot_part,
	&due_queue_part,
	&gate_part,
	&set_aside_part,
	&crashed_step_part,
	&long_step_part,
	&database_block_part,
	&extension_check_part,
	&commit_wakeup_part
};

/* Written by attach_memory, and inherited by every process. */
static bool attached = false;

/* The hooks that were there before ours. */
static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
request_memory(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	for (int i = 0; i < lengthof(parts); i++)
		RequestAddinShmemSpace(MAXALIGN(parts[i]->size));
	RequestNamedLWLockTranche(TRANCHE, NUM_SHARED_LOCKS);
}

static void
attach_part(const SharedPart *part, LWLock *lock)
{
	bool		found;
	void	   *memory = ShmemInitStruct(part->name, part->size, &found);

	if (!found)
		memset(memory, 0, part->size);
	part->attach(memory, lock, !found);
}

static void
attach_memory(void)
{
	LWLockPadded *locks = GetNamedLWLockTranche(TRANCHE);

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < lengthof(parts); i++)
		attach_part(parts[i], &locks[parts[i]->lock].lock);
	LWLockRelease(AddinShmemInitLock);
	attached = true;
}

void
shared_memory_install(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
	for (int i = 0; i < lengthof(parts); i++)
		if (parts[i]->install != NULL)
			parts[i]->install();
}

bool
shared_memory_attached(void)
{
	return attached;
}
