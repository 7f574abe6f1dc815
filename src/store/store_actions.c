/*
 * store_actions.c
 *	  Actions, connections, mail templates and saved versions, as read.
 *
 * Runs in workers, and in backends that validate.  What is fetched is copied
 * into the caller's memory context.  Each statement takes a snapshot of its
 * own (read_only is false): a run claimed a moment ago may be newer than the
 * tick's snapshot, and so may its version and its connections.
 */
#include "postgres.h"
#include "compat.h"

#include "executor/spi.h"
#include "store/store_actions.h"
#include "store/store_execute.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Column of the first row as text in context, or NULL. */
static char *
first_row_text(int column, MemoryContext context)
{
	char	   *text = SPI_getvalue(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, column);

	return text ? MemoryContextStrdup(context, text) : NULL;
}

/* Column of a row as jsonb in context, or NULL. */
static Jsonb *
row_jsonb(uint64 row, int column, MemoryContext context)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;
	Jsonb	   *copy;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	copy = DatumGetJsonbPCopy(datum);
	MemoryContextSwitchTo(old);
	return copy;
}

ActionCatalogue *
store_catalogue(void)
{
	MemoryContext caller = CurrentMemoryContext;
	ActionCatalogue *catalogue = palloc0(sizeof(ActionCatalogue));

	SPI_connect();
	store_execute(STORE_ACTIONS, NULL, NULL, true, 0);
	MemoryContextSwitchTo(caller);
	catalogue->nactions = SPI_processed;
	catalogue->actions = palloc0(sizeof(ActionSpec) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		ActionSpec *spec = &catalogue->actions[i];
		Problems	problems = {0};

		spec->name = SPI_getvalue(SPI_tuptable->vals[i],
								  SPI_tuptable->tupdesc, 1);
		spec->kind = SPI_getvalue(SPI_tuptable->vals[i],
								  SPI_tuptable->tupdesc, 2);
		spec->handler = SPI_getvalue(SPI_tuptable->vals[i],
									 SPI_tuptable->tupdesc, 4);
		action_spec_parse(spec, row_jsonb(i, 3, caller), &problems);
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return catalogue;
}

char *
store_action_handler(const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {CStringGetTextDatum(name)};
	char	   *handler = NULL;

	SPI_connect();
	store_execute(STORE_ACTION, values, NULL, false, 1);
	if (SPI_processed > 0)
		handler = first_row_text(1, caller);
	SPI_finish();
	return handler;
}

bool
store_fetch_connection(const pg_uuid_t *tenant, const char *name,
					   pg_uuid_t *id, bool *is_shared, char **kind,
					   Jsonb **config, Jsonb **credentials)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(tenant), CStringGetTextDatum(name)};
	bool		found;

	SPI_connect();
	store_execute(STORE_CONNECTION, values, NULL, false, 1);
	found = SPI_processed > 0;
	if (found)
	{
		bool		isnull;

		*id = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 5,
										   &isnull));
		*kind = first_row_text(1, caller);
		*config = row_jsonb(0, 2, caller);
		*credentials = row_jsonb(0, 3, caller);
		(void) SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4,
							 is_shared);
		/* the caller wipes its copy; this is the other one */
		explicit_bzero(SPI_tuptable->vals[0]->t_data,
					   SPI_tuptable->vals[0]->t_len);
	}
	SPI_finish();
	return found;
}

bool
store_fetch_connection_shown(const pg_uuid_t *tenant, const char *name,
							 pg_uuid_t *id, bool *is_shared, char **kind,
							 Jsonb **config)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(tenant), CStringGetTextDatum(name)};
	bool		found;

	SPI_connect();
	store_execute(STORE_CONNECTION_SHOWN, values, NULL, false, 1);
	found = SPI_processed > 0;
	if (found)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		*kind = first_row_text(1, caller);
		*config = row_jsonb(0, 2, caller);
		*id = *DatumGetUUIDP(SPI_getbinval(row, desc, 3, &isnull));
		*is_shared = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
	}
	SPI_finish();
	return found;
}

bool
store_fetch_template(const pg_uuid_t *tenant, const char *name,
					 char **subject, char **body, char **html)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(tenant), CStringGetTextDatum(name)};
	bool		found;

	SPI_connect();
	store_execute(STORE_TEMPLATE, values, NULL, false, 1);
	found = SPI_processed > 0;
	if (found)
	{
		*subject = first_row_text(1, caller);
		*body = first_row_text(2, caller);
		*html = first_row_text(3, caller);
	}
	SPI_finish();
	return found;
}

bool
store_fetch_version(const pg_uuid_t *definition_id, int version,
					Jsonb **definition, Oid *run_as)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(definition_id),
	Int32GetDatum(version)};
	bool		found;

	SPI_connect();
	store_execute(STORE_VERSION, values, NULL, false, 1);
	found = SPI_processed > 0;
	if (found)
	{
		bool		isnull;

		*definition = row_jsonb(0, 1, caller);
		*run_as = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0],
												 SPI_tuptable->tupdesc, 2,
												 &isnull));
	}
	SPI_finish();
	return found;
}

bool
store_fetch_name(const pg_uuid_t *id, int version, char **name,
				 TimestampTz *saved_at)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(id), Int32GetDatum(version)};
	bool		found;

	SPI_connect();
	store_execute(STORE_NAME, values, NULL, false, 1);
	found = SPI_processed > 0;
	if (found)
	{
		bool		isnull;

		*name = first_row_text(1, caller);
		*saved_at =
			DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
											  SPI_tuptable->tupdesc, 2,
											  &isnull));
	}
	SPI_finish();
	return found;
}

bool
store_has_definition(const pg_uuid_t *id, int version)
{
	Datum		values[2] = {UUIDPGetDatum(id), Int32GetDatum(version)};
	bool		found;

	SPI_connect();
	store_execute(STORE_HAS_DEFINITION, values, NULL, false, 1);
	found = SPI_processed > 0;
	SPI_finish();
	return found;
}
