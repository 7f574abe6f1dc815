/*
 * transfer_os.h
 *	  What transfers need of the operating system: a clock, signals, files.
 */
#ifndef WF_TRANSFER_OS_H
#define WF_TRANSFER_OS_H

#include "postgres.h"

#include <signal.h>

/* Milliseconds of a clock that nobody sets; comparable within a process. */
extern int64 monotonic_ms(void);

/*
 * Blocks every signal of this thread and restores what was blocked before.
 * A thread that libcurl starts inherits the mask of that moment, and
 * PostgreSQL's signal handlers must run in the main thread alone: so every
 * call of libcurl that may start a thread stands between these two.
 */
extern void signals_block(sigset_t *saved);
extern void signals_restore(const sigset_t *saved);

/* Raises the limit of open files, if the hard limit allows. */
extern void open_files_raise(void);

/* How many transfers that limit lets run at a time; INT_MAX if any number. */
extern int	open_files_transfers(void);

#endif							/* WF_TRANSFER_OS_H */
