/*
 * version_wait.h
 *	  A worker waits while library and SQL objects are of two versions.
 */
#ifndef WF_VERSION_WAIT_H
#define WF_VERSION_WAIT_H

/*
 * Are the SQL objects of the version that this library is made for?  If not,
 * this is logged once in each database, and wf_workers() shows it.  Within a
 * transaction; costs a comparison until the extension is updated.
 */
extern bool version_look(void);

/* The same between two ticks; a yes may be that of the last look. */
extern bool version_fits(void);

#endif							/* WF_VERSION_WAIT_H */
