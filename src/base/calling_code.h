/*
 * calling_code.h
 *	  Calling codes of countries (ITU-T E.164).  Pure.
 */
#ifndef WF_CALLING_CODE_H
#define WF_CALLING_CODE_H

/*
 * The digits of the calling code that text means: "961", "+961", "00961", or
 * a country of ISO 3166-1 ("LB", in either case).  Palloc'd; NULL if it means
 * none.
 */
extern char *calling_code(const char *text);

#endif							/* WF_CALLING_CODE_H */
