/*
 * save.c
 *	  wf_save: a definition is saved if nobody has saved it meanwhile.
 *
 * Runs in the backend that calls it, with the privileges of the role that
 * calls it.  It executes an INSERT or an UPDATE of workflow_definitions, whose
 * triggers do what any such statement makes them do.  The row is locked before
 * its version is compared, so of two who save the second one waits and is told
 * that it has changed.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/define.h"
#include "api/definition.h"
#include "api/version.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define ERRCODE_CHANGED_MEANWHILE MAKE_SQLSTATE('W', 'F', '4', '0', '9')

#define MAX_NOTE 10000			/* characters */

/* The arguments, in their order. */
enum
{
	SAVE_ID,
	SAVE_TENANT_ID,
	SAVE_DEFINITION,
	SAVE_RUN_AS,
	SAVE_BASE_VERSION,
	SAVE_NOTE
};

/* What a call comes to. */
typedef struct Saved
{
	pg_uuid_t	id;
	int			version;
	bool		changed;
} Saved;

/*--- arguments ---*/

static void
check_null(FunctionCallInfo fcinfo, int argument, const char *name,
		   const char *hint)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" of wf_save must not be null", name),
				 hint ? errhint("%s", hint) : 0));
}

/* Raises 22004 and 22023. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	check_null(fcinfo, SAVE_DEFINITION, "definition", NULL);
	if (PG_ARGISNULL(SAVE_ID))
	{
		check_null(fcinfo, SAVE_TENANT_ID, "tenant_id",
				   "Give the tenant of a new definition, or the id of one that exists.");
		if (!PG_ARGISNULL(SAVE_BASE_VERSION))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a new definition has no version that it is based on"),
					 errhint("Give the id of the definition, or leave base_version out.")));
	}
	else
		check_null(fcinfo, SAVE_BASE_VERSION, "base_version",
				   "It is the version that you have changed: what others have saved since then would be lost.");
	if (!PG_ARGISNULL(SAVE_NOTE) &&
		pg_mbstrlen(text_to_cstring(PG_GETARG_TEXT_PP(SAVE_NOTE))) > MAX_NOTE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"note\" of wf_save must have at most %d characters",
						MAX_NOTE)));
}

/* The note, or NULL. */
static const char *
note_of(FunctionCallInfo fcinfo)
{
	char	   *note = PG_ARGISNULL(SAVE_NOTE) ? NULL
		: TextDatumGetCString(PG_GETARG_DATUM(SAVE_NOTE));

	return note == NULL || note[0] == '\0' ? NULL : note;
}

/*--- a definition that is there ---*/

#define FIND \
	"SELECT d.version, d.name, v.created_by::text," \
	"  v.created_at::text, v.note," \
	"  d.definition = $2 AND d.run_as::oid = coalesce($3, d.run_as::oid)" \
	" FROM %t.workflow_definitions d" \
	"  LEFT JOIN %t.workflow_definition_versions v" \
	"   ON v.definition_id = d.id AND v.version = d.version" \
	" WHERE d.id = $1 AND ($4 IS NULL OR d.tenant_id = $4)" \
	" FOR UPDATE OF d"

/* Raises WF409 for the row that FIND has found. */
static void
raise_changed(int base, int version)
{
	HeapTuple	row = SPI_tuptable->vals[0];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	char	   *note = SPI_getvalue(row, desc, 5);

	ereport(ERROR,
			(errcode(ERRCODE_CHANGED_MEANWHILE),
			 errmsg("definition \"%s\" has been changed: it has version %d now, not %d",
					SPI_getvalue(row, desc, 2), version, base),
			 errdetail("Saved by %s at %s%s%s.", SPI_getvalue(row, desc, 3),
					   SPI_getvalue(row, desc, 4), note ? ": " : "",
					   note ? note : ""),
			 errhint("Read that version, put your change on it, and save it with base_version => %d.",
					 version)));
}

/*
 * Locks the row and looks at its version; true if it is to be written.  Raises
 * P0002 and WF409.  Within SPI.
 */
