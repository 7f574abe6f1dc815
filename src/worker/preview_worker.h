/*
 * preview_worker.h
 *	  The process that executes the steps of a preview, and what it is sent.
 */
#ifndef WF_PREVIEW_WORKER_H
#define WF_PREVIEW_WORKER_H

#include "config/settings_tenant.h"
#include "datatype/timestamp.h"
#include "storage/shm_mq.h"
#include "utils/jsonb.h"

/*
 * The beginning of the shared memory segment, which the backend that asks has
 * written before the process starts.  Three jsonb values follow, and then the
 * queue of rows.  Nobody changes any of it.
 */
typedef struct PreviewTask
{
	Oid			database;
	Oid			schema;			/* of the extension */
	Oid			asker;			/* who asks, */
	TenantBinding binding;		/* in a session with this binding */
	pg_uuid_t	bound_to;
	bool		run_functions;
	Oid			run_as;
	pg_uuid_t	run_id;
	TimestampTz queued_at;
	pg_uuid_t	tenant_id;
	pg_uuid_t	definition_id;
	int			version;
	int			lock_timeout_ms;
	int64		max_time_ms;
	TimestampTz deadline;
	Size		definition;		/* bytes from the segment's beginning */
	Size		payload;
	Size		outputs;
	Size		name;			/* of the workflow: a text; 0: none */
	Size		queue;
} PreviewTask;

#define PREVIEW_QUEUE_SIZE 65536

/*
 * A message begins with one of these letters.  The process sends PREVIEW_READY
 * first, and PREVIEW_END after all was rolled back.  At PREVIEW_MESSAGE_BODY a
 * row has a minimal tuple; an error its SQLSTATE, an int, and its message.
 */
#define PREVIEW_READY 'B'
#define PREVIEW_ROW 'R'
#define PREVIEW_ERROR 'E'
#define PREVIEW_END 'Z'
#define PREVIEW_MESSAGE_BODY 8

extern PGDLLEXPORT void workflow_engine_preview_main(Datum arg);

#endif							/* WF_PREVIEW_WORKER_H */
