/*
 * record_check_internal.h
 *	  What record_check.c has for record_check_columns.c.
 */
#ifndef WF_RECORD_CHECK_INTERNAL_H
#define WF_RECORD_CHECK_INTERNAL_H

#include "action/record_check.h"

/*
 * Notes for record_check_end() that the role lacks the privilege on a column,
 * if it does.
 */
extern void record_check_privilege(RecordCheck *check, AttrNumber number,
								   const char *column, AclMode mode);

/*
 * Has the role the privilege on any column?  If not, that is noted, and no
 * column is named.
 */
extern bool record_check_any(RecordCheck *check, AclMode mode);

#endif							/* WF_RECORD_CHECK_INTERNAL_H */
