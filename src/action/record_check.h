/*
 * record_check.h
 *	  Checks what a record action names before it runs: the table, its
 *	  columns, the literals for them, and the privileges of the step's role.
 */
#ifndef WF_RECORD_CHECK_H
#define WF_RECORD_CHECK_H

#include "action/record_select.h"
#include "action/step_check.h"
#include "nodes/parsenodes.h"

/* Where the columns of one privilege are collected that the role lacks. */
#define RECORD_CHECK_MODES 3

typedef struct RecordCheck
{
	const StepCheck *step;
	RecordTable table;
	char	   *table_path;
	List	   *lacking[RECORD_CHECK_MODES];	/* names (char *) of columns */
	bool		lacks_all[RECORD_CHECK_MODES];
	/* what record_check_end() goes back to */
	Oid			save_user;
	int			save_context;
	int			guc_level;
} RecordCheck;

/*
 * Finds the table of a literal parameter "table" as a step of the role would.
 * True: it is there, and locked ACCESS SHARE until record_check_end(), which
 * must be called.  Until then the role is the current user, and its settings
 * are those of steps.  False: there is nothing to check, after adding a
 * problem if the table cannot be used.
 *
 * verb is what the step does with the table: ACL_SELECT, ACL_INSERT or
 * ACL_UPDATE.
 */
extern bool record_check_begin(RecordCheck *check, const StepCheck *step,
							   AclMode verb);

/* Adds the problems of privileges, and undoes record_check_begin(). */
extern void record_check_end(RecordCheck *check);

/*
 * Checks the columns that the keys of an object parameter name, with their
 * literal values; mode is what the step needs to do with them.  Of a parameter
 * that is one template, only whether the role may do that with any column.
 */
extern void record_check_object(RecordCheck *check, const char *param,
								AclMode mode);

/*
 * Checks a column that the step compares with value (NULL: not known); path is
 * where it is named.
 */
extern void record_check_compared(RecordCheck *check, const char *path,
								  const char *column, const Template *value);

/*
 * The same for a test other than equality; of "in" each element that is a
 * literal.
 */
extern void record_check_test(RecordCheck *check, const char *path,
							  const char *column, RecordTest test,
							  const Template *value);

/* Checks a column that the step sorts by. */
extern void record_check_sorted(RecordCheck *check, const char *path,
								const char *column);

/* Checks a column that an aggregate function of PostgreSQL's is to take. */
extern void record_check_aggregated(RecordCheck *check, const char *path,
									const char *column, const char *function);

/*
 * Checks that the role may read any column; if not, that is noted, and no
 * column is named.
 */
extern void record_check_read_any(RecordCheck *check);

/* Checks a column that the step reads. */
extern void record_check_read(RecordCheck *check, const char *path,
							  const char *column);

/* Checks that the role may read every column. */
extern void record_check_read_all(RecordCheck *check);

/* Checks parameter "columns": those of a literal list, or all. */
extern void record_check_columns(RecordCheck *check);

#endif							/* WF_RECORD_CHECK_H */
