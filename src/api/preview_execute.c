/*
 * preview_execute.c
 *	  Has the steps of a preview executed in a process of its own.
 *
 * Runs in the backend that asks.  Writes the task into a shared memory
 * segment, starts a background worker (preview_worker.c) and puts the rows
 * that come back into the result.  The session itself executes nothing, so
 * that its prepared statements, cursors, locks, settings and pending triggers
 * are as they were.
 *
 * The process ends by itself, at the preview's deadline at the latest.  If it
 * does not, since a step traps its cancellation, it is terminated.  If the
 * query ends before it, the segment is detached, and a callback terminates it.
 *
 * Owns the segment and the handle of the process, for one call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/preview_execute.h"
#include "config/settings_tenant.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/wait_event.h"
#include "worker/preview_worker.h"

/* How long after the deadline the process may take to say that it is over. */
#define GRACE_MS 200

/* How long it is waited for after it was terminated. */
#define END_MS 300

/* How often it is looked at meanwhile. */
#define POLL_MS 10

typedef struct Execution
{
	const Preview *preview;
	ReturnSetInfo *result;
	dsm_segment *segment;
	BackgroundWorkerHandle *process;
	shm_mq_handle *queue;
	bool		ready;			/* the process is connected */
	StepPosition next;			/* the step whose row comes next */
} Execution;

/*--- the task ---*/

/* Reserves len bytes; returns where they begin. */
static Size
reserve(Size *size, Size len)
{
	Size		place = *size;

	*size = MAXALIGN(*size + len);
	return place;
}

/* Fills the task, but for what is copied into the memory after it. */
static void
fill_task(PreviewTask *task, const Preview *preview,
		  const PreviewTexts *texts)
{
	const RunRow *run = &preview->run;

	memset(task, 0, sizeof(*task));
	task->database = MyDatabaseId;
	task->schema = texts->schema;
	task->asker = GetUserId();
	task->binding = settings_tenant(&task->bound_to);
	task->run_functions = preview->run_functions;
	task->run_as = preview->run_as;
	task->run_id = run->unit.id;
	task->queued_at = run->queued_at;
	task->tenant_id = run->tenant_id;
	task->definition_id = run->definition_id;
	task->version = run->version;
	task->lock_timeout_ms = preview->lock_timeout_ms;
	task->max_time_ms = preview->max_time_ms;
	task->deadline = preview->deadline;
}

static void
put(PreviewTask *task, Size place, const void *what, Size len)
{
	memcpy((char *) task + place, what, len);
}

/* Makes the segment with the task and the queue in it. */
static dsm_segment *
make_segment(const Preview *preview, const PreviewTexts *texts)
{
	PreviewTask layout;
	PreviewTask *task;
	dsm_segment *segment;
	const char *name = preview->run.workflow_name;
	Size		name_len = name == NULL ? 0 : strlen(name) + 1;
	Size		size = MAXALIGN(sizeof(PreviewTask));

	fill_task(&layout, preview, texts);
	layout.definition = reserve(&size, VARSIZE(texts->definition));
	layout.payload = reserve(&size, VARSIZE(preview->run.payload));
	layout.outputs = reserve(&size, VARSIZE(preview->outputs));
	layout.name = name == NULL ? 0 : reserve(&size, name_len);
	layout.queue = reserve(&size, PREVIEW_QUEUE_SIZE);

	segment = dsm_create(size, 0);
	task = dsm_segment_address(segment);
	*task = layout;
	put(task, task->definition, texts->definition, VARSIZE(texts->definition));
	put(task, task->payload, preview->run.payload,
		VARSIZE(preview->run.payload));
	put(task, task->outputs, preview->outputs, VARSIZE(preview->outputs));
	if (name != NULL)
		put(task, task->name, name, name_len);
	return segment;
}

/*--- the process ---*/

/* When the segment is detached, after an error as well. */
static void
terminate_process(dsm_segment *segment, Datum process)
{
	BackgroundWorkerHandle *handle = (void *) DatumGetPointer(process);

	TerminateBackgroundWorker(handle);
}

static void
describe_process(BackgroundWorker *worker, dsm_segment *segment)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "workflow_engine", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, "workflow_engine_preview_main",
			BGW_MAXLEN);
	snprintf(worker->bgw_name, BGW_MAXLEN, "workflow_engine preview for PID %d",
			 MyProcPid);
	strlcpy(worker->bgw_type, "workflow_engine preview", BGW_MAXLEN);
	worker->bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	worker->bgw_notify_pid = MyProcPid;
}

