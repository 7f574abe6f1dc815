/*
 * cancel.h
 *	  Cancelling runs that were found in another way than by a filter.
 */
#ifndef WF_CANCEL_H
#define WF_CANCEL_H

#include "postgres.h"

/*
 * wf_cancel of these runs (uuid[]), as far as they have not ended; returns how
 * many were cancelled.  The caller acts as the tables' owner, and has checked
 * that the session may do that.
 */
extern int64 cancel_runs_by_id(Datum ids);

#endif							/* WF_CANCEL_H */
