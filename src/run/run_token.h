/*
 * run_token.h
 *	  A step whose request carries a token of OAuth 2.
 */
#ifndef WF_RUN_TOKEN_H
#define WF_RUN_TOKEN_H

#include "run/run.h"

/*
 * The outcome of an attempt for which the token could not be had: its request
 * was not sent.
 */
extern void run_token_failed(const Token *token, Outcome *outcome);

/*
 * The server has answered a request with a token: so it is known whether it
 * takes the token.  True: it does not, although it did before, and the step is
 * to be sent once more, with a new one; the attempt does not count, and the
 * row says so.  error is what the answer means.
 */
extern bool run_token_renew(RunRow *run, const Answer *answer,
							const char *error, int64 duration_us);

#endif							/* WF_RUN_TOKEN_H */
