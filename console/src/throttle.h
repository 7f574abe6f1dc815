/*
 * throttle.h
 *	  How often a sign-in may be tried.
 */
#ifndef WF_THROTTLE_H
#define WF_THROTTLE_H

#include <stdint.h>

#define THROTTLE_PENDING 4		/* tries under way */

typedef struct Throttle Throttle;

extern Throttle *throttle_new(void);
extern void throttle_free(Throttle *throttle);
extern int	throttle_ask(Throttle *throttle, const char *role,
						 const char *address, int64_t now);
extern void throttle_answered(Throttle *throttle);
extern void throttle_failed(Throttle *throttle, const char *role,
							const char *address, int64_t now);
extern void throttle_passed(Throttle *throttle, const char *role,
							const char *address);

#endif							/* WF_THROTTLE_H */
