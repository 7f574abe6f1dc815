/*
 * error_class.h
 *	  What errors have in common: an error without what differs each time.
 */
#ifndef WF_ERROR_CLASS_H
#define WF_ERROR_CLASS_H

/*
 * The class of an error: its text with numbers, uuids, quoted texts and
 * addresses replaced, and without the 'step "name": ' that the error message
 * of a run begins with.  Two runs that failed for one reason have the same.
 *
 *	 step "bill": order 17 of "Rana" is unknown: http://a.example/17
 *	 order <number> of "..." is unknown: <address>
 *
 * What tells one error from another stays: the status after "HTTP", and a
 * number after "error" or "code".  The class of a class is itself.  message is
 * text in the database's encoding; the result is palloc'd.
 */
extern char *error_class(const char *message);

#endif							/* WF_ERROR_CLASS_H */
