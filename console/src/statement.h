/*
 * statement.h
 *	  The statements of the API.
 */
#ifndef WF_STATEMENT_H
#define WF_STATEMENT_H

#include "route.h"
#include "text.h"

/* An answer is not larger. */
#define ANSWER_LIMIT (8 * 1024 * 1024)

extern bool statement_known(const char *name);
extern bool statement_is_cut(const Route *route);
extern void statement_write(Text *out, const char *name, const char *schema,
							bool cut);

#endif							/* WF_STATEMENT_H */
