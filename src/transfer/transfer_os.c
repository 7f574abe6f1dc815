/*
 * transfer_os.c
 *	  What transfers need of the operating system: a clock, signals, files.
 *
 * Runs in a worker.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <limits.h>
#include <sys/resource.h>
#include <time.h>

#include "transfer/transfer_os.h"

int64
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
signals_block(sigset_t *saved)
{
	sigset_t	all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

void
signals_restore(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

/*
 * Many sockets are open at a time.  fd.c computed its share of open files when
 * the server started, and is not affected.
 */
void
open_files_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 65536)
	{
		limit.rlim_cur = limit.rlim_max == RLIM_INFINITY
			? 65536 : Min(limit.rlim_max, 65536);
		(void) setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Each transfer may need two sockets while it connects (one for each family
 * of addresses) and a pair for its name lookup.  The rest of the process keeps
 * 256 files.
 */
int
open_files_transfers(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
		limit.rlim_cur == RLIM_INFINITY)
		return INT_MAX;
	return (int) Max(((int64) limit.rlim_cur - 256) / 4, 8);
}
