/*
 * phone.h
 *	  Phone numbers as people write them, made what a provider wants.
 */
#ifndef WF_PHONE_H
#define WF_PHONE_H

#include "postgres.h"

/*
 * text (UTF-8) as "+" and digits, palloc'd; NULL if it is no phone number,
 * with *wrong (UTF-8) saying why, to follow 'parameter "phone" '.
 * country is the digits of a calling code for numbers with a leading 0, or
 * NULL if there is none.
 */
extern char *phone_normalize(const char *text, const char *country,
							 char **wrong);

#endif							/* WF_PHONE_H */