/* The handle lives until the transaction ends, like the segment's callback. */
static BackgroundWorkerHandle *
start_process(dsm_segment *segment)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	BackgroundWorkerHandle *process;
	BackgroundWorker worker;

	describe_process(&worker, segment);
	if (!RegisterDynamicBackgroundWorker(&worker, &process))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("no process is free to execute the steps of a preview"),
				 errhint("Call it again later, with execute => false, or increase \"max_worker_processes\".")));
	on_dsm_detach(segment, terminate_process, PointerGetDatum(process));
	MemoryContextSwitchTo(old);
	return process;
}

static bool
has_ended(BackgroundWorkerHandle *process)
{
	pid_t		pid;

	return GetBackgroundWorkerPid(process, &pid) == BGWH_STOPPED;
}

/*
 * What the process holds (locks of its transaction, say) is gone with it.  One
 * that cannot be interrupted is left alone after a while: it ends some time.
 */
static void
end_process(Execution *e)
{
	TerminateBackgroundWorker(e->process);
	for (int waited = 0; waited < END_MS && !has_ended(e->process);
		 waited += POLL_MS)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*--- what comes back ---*/

static void
put_row(Execution *e, const PreviewRow *row)
{
	Datum		values[PREVIEW_COLUMNS];
	bool		isnull[PREVIEW_COLUMNS];

	run_preview_values(row, values, isnull);
	tuplestore_putvalues(e->result->setResult, e->result->setDesc, values,
						 isnull);
}

static void
advance(Execution *e)
{
	e->next = plan_next(e->preview->plan, e->next);
}

/* A minimal tuple of columns as the result has them. */
static void
take_row(Execution *e, const char *body, Size len)
{
	MinimalTuple tuple = memcpy(palloc(len), body, len);
	HeapTuple	row = heap_tuple_from_minimal_tuple(tuple);

	tuplestore_puttuple(e->result->setResult, row);
	pfree(row);
	pfree(tuple);
	advance(e);
}

static void
raise_error(const char *body)
{
	int			sqlstate;

	memcpy(&sqlstate, body, sizeof(int));
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("%s", body + sizeof(int))));
}

/* False: that was the last one. */
static bool
take_message(Execution *e, const char *message, Size len)
{
	const char *body = message + PREVIEW_MESSAGE_BODY;

	Assert(len >= PREVIEW_MESSAGE_BODY);
	if (message[0] == PREVIEW_END)
		return false;
	if (message[0] == PREVIEW_READY)
	{
		e->ready = true;
		return true;
	}
	if (message[0] == PREVIEW_ERROR)
		raise_error(body);
	take_row(e, body, len - PREVIEW_MESSAGE_BODY);
	return true;
}

/*
 * Takes what comes until the end, or until the deadline.  True: the process
 * has sent all.
 */
static bool
receive(Execution *e)
{
	TimestampTz latest = e->preview->deadline + GRACE_MS * INT64CONST(1000);

	for (;;)
	{
		void	   *message;
		Size		len;
		shm_mq_result result = shm_mq_receive(e->queue, &len, &message, true);
		long		left;

		CHECK_FOR_INTERRUPTS();
		if (result == SHM_MQ_DETACHED)
			return false;
		if (result == SHM_MQ_SUCCESS)
		{
			if (!take_message(e, message, len))
				return true;
			continue;
		}
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), latest);
		if (left <= 0)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/*
 * The process has not sent all.  Either the time is over and the step would
 * not be cancelled, or the step has ended it.
 */
static void
put_rest(Execution *e)
{
	bool		in_time = GetCurrentTimestamp() < e->preview->deadline;
	char	   *why = in_time ? "the process that executed the step has ended"
		: run_preview_time_text(e->preview);

	if (in_time && !e->ready)
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("the process that executes a preview could not start"),
				 errhint("The server's log says why.")));
	for (bool first = e->ready;
		 plan_step_at(e->preview->plan, e->next) != NULL; first = false)
	{
		PreviewRow	row = run_preview_too_late(e->preview, e->next);

		if (first)
		{
			row.status = "failed";
			row.error = why;
		}
		row.reason = first ? NULL : why;
		put_row(e, &row);
		advance(e);
	}
}

void
preview_execute(const Preview *preview, const PreviewTexts *texts,
				ReturnSetInfo *result)
{
	Execution	e = {.preview = preview,.result = result,
	.next = STEP_POSITION_FIRST};
	PreviewTask *task;
	shm_mq	   *mq;

	e.segment = make_segment(preview, texts);
	task = dsm_segment_address(e.segment);
	mq = shm_mq_create((char *) task + task->queue, PREVIEW_QUEUE_SIZE);
	shm_mq_set_receiver(mq, MyProc);
	e.process = start_process(e.segment);
	e.queue = shm_mq_attach(mq, e.segment, e.process);
	if (!receive(&e))
	{
		end_process(&e);
		put_rest(&e);
	}
	dsm_detach(e.segment);
}
