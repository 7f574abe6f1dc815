/*
 * action_handler.h
 *	  The function of an action that a user added: which one it is, whether it
 *	  fits, and for which roles it may work.
 */
#ifndef WF_ACTION_HANDLER_H
#define WF_ACTION_HANDLER_H

#include "postgres.h"

/*
 * The function that a handler (a signature) names.  Raises 42883 if there is
 * none.
 */
extern Oid	handler_function(const char *handler);

/* The same, but InvalidOid if there is none. */
extern Oid	handler_function_if_any(const char *handler);

/*
 * Raises 42P13 unless the function is (jsonb, jsonb) returning jsonb: not an
 * aggregate, a window function, a procedure or a set, and not temporary.
 * Raises 42883 if it is gone.
 */
extern void handler_check_signature(Oid function);

/* May the role act as the owner of the function? */
extern bool handler_is_owned_by(Oid function, Oid role);

/*
 * Why a step that runs as role may not call the function, palloc'd: the role
 * must have USAGE on its schema and EXECUTE on it, and its owner must be able
 * to SET ROLE to the role.  *detail says what to do, or is NULL.  NULL: it
 * may.  Raises 42883 if the function is gone.
 */
extern char *handler_call_problem(Oid function, Oid role, char **detail);

/*
 * Raises 42501 unless the current user may execute the function, and the
 * function's owner may SET ROLE to the current user.
 */
extern void handler_check_call(Oid function);

#endif							/* WF_ACTION_HANDLER_H */
