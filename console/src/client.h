/*
 * client.h
 *	  One HTTP connection.
 */
#ifndef WF_CLIENT_H
#define WF_CLIENT_H

#include <event2/event.h>
#include <stdint.h>

#include "config.h"
#include "guard.h"
#include "head.h"
#include "log.h"
#include "request.h"

#define CLIENTS 256

typedef struct Client Client;

/* Called with a whole request; client_answer is to be called once for it. */
typedef void (*ClientHandler) (Client *client, const Request *request,
							   const char *body);

/*
 * Called before a large body is taken; false: it was answered, and the
 * connection ends.
 */
typedef bool (*ClientAdmit) (Client *client, const Request *request);

/* Called if the client goes away before it was answered. */
typedef void (*ClientGone) (void *arg);

extern void clients_start(struct event_base *base, const Config *config,
						  ClientAdmit admit, ClientHandler handler);
extern bool client_begin(int fd, const char *peer);
extern void clients_stop(void);
extern void client_wait(Client *client, ClientGone gone, void *arg);
extern void client_answer(Client *client, const Answer *answer);
extern void client_answer_text(Client *client, int status,
							   const char *headers, Text *text);
extern void client_fail(Client *client, const Problem *problem);
extern const char *client_address(const Client *client);
extern LogLine *client_log(Client *client);
extern void client_log_id(Client *client, const char *role, const char *id);
extern void client_wipe(Client *client);

#endif							/* WF_CLIENT_H */
