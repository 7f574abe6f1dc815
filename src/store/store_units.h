/*
 * store_units.h
 *	  The tables that units are in: their names, and where their columns are.
 */
#ifndef WF_STORE_UNITS_H
#define WF_STORE_UNITS_H

#include "postgres.h"
#include "access/attnum.h"
#include "base/unit.h"

/* What every table of units has a column for. */
typedef enum UnitColumn
{
	UNIT_COLUMN_DEFINITION_ID,
	UNIT_COLUMN_DEFINITION_VERSION,
	UNIT_COLUMN_TENANT_ID,
	UNIT_COLUMN_TRIGGER_PAYLOAD,
	UNIT_COLUMN_PLACE,
	UNIT_COLUMN_STATUS,
	UNIT_COLUMN_CURRENT_STEP,
	UNIT_COLUMN_STEP_RESULTS,
	UNIT_COLUMN_PREVIOUS_RESULTS,
	UNIT_COLUMN_ERROR_MESSAGE,
	UNIT_COLUMN_QUEUED_AT,
	UNIT_COLUMN_RUN_AT,
	UNIT_COLUMN_STARTED_AT,
	UNIT_COLUMN_COMPLETED_AT,
	UNIT_COLUMN_PRIORITY,
	UNIT_COLUMN_DEPTH,
	UNIT_COLUMN_OWNER,
	UNIT_COLUMN_ATTEMPT,
	UNIT_COLUMN_ATTEMPT_AT,
	UNIT_COLUMN_FAILED_ATTEMPTS,
	UNIT_COLUMN_ABNORMAL_ENDS,
	UNIT_COLUMN_ABNORMAL_STEP,
	UNIT_NCOLUMNS
} UnitColumn;

typedef struct UnitTableInfo
{
	const char *name;
	const char *key;			/* the index of its primary key, the id */
	AttrNumber	columns[UNIT_NCOLUMNS];
} UnitTableInfo;

extern const UnitTableInfo store_unit_tables[UNIT_NTABLES];

#endif							/* WF_STORE_UNITS_H */
