/*
 * place.c
 *	  wf_places, wf_accept_place, wf_discard_place: what came in with a restore
 *	  or a copy, and stands still.
 *
 * Runs in the backend that calls, as the owner of our tables (the functions
 * are SECURITY DEFINER).  Places concern all tenants, so a session that is
 * bound to one is refused.  store_place.c tells what a place is.
 *
 * To accept a place is to insert a row into workflow_places, which the workers
 * read with the runs; to discard one is to cancel its runs.  Both are one
 * transaction.
 */
#include "postgres.h"
#include "compat.h"

#include "api/cancel.h"
#include "base/json_object.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define SQL_OF_PLACE(column) \
	"(" column " = $1 OR ($1 = 0 AND " column " IS NULL))"

/*--- arguments ---*/

/* Raises 42501 in a session that is bound to a tenant. */
static void
begin_unbound(FunctionCallInfo fcinfo)
{
	pg_uuid_t	bound;

	if (settings_tenant(&bound) != TENANT_UNBOUND)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this session may not see or change places"),
				 errdetail("They concern every tenant, and \"workflow_engine.tenant_id\" binds the session.")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_ALL_TABLES);
}

/* Executes a statement with $1, the place; true: it found or changed rows. */
static bool
execute(const char *sql, int64 place)
{
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(place);

	SPI_execute_with_args(store_sql(sql), 1, &type, &value, NULL, false, 0);
	return SPI_processed > 0;
}

/*
 * Does anything have that place?  If it is none that wf_places lists, runs of
 * it may have ended: then all of the table may have to be read.
 */
static bool
is_known(int64 place)
{
	List	   *places = store_foreign_places(true);
	ListCell   *lc;
	bool		known = false;

	foreach(lc, places)
		known |= ((ForeignPlace *) lfirst(lc))->place == place;
	list_free_deep(places);
	if (!known)
	{
		SPI_connect();
		known = execute("SELECT FROM %t.workflow_runs WHERE "
						SQL_OF_PLACE("place") " LIMIT 1", place);
		SPI_finish();
	}
	return known;
}

/* The argument.  Raises 22004, 22023, P0002. */
static int64
place_argument(FunctionCallInfo fcinfo)
{
	int64		place;

	begin_unbound(fcinfo);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"place\" must not be null"),
				 errhint("Runs whose place is null belong to place 0.")));
	place = PG_GETARG_INT64(0);
	if (place == store_place())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("place %lld is that of this database",
						(long long) place),
				 errdetail("Its runs are executed here already.")));
	if (!is_known(place))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no run or schedule has place %lld",
						(long long) place),
				 errhint("SELECT * FROM wf_places() lists the places that there are.")));
	return place;
}

/*--- wf_places ---*/

#define PLACE_COLUMNS 4

PG_FUNCTION_INFO_V1(wf_places);

/* Raises 42501. */
Datum
wf_places(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *places;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	begin_unbound(fcinfo);
	places = store_foreign_places(true);
	foreach(lc, places)
	{
		ForeignPlace *place = lfirst(lc);
		TimestampTz oldest;
		Datum		values[PLACE_COLUMNS] = {Int64GetDatum(place->place),
			Int64GetDatum(store_count_place(place->place, NULL, 0, &oldest)),
			TimestampTzGetDatum(oldest),
		BoolGetDatum(place->accepted)};
		bool		nulls[PLACE_COLUMNS] = {false, false, oldest == 0, false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}

/*--- accepting and discarding ---*/

/* In workflow_operations; as a text, since programs cut long numbers short. */
static void
note(const char *what, int64 place, int64 count)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "place", psprintf("%lld", (long long) place));
	object_number(&b, "count", count);
	operation_note(what, NULL, NULL, NULL, object_end(&b));
}

static void
insert_accepted(int64 place)
{
	Oid			types[3] = {INT8OID, INT8OID, NAMEOID};
	NameData	name;
	Datum		values[3] = {Int64GetDatum(store_place()),
	Int64GetDatum(place), NameGetDatum(&name)};

	namestrcpy(&name, operation_role());
	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_places"
									" (here, accepted, by) VALUES ($1, $2, $3)"
									" ON CONFLICT DO NOTHING"),
						  3, types, values, NULL, false, 0);
}

/*
 * The workers read place by place, and null is none.  So runs without a place
 * become those of place 0 when that is accepted.
 */
static void
replace_nulls(void)
{
	Oid			type = UUIDARRAYOID;
	Datum		ids = store_open_ids(0);

	SPI_execute_with_args(store_sql("UPDATE %t.workflow_runs SET place = 0"
									" WHERE id = ANY ($1) AND place IS NULL"),
						  1, &type, &ids, NULL, false, 0);
	execute("UPDATE %t.workflow_schedules SET place = $1"
			" WHERE place IS NULL", 0);
}

PG_FUNCTION_INFO_V1(wf_accept_place);

/* Raises 22004, 22023, 42501, P0002. */
Datum
wf_accept_place(PG_FUNCTION_ARGS)
{
	int64		place = place_argument(fcinfo);
	int64		n;

	SPI_connect();
	insert_accepted(place);
	if (place == 0)
		replace_nulls();
	SPI_finish();
	wakeup_at_commit();
	wakeup_schedules_at_commit();
	n = store_count_place(place, NULL, 0, NULL);
	note("accept place", place, n);
	PG_RETURN_INT64(n);
}

PG_FUNCTION_INFO_V1(wf_discard_place);

/*
 * Raises 22004, 22023, 42501, P0002.  A schedule of that place becomes one of
 * this database that is never due: that its definition was copied is no reason
 * for it to fire here.
 */
Datum
wf_discard_place(PG_FUNCTION_ARGS)
{
	int64		place = place_argument(fcinfo);
	Datum		here = Int64GetDatum(store_place());
	Oid			types[2] = {INT8OID, INT8OID};
	Datum		values[2] = {Int64GetDatum(place), here};
	int64		cancelled;

	SPI_connect();
	execute("DELETE FROM %t.workflow_places WHERE accepted = $1", place);
	SPI_execute_with_args(store_sql("UPDATE %t.workflow_schedules"
									" SET place = $2, next_at = NULL WHERE "
									SQL_OF_PLACE("place")),
						  2, types, values, NULL, false, 0);
	cancelled = cancel_runs_by_id(store_open_ids(place));
	SPI_finish();
	note("discard place", place, cancelled);
	PG_RETURN_INT64(cancelled);
}

/*--- for statements ---*/

PG_FUNCTION_INFO_V1(wf_belongs_here);

/* Runs without a place are those of place 0. */
Datum
wf_belongs_here(PG_FUNCTION_ARGS)
{
	int64		place = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);

	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	PG_RETURN_BOOL(store_belongs_here(place, false));
}
