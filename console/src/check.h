/*
 * check.h
 *	  wf_console --check: what is missing before it can serve.
 */
#ifndef WF_CHECK_H
#define WF_CHECK_H

#include "config.h"
#include "database.h"

extern int	check_run(const Config *config, const Database *database,
					  const char *role);

#endif							/* WF_CHECK_H */
