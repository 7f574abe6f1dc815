/*
 * statement.h
 *	  The statements of the API.
 */
#ifndef WF_STATEMENT_H
#define WF_STATEMENT_H

#include "text.h"

/* An answer of a statement that reads is not larger. */
#define ANSWER_LIMIT (8 * 1024 * 1024)

extern bool statement_known(const char *name);
extern void statement_write(Text *out, const char *name, const char *schema,
							bool limit);

#endif							/* WF_STATEMENT_H */
