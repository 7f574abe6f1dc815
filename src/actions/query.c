/*
 * query.c
 *	  Action query: reads rows of a table, or what they add up to.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role, and changes
 * nothing.  query_statement.c makes the statement, query_check.c compares a
 * definition with the catalog.
 *
 * Rows are taken one at a time, as JSON; together they may have
 * MAX_RESULT_BYTES.  What later steps see of them is the output as it is
 * stored: cut if it is larger than workflow_engine.max_output.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/query.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "store/step_result.h"
#include "utils/builtins.h"

#define MAX_RESULT_BYTES (16 * 1024 * 1024)

int
query_limit(const Call *call)
{
	char	   *text = param_text(call, "limit");
	char	   *end;
	long		limit;

	if (text == NULL)
		return QUERY_LIMIT;
	errno = 0;
	limit = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || limit < 1 ||
		limit > QUERY_MAX_LIMIT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"limit\" must be a whole number from 1 to %d, not \"%s\"",
						QUERY_MAX_LIMIT, clip_text(text, 100))));
	return limit;
}

/*--- the rows ---*/

/* Where the executor puts rows. */
typedef struct RowReceiver
{
	DestReceiver pub;
	MemoryContext context;		/* of what is kept */
	int			limit;
	int			count;
	bool		more;			/* was there a row beyond the limit? */
	Size		size;
	JsonbParseState *state;		/* an array */
} RowReceiver;

static void
begin_rows(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
end_rows(DestReceiver *self)
{
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *rows = (RowReceiver *) self;
	MemoryContext old;
	bool		isnull;
	Datum		datum = slot_getattr(slot, 1, &isnull);
	JsonbValue	row;

	if (rows->count == rows->limit)
	{
		rows->more = true;
		return false;
	}
	Assert(!isnull);
	old = MemoryContextSwitchTo(rows->context);
	json_of_jsonb(DatumGetJsonbPCopy(datum), &row);
	rows->count++;
	rows->size += row.val.binary.len;
	if (rows->size > MAX_RESULT_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rows have more than %d MB",
						MAX_RESULT_BYTES / (1024 * 1024)),
				 errhint("Name fewer columns, or a smaller limit.")));
	pushJsonbValue(&rows->state, WJB_ELEM, &row);
	MemoryContextSwitchTo(old);
	return true;
}

/* {"count", "rows", "more"} */
static Jsonb *
make_output(RowReceiver *rows)
{
	JsonbValue *array = pushJsonbValue(&rows->state, WJB_END_ARRAY, NULL);
	ObjectBuilder b;

	object_begin(&b);
	object_number(&b, "count", rows->count);
	object_json(&b, "rows", JsonbValueToJsonb(array));
	object_bool(&b, "more", rows->more);
	return object_end(&b);
}

/*
 * Raises 22023 for parameters that are not what they must be, 54000 if the
 * rows are too large, and what PostgreSQL raises for the statement.
 */
static Jsonb *
query(Call *call)
{
	RecordTable table = record_table(call);
	RecordParams params = {0};
	RowReceiver rows = {.pub.receiveSlot = receive_row,
		.pub.rStartup = begin_rows,
		.pub.rShutdown = end_rows,
		.pub.rDestroy = end_rows,
		.pub.mydest = DestTuplestore,
	.context = CurrentMemoryContext};
	char	   *sql;

	rows.limit = query_limit(call);
	pushJsonbValue(&rows.state, WJB_BEGIN_ARRAY, NULL);
	/* one more tells whether there are more */
	sql = query_statement(call, &table, rows.limit + 1, &params);

	SPI_connect();
	record_execute_into(sql, &params, &rows.pub);
	SPI_finish();
	return make_output(&rows);
}

const Action query_action = {
	.name = "query",
	.kind = ACTION_NATIVE,
	.execute = query,
	.check = query_check,
};
