/*
 * operation.h
 *	  workflow_operations: who did what by hand.
 */
#ifndef WF_OPERATION_H
#define WF_OPERATION_H

#include "postgres.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/*
 * Records an operation, in the transaction under way.  what is a word such as
 * "cancel"; tenant, definition_id and run_id say what it was about, NULL: none
 * in particular, or several.  detail is an object that holds no secret; NULL
 * is an empty one.  The row says that the role of the session did it
 * (operation_role).  The caller need not be connected to SPI.
 */
extern void operation_note(const char *what, const pg_uuid_t *tenant,
						   const pg_uuid_t *definition_id,
						   const pg_uuid_t *run_id, Jsonb *detail);

/*
 * The name of the role that acts: what the session has logged in as, or has
 * become by SET ROLE.  SECURITY DEFINER functions do not change it.  Palloc'd.
 */
extern char *operation_role(void);

/*
 * Are rows loaded by the script of a dump?  Then triggers record nothing: the
 * operations of the time come with the dump.
 */
extern bool operation_is_restore(void);

#endif							/* WF_OPERATION_H */
