/*
 * tick_put_off.h
 *	  Tenants whose runs cannot be saved, or not quickly, are put off.
 */
#ifndef WF_TICK_PUT_OFF_H
#define WF_TICK_PUT_OFF_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* This worker claims no run of that tenant for so many microseconds. */
extern void put_off_for(const pg_uuid_t *tenant, int64 us);

/* Is the tenant put off now? */
extern bool put_off_is(const pg_uuid_t *tenant);

/*
 * When the first of them is put off no more; 0: none is.  A moment that is
 * over at now is returned once.
 */
extern TimestampTz put_off_until(TimestampTz now);

/* The tick is about a run of that tenant. */
extern void put_off_saw(const pg_uuid_t *tenant);

/*
 * The tick has ended; saved: what it did is committed.  Then tenants whose
 * runs it was about are forgotten if their time is over.
 */
extern void put_off_tick_over(bool saved);

/*
 * A run of that tenant has failed its tick, which had no other run.  Puts the
 * tenant off for as long as the tick took, or a second if many failed.
 */
extern void put_off_after_failure(const pg_uuid_t *id);

/* Is there room to put off one more tenant? */
extern bool put_off_has_room(void);

#endif							/* WF_TICK_PUT_OFF_H */
