/*
 * store_defect.h
 *	  Is a row as the engine writes it?
 */
#ifndef WF_STORE_DEFECT_H
#define WF_STORE_DEFECT_H

#include "postgres.h"
#include "store/run_row.h"

/* What is wrong with the row, naming the column; NULL: nothing. */
extern char *store_run_defect(const RunRow *run);

/* The same of these columns alone; the latter two may be NULL. */
extern char *store_results_defect(Jsonb *step_results, Jsonb *failed_attempts,
								  Jsonb *previous_results);

#endif							/* WF_STORE_DEFECT_H */
