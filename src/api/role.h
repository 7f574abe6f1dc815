/*
 * role.h
 *	  Roles of workflows: who may choose which, and which a restore has not
 *	  found.
 */
#ifndef WF_ROLE_H
#define WF_ROLE_H

#include "postgres.h"

/*
 * Of the roles that input of wf_role has read as no role since the last call
 * of either function: gives a warning for each that this process has not
 * warned of before, or does not.
 */
extern void role_warn_of_missing(void);
extern void role_forget_missing(void);

/* May the current user have steps run as that role, which must exist? */
extern bool role_is_allowed(Oid role);

#endif							/* WF_ROLE_H */
