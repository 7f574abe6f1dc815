/*
 * record_change.h
 *	  What insert_record and update_record do to a row: before and after.
 */
#ifndef WF_RECORD_CHANGE_H
#define WF_RECORD_CHANGE_H

#include "action/record.h"

/* A row that a step is about to change.  Zeroed: none. */
typedef struct RecordChange
{
	bool		is_update;
	RecordTable table;
	char	   *key;			/* the column that identifies it, or NULL */
	Jsonb	   *id;				/* {column: value}; NULL: not known yet */
	Jsonb	   *before;			/* the row; NULL: there is none */
} RecordChange;

/*
 * Looks at the row that the call is about to update, as the current user:
 * columns that this role may not read are left out.  False if the action is
 * neither insert_record nor update_record, and there is nothing to tell.
 * Raises what the action itself would.
 */
extern bool record_change_begin(RecordChange *change, const Call *call);

/*
 * After the action has returned output: {"table", "key", "before", "after"},
 * where key is {column: value} or null; of an update the columns that it names
 * and those that triggers have changed, of an insert all.
 */
extern Jsonb *record_change_end(const RecordChange *change, const Call *call,
								Jsonb *output);

#endif							/* WF_RECORD_CHANGE_H */
