/*
 * preview_worker.c
 *	  The process that executes the steps of a preview, and rolls them back.
 *
 * A background worker, started by the backend that asks (preview_execute.c)
 * for this one preview.  It is connected to the same database as the bootstrap
 * superuser, like the workers that execute runs, and has their settings.  In
 * one transaction it walks the steps (run_preview.c) as the user who asks, in
 * the tenant binding of that session; native steps are executed in their
 * sandbox as run_as.  The transaction is always rolled back.
 *
 * It is a process of its own, so that nothing that a step leaves in a session,
 * and nothing that resets a session after it, meets the one that asks.  Its
 * end takes what no rollback does: session locks, temporary tables, settings.
 *
 * The shared memory segment has the task, and a queue on which the rows go
 * back.  If the backend goes away, it terminates this process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/transaction.h"
#include "base/uuid_list.h"
#include "base/valid_text.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "run/run_preview.h"
#include "run/step_sandbox_lock.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "store/store_schema.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "worker/preview_worker.h"
#include "worker/worker_settings.h"

/*--- messages ---*/

/*
 * Sends len bytes after the letter.  The backend that does not listen any more
 * needs nothing of this process.
 */
static void
send_message(shm_mq_handle *queue, char letter, const void *body, Size len)
{
	char		head[PREVIEW_MESSAGE_BODY] = {letter};
	shm_mq_iovec parts[2] = {{head, sizeof(head)}, {body, len}};

	if (shm_mq_sendv(queue, parts, lengthof(parts), false, true) !=
		SHM_MQ_SUCCESS)
		proc_exit(0);
}

typedef struct RowQueue
{
	shm_mq_handle *queue;
	TupleDesc	desc;
} RowQueue;

static void
send_row(const PreviewRow *row, void *arg)
{
	RowQueue   *rows = arg;
	Datum		values[PREVIEW_COLUMNS];
	bool		isnull[PREVIEW_COLUMNS];
	MinimalTuple tuple;

	run_preview_values(row, values, isnull);
	tuple = compat_form_minimal_tuple(rows->desc, values, isnull);
	send_message(rows->queue, PREVIEW_ROW, tuple, tuple->t_len);
	heap_free_minimal_tuple(tuple);
}

/* An error that is no step's: the backend raises it. */
static void
send_error(shm_mq_handle *queue, const ErrorData *error)
{
	const char *message = valid_text(error->message);
	Size		len = sizeof(int) + strlen(message) + 1;
	char	   *body = palloc(len);

	memcpy(body, &error->sqlerrcode, sizeof(int));
	strcpy(body + sizeof(int), message);
	send_message(queue, PREVIEW_ERROR, body, len);
}

/*--- the preview ---*/

/* A copy of the jsonb at that place, in memory of this process. */
static Jsonb *
copy_json(const PreviewTask *task, Size place)
{
	const void *json = (const char *) task + place;

	return memcpy(palloc(VARSIZE(json)), json, VARSIZE(json));
}

static void
read_task(const PreviewTask *task, Preview *preview)
{
	Problems	problems = {0};

	memset(preview, 0, sizeof(*preview));
	preview->plan = plan_compile(copy_json(task, task->definition), NULL,
								 &problems);
	Assert(problems.nerrors == 0);	/* the backend has compiled it too */
	preview->run.unit = unit_of_run(&task->run_id);
	preview->run.queued_at = task->queued_at;
	preview->run.tenant_id = task->tenant_id;
	preview->run.definition_id = task->definition_id;
	preview->run.version = task->version;
	preview->run.workflow_name = task->name == 0 ? NULL
		: pstrdup((const char *) task + task->name);
	preview->run.payload = copy_json(task, task->payload);
	preview->execute = true;
	preview->run_functions = task->run_functions;
	preview->run_as = task->run_as;
	preview->outputs = copy_json(task, task->outputs);
	preview->lock_timeout_ms = task->lock_timeout_ms;
	preview->deadline = task->deadline;
	preview->max_time_ms = task->max_time_ms;
}

/* The tenant binding of the session that asks. */
static void
bind_session(const PreviewTask *task)
{
	const char *binding = task->binding == TENANT_BOUND
		? id_text(&task->bound_to)
		: task->binding == TENANT_NONE ? "none" : "";

	SetConfigOption("workflow_engine.tenant_id", binding, PGC_SUSET,
					PGC_S_SESSION);
}

static void
walk(const PreviewTask *task, shm_mq_handle *queue)
{
	RowQueue	rows = {queue, run_preview_desc()};
	Preview		preview;

	store_use_schema(task->schema);
	bind_session(task);
	read_task(task, &preview);
	SetUserIdAndSecContext(task->asker, SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	run_preview(&preview, send_row, &rows);
}

/* Walks the steps in a transaction, and rolls it back. */
static void
preview_and_undo(const PreviewTask *task, shm_mq_handle *queue)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		begin_transaction();
		walk(task, queue);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		send_error(queue, error);
		proc_exit(0);
	}
	PG_END_TRY();
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(context);
}

void
workflow_engine_preview_main(Datum arg)
{
	dsm_segment *segment;
	const PreviewTask *task;
	shm_mq	   *mq;
	shm_mq_handle *queue;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, sandbox_cancel_handler);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		proc_exit(0);			/* the backend has given up */
	task = dsm_segment_address(segment);
	mq = (shm_mq *) ((char *) task + task->queue);
	shm_mq_set_sender(mq, MyProc);
	queue = shm_mq_attach(mq, segment, NULL);

	BackgroundWorkerInitializeConnectionByOid(task->database, InvalidOid, 0);
	worker_guard_settings();
	worker_pin_settings();
	pgstat_report_activity(STATE_RUNNING, "previewing a workflow");
	send_message(queue, PREVIEW_READY, NULL, 0);
	preview_and_undo(task, queue);
	send_message(queue, PREVIEW_END, NULL, 0);
	proc_exit(0);
}
