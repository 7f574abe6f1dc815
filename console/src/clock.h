/*
 * clock.h
 *	  A clock that only goes forward.
 */
#ifndef WF_CLOCK_H
#define WF_CLOCK_H

#include <stdint.h>

extern int64_t clock_ms(void);

#endif							/* WF_CLOCK_H */
