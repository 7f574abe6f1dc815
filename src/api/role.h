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

/*
 * The role that a new definition of writer runs as: that of
 * workflow_engine.default_run_as, if there is one and the writer may use it,
 * else the writer.
 */
extern Oid	role_default_run_as(Oid writer);

/* May the current user have steps run as that role, which must exist? */
extern bool role_is_allowed(Oid role);

#endif							/* WF_ROLE_H */
