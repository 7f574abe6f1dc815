/*
 * log.h
 *	  One line of JSON for each request, and for what the program does.
 */
#ifndef WF_LOG_H
#define WF_LOG_H

/* What a line says of a request.  No body, no query, no header is in it. */
typedef struct LogLine
{
	const char *role;
	const char *address;
	const char *method;
	const char *route;			/* the pattern, not the path */
	const char *id;				/* of the path, if it has one */
	int			status;
	const char *code;			/* of a problem */
	const char *sqlstate;
	double		ms;
} LogLine;

extern void log_request(const LogLine *line);
extern void log_event(const char *event, const char *role,
					  const char *address, const char *why);

#endif							/* WF_LOG_H */
