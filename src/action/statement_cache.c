/*
 * statement_cache.c
 *	  Statements that are prepared once a process and role.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role; and in the
 * backends that call our functions, as the owner of our tables.
 *
 * A plan is one role's: PostgreSQL puts the bodies of SQL functions into it
 * (of a column's default, of a view) that the role may execute, and does not
 * ask again for whom the plan is executed.
 *
 * Owns: the saved plans of each cache by statement and role, of this process.
 * If a cache is full, or two statements have the same hash, all of its plans
 * are dropped and it fills anew.
 */
#include "postgres.h"
#include "compat.h"

#include "action/statement_cache.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define MAX_PLANS_OF_ACTIONS 1024

typedef struct CachedStatement
{
	uint32		hash;			/* key */
	Oid			role;
	Oid			function;
	char	   *sql;
	int			nparams;
	Oid		   *types;
	int			cursor_options;
	SPIPlanPtr	plan;
} CachedStatement;

static StatementCache of_actions = {.max_plans = MAX_PLANS_OF_ACTIONS};

static HTAB *
create_entries(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(uint32);
	ctl.entrysize = sizeof(CachedStatement);
	ctl.hcxt = TopMemoryContext;
	return hash_create("workflow_engine statements", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
drop_all(HTAB *entries)
{
	HASH_SEQ_STATUS status;
	CachedStatement *entry;

	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		SPI_freeplan(entry->plan);
		pfree(entry->sql);
		pfree(entry->types);
		hash_search(entries, &entry->hash, HASH_REMOVE, NULL);
	}
}

static uint32
hash_of(const Statement *statement)
{
	uint32		hash = hash_bytes((const unsigned char *) statement->sql,
								  strlen(statement->sql));

	hash = hash_combine(hash, GetUserId());
	return hash_combine(hash, statement->function);
}

static bool
is_entry_of(const CachedStatement *entry, const Statement *statement)
{
	return entry->role == GetUserId() &&
		entry->function == statement->function &&
		entry->nparams == statement->nparams &&
		entry->cursor_options == statement->cursor_options &&
		strcmp(entry->sql, statement->sql) == 0 &&
		(statement->nparams == 0 ||
		 memcmp(entry->types, statement->types,
				statement->nparams * sizeof(Oid)) == 0);
}

static SPIPlanPtr
prepare(const Statement *statement)
{
	SPIPlanPtr	plan;

	if (statement->parser != NULL)
		plan = SPI_prepare_params(statement->sql, statement->parser,
								  (void *) (uintptr_t) statement->function,
								  statement->cursor_options);
	else
		plan = SPI_prepare_cursor(statement->sql, statement->nparams,
								  unconstify(Oid *, statement->types),
								  statement->cursor_options);
	if (plan == NULL)
		elog(ERROR, "statement could not be prepared: %s",
			 SPI_result_code_string(SPI_result));
	return plan;
}

SPIPlanPtr
statement_plan_of(StatementCache *cache, const Statement *statement)
{
	uint32		hash = hash_of(statement);
	Size		size = statement->nparams * sizeof(Oid);
	CachedStatement *entry;
	SPIPlanPtr	plan;
	char	   *sql;
	Oid		   *types;

	if (cache->entries == NULL)
		cache->entries = create_entries();
	entry = hash_search(cache->entries, &hash, HASH_FIND, NULL);
	if (entry != NULL && is_entry_of(entry, statement))
		return entry->plan;
	if (entry != NULL ||
		hash_get_num_entries(cache->entries) >= cache->max_plans)
		drop_all(cache->entries);

	/* the entry is made last, so that no error leaves half of one */
	plan = prepare(statement);
	sql = MemoryContextStrdup(TopMemoryContext, statement->sql);
	types = MemoryContextAlloc(TopMemoryContext, size + 1);
	if (size > 0)
		memcpy(types, statement->types, size);
	SPI_keepplan(plan);
	entry = hash_search(cache->entries, &hash, HASH_ENTER, NULL);
	entry->role = GetUserId();
	entry->function = statement->function;
	entry->sql = sql;
	entry->nparams = statement->nparams;
	entry->types = types;
	entry->cursor_options = statement->cursor_options;
	entry->plan = plan;
	return plan;
}

SPIPlanPtr
statement_plan(const Statement *statement)
{
	return statement_plan_of(&of_actions, statement);
}
