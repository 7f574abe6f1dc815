/*
 * cancel_retry.h
 *	  Runs that people stop or start again.
 */
#ifndef WF_CANCEL_RETRY_H
#define WF_CANCEL_RETRY_H

#include "postgres.h"

/*
 * wf_cancel of these runs (uuid[]), as far as they have not ended; returns how
 * many were cancelled.  The caller acts as the tables' owner, and has checked
 * that the session may do that.
 */
extern int64 cancel_runs_by_id(Datum ids);

#endif							/* WF_CANCEL_RETRY_H */
