/*
 * database.h
 *	  How connections to PostgreSQL are made.
 */
#ifndef WF_DATABASE_H
#define WF_DATABASE_H

#include <libpq-fe.h>

#include "config.h"

typedef struct Database Database;

extern Database *database_new(const char *conninfo, char *error);
extern void database_free(Database *database);
extern PGconn *database_connect(const Database *database, const char *role,
								const char *password, const char *address);
extern void database_forget_password(PGconn *conn);
extern void database_clear_environment(void);

#endif							/* WF_DATABASE_H */
