/*
 * http_date.h
 *	  Reading the dates that HTTP servers send.
 */
#ifndef WF_HTTP_DATE_H
#define WF_HTTP_DATE_H

#include "postgres.h"

#include <time.h>

/*
 * The time of a date in one of the three forms of HTTP (RFC 9110, 5.6.7), in
 * seconds since 1970; -1 if it has none of them.
 */
extern time_t http_date(const char *text);

#endif							/* WF_HTTP_DATE_H */