static bool
lock_definition(FunctionCallInfo fcinfo, Saved *saved)
{
	Oid			types[4] = {UUIDOID, JSONBOID, OIDOID, UUIDOID};
	Datum		values[4] = {PG_GETARG_DATUM(SAVE_ID),
		PG_GETARG_DATUM(SAVE_DEFINITION), PG_GETARG_DATUM(SAVE_RUN_AS),
	PG_GETARG_DATUM(SAVE_TENANT_ID)};
	char		nulls[] = {' ', ' ', PG_ARGISNULL(SAVE_RUN_AS) ? 'n' : ' ',
	PG_ARGISNULL(SAVE_TENANT_ID) ? 'n' : ' ', '\0'};
	bool		isnull;

	SPI_execute_with_args(store_sql(FIND), 4, types, values, nulls, false, 1);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("definition %s does not exist",
						id_text(PG_GETARG_UUID_P(SAVE_ID))),
				 errhint("Leave the id out to save a new one.")));
	saved->id = *PG_GETARG_UUID_P(SAVE_ID);
	saved->version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0],
												 SPI_tuptable->tupdesc, 1,
												 &isnull));
	if (saved->version != PG_GETARG_INT32(SAVE_BASE_VERSION))
		raise_changed(PG_GETARG_INT32(SAVE_BASE_VERSION), saved->version);
	return !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 6, &isnull));
}

/*--- writing ---*/

#define UPDATE_DEFINITION \
	"UPDATE %t.workflow_definitions d SET definition = $2," \
	"  name = coalesce($2->>'name', d.name)," \
	"  trigger_type = coalesce($2->>'trigger_type', d.trigger_type)," \
	"  run_as = coalesce($3::%t.wf_role, d.run_as)" \
	" WHERE id = $1 RETURNING id, version, tenant_id, name"

#define INSERT_DEFINITION \
	"INSERT INTO %t.workflow_definitions (tenant_id, definition, run_as)" \
	" VALUES ($1, $2, $3::%t.wf_role)" \
	" RETURNING id, version, tenant_id, name"

#define INSERT_WITH_DEFAULT \
	"INSERT INTO %t.workflow_definitions (tenant_id, definition)" \
	" VALUES ($1, $2) RETURNING id, version, tenant_id, name"

/* Executes a statement that saves a version, with the note for that one. */
static void
execute_with_note(const char *note, const char *sql, Oid *types,
				  Datum *values, const char *nulls)
{
	version_set_note(note);
	PG_TRY();
	{
		SPI_execute_with_args(sql, 3, types, values, nulls, false, 0);
	}
	PG_FINALLY();
	{
		version_set_note(NULL);
	}
	PG_END_TRY();
}

/*
 * Executes one of the three, with the note for the version that it saves.
 * Raises 55000 if somebody's trigger leaves the row out.  Within SPI.
 */
static void
write_row(const char *sql, FunctionCallInfo fcinfo, Datum first, Saved *saved)
{
	Oid			types[3] = {UUIDOID, JSONBOID, OIDOID};
	Datum		values[3] = {first, PG_GETARG_DATUM(SAVE_DEFINITION),
	PG_GETARG_DATUM(SAVE_RUN_AS)};
	char		nulls[] = {' ', ' ', PG_ARGISNULL(SAVE_RUN_AS) ? 'n' : ' ',
	'\0'};
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	execute_with_note(note_of(fcinfo), store_sql(sql), types, values, nulls);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the definition could not be saved"),
				 errdetail("A trigger or a policy that somebody added to \"workflow_definitions\" leaves its row out.")));
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	saved->id = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
	saved->version = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));
	saved->changed = true;
	define_warn_of_duplicate(SPI_getbinval(row, desc, 3, &isnull),
							 SPI_getbinval(row, desc, 4, &isnull));
}

static void
save_definition(FunctionCallInfo fcinfo, Saved *saved)
{
	if (!PG_ARGISNULL(SAVE_ID))
	{
		if (lock_definition(fcinfo, saved))
			write_row(UPDATE_DEFINITION, fcinfo, PG_GETARG_DATUM(SAVE_ID),
					  saved);
		return;
	}
	define_require_names(PG_GETARG_JSONB_P(SAVE_DEFINITION));
	write_row(PG_ARGISNULL(SAVE_RUN_AS) ? INSERT_WITH_DEFAULT
			  : INSERT_DEFINITION, fcinfo, PG_GETARG_DATUM(SAVE_TENANT_ID),
			  saved);
}

PG_FUNCTION_INFO_V1(wf_save);

/*
 * Raises WF409, P0002, 22004, 22023, 55000 and what the triggers and keys of
 * workflow_definitions raise.
 */
Datum
wf_save(PG_FUNCTION_ARGS)
{
	Saved		saved = {0};
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {0};
	int			level;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "wf_save does not return a row");
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	check_arguments(fcinfo);
	level = store_enter_search_path();
	SPI_connect();
	save_definition(fcinfo, &saved);
	SPI_finish();
	store_leave_search_path(level);
	values[0] = UUIDPGetDatum(&saved.id);
	values[1] = Int32GetDatum(saved.version);
	values[2] = BoolGetDatum(saved.changed);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}
