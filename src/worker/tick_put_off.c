/*
 * tick_put_off.c
 *	  Tenants whose runs cannot be saved, or not quickly, are put off.
 *
 * Runs in a worker, during its ticks and between them.  The worker claims no
 * run of such a tenant for as long as the failed or slow tick took, so that
 * the runs of other tenants come first.
 *
 * Owns a short list of tenants, in the memory of this process.  Nothing of it
 * survives the worker: its successor tries all tenants again.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "worker/tick_put_off.h"

/*
 * If so many runs of a tenant have failed their ticks in a row, it is put off
 * for PUT_OFF_US after each, or for longer if the tick took longer.
 */
#define MANY_FAILURES 10
#define PUT_OFF_US INT64CONST(1000000)

/* So many tenants are remembered. */
#define MAX_TENANTS 16

typedef struct PutOffTenant
{
	pg_uuid_t	id;
	TimestampTz until;			/* it is put off; 0: it is not */
	int			failures;		/* since a run of it was saved */
	bool		seen;			/* a run of it is in this tick */
} PutOffTenant;

/* This worker's; nothing else reads them. */
static int	ntenants = 0;
static PutOffTenant tenants[MAX_TENANTS];

/* NULL: it is not among them. */
static PutOffTenant *
find_tenant(const pg_uuid_t *id)
{
	for (int i = 0; i < ntenants; i++)
		if (ids_equal(&tenants[i].id, id))
			return &tenants[i];
	return NULL;
}

/*
 * Enters the tenant if it is not there.  If there is no room, the one whose
 * time ends first makes way.
 */
static PutOffTenant *
enter_tenant(const pg_uuid_t *id)
{
	PutOffTenant *tenant = find_tenant(id);

	if (tenant != NULL)
		return tenant;
	tenant = &tenants[0];
	if (ntenants < MAX_TENANTS)
		tenant = &tenants[ntenants++];
	else
		for (int i = 1; i < MAX_TENANTS; i++)
			if (tenants[i].until < tenant->until)
				tenant = &tenants[i];
	memset(tenant, 0, sizeof(PutOffTenant));
	tenant->id = *id;
	return tenant;
}

void
put_off_for(const pg_uuid_t *tenant, int64 us)
{
	enter_tenant(tenant)->until = clock_now() + us;
}

bool
put_off_is(const pg_uuid_t *tenant)
{
	const PutOffTenant *found = ntenants > 0 ? find_tenant(tenant) : NULL;

	return found != NULL && found->until > clock_now();
}

TimestampTz
put_off_until(TimestampTz now)
{
	TimestampTz first = 0;

	for (int i = 0; i < ntenants; i++)
	{
		PutOffTenant *tenant = &tenants[i];

		if (tenant->until != 0 && (first == 0 || tenant->until < first))
			first = tenant->until;
		if (tenant->until <= now)
			tenant->until = 0;	/* reported once, or the loop would not rest */
	}
	return first;
}

void
put_off_saw(const pg_uuid_t *tenant)
{
	PutOffTenant *found = ntenants > 0 ? find_tenant(tenant) : NULL;

	if (found != NULL)
		found->seen = true;
}

void
put_off_tick_over(bool saved)
{
	for (int i = ntenants - 1; i >= 0; i--)
	{
		bool		well = tenants[i].seen && saved;

		tenants[i].seen = false;
		if (well)
			tenants[i].failures = 0;
		if (well && tenants[i].until == 0)
			tenants[i] = tenants[--ntenants];
	}
}

void
put_off_after_failure(const pg_uuid_t *id)
{
	PutOffTenant *tenant = enter_tenant(id);
	TimestampTz now = clock_now();
	int64		took_us = now - GetCurrentStatementStartTimestamp();

	if (++tenant->failures > MANY_FAILURES)
		took_us = Max(took_us, PUT_OFF_US);
	tenant->until = now + took_us;
}

bool
put_off_has_room(void)
{
	return ntenants < MAX_TENANTS;
}
