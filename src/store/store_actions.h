/*
 * store_actions.h
 *	  Definitions, actions, connections and templates, as steps need them.
 */
#ifndef WF_STORE_ACTIONS_H
#define WF_STORE_ACTIONS_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "plan/plan.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* The action library; in the caller's context. */
extern ActionCatalogue *store_catalogue(void);

/*
 * The handler's signature of a function action, or NULL if there is no
 * such action.  Palloc'd in the caller's context.
 */
extern char *store_action_handler(const char *name);

/*
 * The tenant's row before the row for all; false: there is neither.
 * *is_shared: it is the row for all.
 */
extern bool store_fetch_connection(const pg_uuid_t *tenant, const char *name,
								   pg_uuid_t *id, bool *is_shared, char **kind,
								   Jsonb **config, Jsonb **credentials);
/*
 * The same without the credentials, which most roles may not read: as the
 * current user, who sees the rows that row security shows.
 */
extern bool store_fetch_connection_shown(const pg_uuid_t *tenant,
										 const char *name, pg_uuid_t *id,
										 bool *is_shared, char **kind,
										 Jsonb **config);
extern bool store_fetch_template(const pg_uuid_t *tenant, const char *name,
								 char **subject, char **body, char **html);

/* A saved version; false: it does not exist. */
extern bool store_fetch_version(const pg_uuid_t *definition_id, int version,
								Jsonb **definition, Oid *run_as);

/* The definition's name now, and when that version was saved. */
extern bool store_fetch_name(const pg_uuid_t *id, int version, char **name,
							 TimestampTz *saved_at);

/* Are the definition and that version of it there, as of now? */
extern bool store_has_definition(const pg_uuid_t *id, int version);

#endif							/* WF_STORE_ACTIONS_H */
