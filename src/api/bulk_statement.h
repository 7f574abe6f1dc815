/*
 * bulk_statement.h
 *	  The statement that finds the runs which a BulkFilter chooses.
 */
#ifndef WF_BULK_STATEMENT_H
#define WF_BULK_STATEMENT_H

#include "postgres.h"
#include "api/bulk_filter.h"

/* The parameters of the statement: $1 and so on. */
enum
{
	BULK_TENANT,
	BULK_WORKFLOW,
	BULK_DEFINITION,
	BULK_FROM,					/* the first id */
	BULK_TO,					/* the first id after the last */
	BULK_AFTER,
	BULK_LIMIT,
	BULK_STEP,
	BULK_NPARAMS
};

/* Begins a statement: d are the definitions whose runs are meant. */
#define BULK_WITH_DEFINITIONS \
	"WITH d AS MATERIALIZED (SELECT id FROM %t.workflow_definitions" \
	" WHERE ($1 IS NULL OR tenant_id = $1) AND ($2 IS NULL OR name = $2)" \
	" AND ($3 IS NULL OR id = $3)) "

/*
 * The statement, palloc'd, with its schema: rows of (id, error), by ascending
 * id unless any will do.
 */
extern char *bulk_statement(const BulkFilter *filter, const FilterRule *rule);

#endif							/* WF_BULK_STATEMENT_H */
