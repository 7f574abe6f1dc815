/*
 * worker_settings.h
 *	  PostgreSQL's own settings in a worker's session.
 */
#ifndef WF_WORKER_SETTINGS_H
#define WF_WORKER_SETTINGS_H

/* To be called before the worker connects to its database. */
extern void worker_begin_settings(void);

/* To be called once it has connected: fixes what must not be changed. */
extern void worker_guard_settings(void);

/* The same with what would let a step end its worker; for good. */
extern void worker_pin_settings(void);

/*
 * Takes over what ALTER DATABASE and ALTER ROLE ... SET and RESET have changed
 * since the last call.  To be called outside of a transaction; may raise an
 * error, and what was not taken over is tried at the next call.
 */
extern void worker_follow_settings(void);

#endif							/* WF_WORKER_SETTINGS_H */
