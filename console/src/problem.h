/*
 * problem.h
 *	  What is answered if something cannot be done.
 */
#ifndef WF_PROBLEM_H
#define WF_PROBLEM_H

#include "text.h"

/*
 * status is HTTP's, code a word that the page has sentences for.  The texts
 * belong to whoever made it, and sqlstate may be NULL; retry_after is in
 * seconds, 0: none.
 */
typedef struct Problem
{
	int			status;
	const char *code;
	const char *sqlstate;
	const char *message;
	const char *detail;
	const char *hint;
	int			retry_after;
} Problem;

extern void problem_from_sqlstate(Problem *problem, const char *sqlstate);
extern void problem_write(Text *t, const Problem *problem);

#endif							/* WF_PROBLEM_H */
