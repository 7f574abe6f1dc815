/*
 * session.h
 *	  Who is signed in.
 */
#ifndef WF_SESSION_H
#define WF_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "guard.h"

#define SESSIONS 64
#define SESSIONS_OF_ROLE 4
#define ROLE_SIZE 64			/* NAMEDATALEN */
#define PASSWORD_SIZE 1001

/* One session; it is valid from session_new to session_end. */
typedef struct Session
{
	bool		used;
	unsigned char id[SECRET_SIZE];	/* what the cookie has */
	unsigned char token[SECRET_SIZE];	/* what X-WF-Token has */
	char		role[ROLE_SIZE];
	char		address[ADDRESS_SIZE];	/* from where it was begun */
	int64_t		began;			/* milliseconds */
	int64_t		active;			/* the last request that is no poll */
	void	   *operator;		/* its connection, see operator.c */
} Session;

/* Why a session is over; the words are codes of the API. */
#define ENDED_EXPIRED "expired"
#define ENDED_LOST "lost"
#define ENDED_ENDED "ended"
#define ENDED_PASSWORD "password"	/* of the role, which has a new one */

typedef struct Sessions Sessions;

extern Sessions *sessions_new(int max, int idle, int total);
extern void sessions_free(Sessions *sessions);
extern Session *session_new(Sessions *sessions, const char *role,
							const char *address, int64_t now);
extern Session *session_displaced(Sessions *sessions, const char *role);
extern bool sessions_full(const Sessions *sessions);
extern Session *session_find(Sessions *sessions, const unsigned char *id);
extern Session *session_expired(Sessions *sessions, int64_t now);
extern Session *session_other(Sessions *sessions, const char *role,
							  const unsigned char *id);
extern Session *session_any(Sessions *sessions);
extern int	session_left(const Sessions *sessions, const Session *session,
						 int64_t now);
extern void session_end(Sessions *sessions, Session *session,
						const char *reason);
extern const char *session_ended(const Sessions *sessions,
								 const unsigned char *id);

#endif							/* WF_SESSION_H */
