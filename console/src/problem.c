/*
 * problem.c
 *	  SQLSTATE to status and code; a problem as JSON.
 *
 * Knows nothing of connections and owns nothing.
 */
#include "problem.h"

#include <string.h>

/* By the whole SQLSTATE, else by its class: the first that fits. */
static const struct
{
	const char *prefix;
	int			status;
	const char *code;
}			table[] =
{
	{"WF409", 409, "changed"},
	{"WF408", 504, "timeout"},
	{"22P02", 400, "bad_value"},
	{"22P05", 400, "bad_value"},
	{"22021", 400, "bad_value"},
	{"22007", 400, "bad_value"},
	{"22008", 400, "bad_value"},
	{"54001", 400, "bad_value"},
	{"42501", 403, "forbidden"},
	{"P0002", 404, "not_found"},
	{"42704", 404, "not_found"},
	{"23505", 409, "exists"},
	{"23503", 409, "referenced"},
	{"55P03", 409, "locked"},
	{"40001", 409, "locked"},
	{"40P01", 409, "locked"},
	{"55000", 409, "state"},
	/* our schema, a table or a function of it is gone */
	{"3F000", 503, "no_extension"},
	{"42P01", 503, "no_extension"},
	{"42883", 503, "no_extension"},
	{"53300", 503, "too_many_connections"},
	{"57014", 504, "timeout"},
	{"57P", 503, "unavailable"},
	{"08", 503, "unavailable"},
	{"53", 503, "unavailable"},
	{"22", 422, "invalid"},
	{"23", 422, "invalid"},
	{"54", 422, "invalid"},
	{"P0001", 422, "invalid"},
};

/* Sets status, code and sqlstate; NULL is a connection that is gone. */
void
problem_from_sqlstate(Problem *problem, const char *sqlstate)
{
	problem->sqlstate = sqlstate;
	for (size_t i = 0; sqlstate && i < sizeof(table) / sizeof(table[0]); i++)
	{
		if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
		{
			problem->status = table[i].status;
			problem->code = table[i].code;
			return;
		}
	}
	problem->status = sqlstate ? 500 : 503;
	problem->code = sqlstate ? "internal" : "unavailable";
}

void
problem_write(Text *t, const Problem *problem)
{
	text_adds(t, "{\"error\": {");
	text_add_member(t, "code", problem->code);
	text_add_member(t, "sqlstate", problem->sqlstate);
	text_add_member(t, "message", problem->message);
	text_add_member(t, "detail", problem->detail);
	text_add_member(t, "hint", problem->hint);
	text_adds(t, "}}");
}
