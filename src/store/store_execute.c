/*
 * store_execute.c
 *	  The statements on the extension's tables, prepared once a process.
 *
 * The statements' texts are in store_statements.c.  Runs in workers and in
 * the backends that call our functions.
 *
 * Owns: one saved plan a statement, and table of units if the statement is on
 * one, in static memory.  Plans follow changes of the tables by themselves; if
 * the extension's schema is another one or has another name, all are thrown
 * away.  Nothing survives the process.
 */
#include "postgres.h"
#include "compat.h"

#include "executor/spi.h"
#include "store/planner_rule.h"
#include "store/store_execute.h"
#include "store/store_schema.h"
#include "store/store_statements.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/guc.h"

static SPIPlanPtr plans[UNIT_NTABLES][STORE_NSTATEMENTS];
static NameData planned_name;	/* of the schema, as the plans spell it */
static uint64 planned_generation;	/* of the schema when they were made */

static void
forget_plans(void)
{
	for (int table = 0; table < UNIT_NTABLES; table++)
		for (int i = 0; i < STORE_NSTATEMENTS; i++)
		{
			if (plans[table][i] != NULL)
				SPI_freeplan(plans[table][i]);
			plans[table][i] = NULL;
		}
}

/*
 * Throws the plans away if the extension has another schema by now, or its
 * schema another name.  A plan's text has that name.  After ALTER SCHEMA ...
 * RENAME the name may be that of somebody else's schema, and the plan would
 * be analysed anew with it.
 */
static void
follow_schema(void)
{
	char	   *name = store_schema_name();

	if (planned_generation != store_schema_generation() ||
		strcmp(name, NameStr(planned_name)) != 0)
	{
		forget_plans();
		namestrcpy(&planned_name, name);
		planned_generation = store_schema_generation();
	}
	pfree(name);
}

static SPIPlanPtr
prepare(UnitTable table, StoreStatement statement)
{
	const StatementText *text = &store_statements[statement];
	SPIPlanPtr	plan;

	follow_schema();
	if (plans[table][statement] != NULL)
		return plans[table][statement];

	plan = SPI_prepare(store_sql_on(table, text->sql), text->nargs,
					   (Oid *) text->args);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	plans[table][statement] = plan;
	return plan;
}

int
store_execute_on(UnitTable table, StoreStatement statement, Datum *values,
				 const char *nulls, bool read_only, long limit)
{
	PlannerSettings before;
	int			level;
	volatile int result = 0;

	store_check_tables(STORE_ALL_TABLES);	/* results are read as C types */
	level = store_enter_search_path();
	planner_rule_begin(PLANNER_IN_INDEX_ORDER, &before);
	PG_TRY();
	{
		result = SPI_execute_plan(prepare(table, statement), values, nulls,
								  read_only, limit);
	}
	PG_FINALLY();
	{
		planner_rule_end(&before);
	}
	PG_END_TRY();
	store_leave_search_path(level);

	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(result));
	return result;
}

int
store_execute(StoreStatement statement, Datum *values, const char *nulls,
			  bool read_only, long limit)
{
	return store_execute_on(UNIT_RUN, statement, values, nulls, read_only,
							limit);
}
