/*
 * route.h
 *	  The routes of the API.
 */
#ifndef WF_ROUTE_H
#define WF_ROUTE_H

#include "request.h"

typedef enum RouteKind
{
	ROUTE_STATEMENT,
	ROUTE_LOGIN,
	ROUTE_LOGOUT,
	ROUTE_PASSWORD,
	ROUTE_PREVIEW				/* a frame asks, by a one-time id alone */
} RouteKind;

typedef struct Route
{
	const char *pattern;		/* after /api/: ID is a UUID, N a number */
	bool		is_post;
	RouteKind	kind;
	const char *statement;		/* the file of console/sql */
	bool		writes;
	int			timeout;		/* milliseconds that the statement may take */
	int			longer;			/* with ?longer=1 */
	const char *query;			/* parameters after the question mark */
	const char *file;			/* a download: the end of its name */
	bool		csv;			/* a file of rows, whose name is all of file */
	bool		keeps;			/* a third column is kept for ROUTE_PREVIEW */
} Route;

/* What a path stands for; params is freed by the caller. */
typedef struct RouteMatch
{
	const Route *route;
	char		id[37];			/* of the path; "" if it has none */
	char		n[10];
	bool		longer;
	Text		params;			/* a JSON object without its last brace */
} RouteMatch;

extern bool route_match(const Request *request, RouteMatch *match,
						Problem *problem);
extern void route_file(const Route *route, const char *id, const char *n,
					   char *header, size_t size);
extern const Route *route_table(int *count);

#endif							/* WF_ROUTE_H */
