/*
 * role.h
 *	  The roles that steps run as: which of them a writer may choose, and
 *	  which of them a restore has not found.
 */
#ifndef WF_ROLE_H
#define WF_ROLE_H

#include "postgres.h"

/*
 * Warns of each role that input of wf_role has read as no role since the last
 * call of this function or of role_forget_missing, if this process has not
 * warned of it before.
 */
extern void role_warn_of_missing(void);

/* Forgets these roles without a warning. */
extern void role_forget_missing(void);

/* Is there a role with that OID?  InvalidOid is none. */
extern bool role_exists(Oid role);

/* May the current user have steps run as that role, which must exist? */
extern bool role_is_allowed(Oid role);

/*
 * The default of run_as: the role of workflow_engine.default_run_as, if there
 * is one and the current user may use it, else the current user.
 */
extern Oid	role_default_run_as(void);

#endif							/* WF_ROLE_H */
