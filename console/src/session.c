/*
 * session.c
 *	  Who is signed in: a table of fixed size, in memory alone.
 *
 * An id and a token are 32 random bytes each.  The cookie has the id, which
 * servers on other ports of the machine receive as well; so a request needs
 * the token too, which only the answer to the sign-in told.  Ids are compared
 * in constant time, with every session.
 *
 * Of sessions that are over, the last ones are known by their id, so that the
 * page can say why.  Times are milliseconds of a clock that only goes forward.
 * A restart ends all.
 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "text.h"

#define ENDED 256

struct Sessions
{
	int			max;
	int64_t		idle;			/* milliseconds */
	int64_t		total;			/* milliseconds */
	int			count;
	Session		session[SESSIONS];
	struct
	{
		unsigned char id[SECRET_SIZE];
		const char *reason;		/* NULL: free */
	}			ended[ENDED];
	int			next_ended;
};

/* idle and total in seconds; max is at most SESSIONS. */
Sessions *
sessions_new(int max, int idle, int total)
{
	Sessions   *sessions = text_alloc(sizeof(Sessions));

	sessions->max = max < SESSIONS ? max : SESSIONS;
	sessions->idle = (int64_t) idle * 1000;
	sessions->total = (int64_t) total * 1000;
	return sessions;
}

void
sessions_free(Sessions *sessions)
{
	explicit_bzero(sessions, sizeof(*sessions));
	free(sessions);
}

static void
draw(unsigned char *secret)
{
	size_t		done = 0;

	while (done < SECRET_SIZE)
	{
		ssize_t		n = getrandom(secret + done, SECRET_SIZE - done, 0);

		if (n > 0)
			done += n;
	}
}

bool
sessions_full(const Sessions *sessions)
{
	return sessions->count >= sessions->max;
}

/*
 * The session that a new one of that role ends: if it has as many as it may,
 * the one that was idle longest.
 */
Session *
session_displaced(Sessions *sessions, const char *role)
{
	Session    *longest = NULL;
	int			count = 0;

	for (int i = 0; i < SESSIONS; i++)
	{
		Session    *session = &sessions->session[i];

		if (!session->used || strcmp(session->role, role) != 0)
			continue;
		count++;
		if (longest == NULL || session->active < longest->active)
			longest = session;
	}
	return count >= SESSIONS_OF_ROLE ? longest : NULL;
}

/* A session with a new id and token; NULL: there are as many as may be. */
Session *
session_new(Sessions *sessions, const char *role, const char *address,
			int64_t now)
{
	Session    *session = sessions->session;

	if (sessions_full(sessions))
		return NULL;
	while (session->used)
		session++;
	memset(session, 0, sizeof(*session));
	session->used = true;
	draw(session->id);
	draw(session->token);
	snprintf(session->role, ROLE_SIZE, "%s", role);
	snprintf(session->address, ADDRESS_SIZE, "%s", address);
	session->began = session->active = now;
	sessions->count++;
	return session;
}

/* The session of that id, or NULL.  Looks at all, however soon it is found. */
Session *
session_find(Sessions *sessions, const unsigned char *id)
{
	Session    *found = NULL;

	for (int i = 0; i < SESSIONS; i++)
	{
		Session    *session = &sessions->session[i];
		bool		same = text_same_secret(session->id, id, SECRET_SIZE);

		if (same && session->used)
			found = session;
	}
	return found;
}

/* Milliseconds until it ends if nothing is done. */
static int64_t
left(const Sessions *sessions, const Session *session, int64_t now)
{
	int64_t		idle = session->active + sessions->idle - now;
	int64_t		total = session->began + sessions->total - now;

	return idle < total ? idle : total;
}

/* The same in seconds, 0 at least. */
int
session_left(const Sessions *sessions, const Session *session, int64_t now)
{
	int64_t		ms = left(sessions, session, now);

	return ms > 0 ? (int) (ms / 1000) : 0;
}

/* One whose time is over, or NULL. */
Session *
session_expired(Sessions *sessions, int64_t now)
{
	for (int i = 0; i < SESSIONS; i++)
		if (sessions->session[i].used &&
			left(sessions, &sessions->session[i], now) <= 0)
			return &sessions->session[i];
	return NULL;
}

/* One of that role with another id, or NULL. */
Session *
session_other(Sessions *sessions, const char *role, const unsigned char *id)
{
	for (int i = 0; i < SESSIONS; i++)
	{
		Session    *session = &sessions->session[i];

		if (session->used && strcmp(session->role, role) == 0 &&
			!text_same_secret(session->id, id, SECRET_SIZE))
			return session;
	}
	return NULL;
}

/* Any that is there, or NULL. */
Session *
session_any(Sessions *sessions)
{
	for (int i = 0; i < SESSIONS; i++)
		if (sessions->session[i].used)
			return &sessions->session[i];
	return NULL;
}

/* Forgets a session; reason is one of ENDED_, and stays for session_ended. */
void
session_end(Sessions *sessions, Session *session, const char *reason)
{
	int			at = sessions->next_ended;

	memcpy(sessions->ended[at].id, session->id, SECRET_SIZE);
	sessions->ended[at].reason = reason;
	sessions->next_ended = (at + 1) % ENDED;
	explicit_bzero(session, sizeof(*session));
	sessions->count--;
}

/* Why the session of that id is over; NULL: not known. */
const char *
session_ended(const Sessions *sessions, const unsigned char *id)
{
	const char *reason = NULL;

	for (int i = 0; i < ENDED; i++)
		if (text_same_secret(sessions->ended[i].id, id, SECRET_SIZE) &&
			sessions->ended[i].reason != NULL)
			reason = sessions->ended[i].reason;
	return reason;
}
