/*
 * server.h
 *	  Listens, and runs the loop.
 */
#ifndef WF_SERVER_H
#define WF_SERVER_H

#include "config.h"
#include "database.h"

extern bool server_descriptors(const Config *config, char *error);
extern int	server_listen(const Config *config, char *error);
extern int	server_run(const Config *config, const Database *database,
					   int listener);

#endif							/* WF_SERVER_H */
