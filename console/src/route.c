/*
 * route.c
 *	  The routes of the API: which method, statement and time-out, whether it
 *	  may write, and what the path and the query say.
 *
 * A constant table and pure functions.  What a path or a query says is made a
 * JSON object of strings, $1 of the statement.
 */
#include "route.h"

#include <stdio.h>
#include <string.h>

#define READ(pattern_, statement_, query_) \
	{.pattern = pattern_, .statement = statement_, .query = query_, \
	.timeout = 5000}
#define ASK(pattern_, statement_) \
	{.pattern = pattern_, .statement = statement_, .is_post = true, \
	.timeout = 5000}
#define WRITE(pattern_, statement_) \
	{.pattern = pattern_, .statement = statement_, .is_post = true, \
	.writes = true, .timeout = 10000}
#define DOWNLOAD(pattern_, statement_, file_) \
	{.pattern = pattern_, .statement = statement_, .file = file_, \
	.timeout = 5000}
#define CSV(pattern_, statement_, file_) \
	{.pattern = pattern_, .statement = statement_, .file = file_, \
	.is_post = true, .csv = true, .timeout = 15000}

static const Route routes[] =
{
	{.pattern = "login", .is_post = true, .kind = ROUTE_LOGIN},
	{.pattern = "logout", .is_post = true, .kind = ROUTE_LOGOUT},
	{.pattern = "password", .is_post = true, .kind = ROUTE_PASSWORD},
	READ("me", "me", NULL),
	READ("health", "health", "tenant"),
	READ("activity", "activity", "tenant"),
	{.pattern = "runs", .is_post = true, .statement = "runs",
	.timeout = 3000, .longer = 15000, .query = "longer"},
	READ("runs/ID", "run", NULL),
	DOWNLOAD("runs/ID/payload", "run_payload", "payload"),
	DOWNLOAD("runs/ID/steps/N/input", "run_step_input", "input"),
	DOWNLOAD("runs/ID/steps/N/output", "run_step_output", "output"),
	ASK("failures", "failures"),
	ASK("runs/count", "runs_count"),
	WRITE("runs/retry", "runs_retry"),
	WRITE("runs/cancel", "runs_cancel"),
	WRITE("runs/ID/rerun", "run_rerun"),
	WRITE("runs/retry-next", "runs_retry_next"),
	WRITE("runs/cancel-next", "runs_cancel_next"),
	WRITE("pause", "pause"),
	WRITE("resume", "resume"),
	READ("workflows", "workflows", "tenant"),
	ASK("workflows/counts", "workflows_counts"),
	WRITE("workflows/ID/active", "workflow_active"),
	/* files for a spreadsheet */
	CSV("runs/csv", "runs_csv", "runs"),
	CSV("failures/csv", "failures_csv", "failures"),
	CSV("workflows/csv", "workflows_csv", "workflows"),
	CSV("operations/csv", "operations_csv", "operations"),
	/* settings */
	READ("operations", "operations", "before tenant who what"),
	READ("schedules", "schedules", "tenant q"),
	READ("tenants", "tenants", "q after tenant"),
	READ("tenants/names", "tenant_names", "q tenant"),
	WRITE("tenants/ID/save", "tenant_save"),
	READ("templates", "templates", "tenant q"),
	READ("templates/ID", "template", NULL),
	READ("templates/ID/versions/N", "template_version", NULL),
	WRITE("templates", "template_new"),
	WRITE("templates/ID/save", "template_save"),
	WRITE("templates/ID/delete", "template_delete"),
	{.pattern = "templates/preview", .is_post = true, .keeps = true,
	.statement = "template_preview", .timeout = 5000},
	{.pattern = "preview/ID", .kind = ROUTE_PREVIEW},
	READ("connections", "connections", "tenant q"),
	WRITE("connections", "connection_new"),
	WRITE("connections/ID/save", "connection_save"),
	WRITE("connections/ID/delete", "connection_delete"),
	READ("actions/uses", "action_uses", "tenant"),
	READ("places", "places", NULL),
	WRITE("places/accept", "place_accept"),
	WRITE("places/discard", "place_discard"),
	READ("about", "about", NULL),
	/* the editor of workflows */
	READ("workflows/ID", "workflow", NULL),
	READ("workflows/ID/versions", "workflow_versions", "before"),
	READ("workflows/ID/versions/N", "workflow_version", NULL),
	READ("actions", "actions", "tenant"),
	READ("samples", "samples", "trigger_type tenant"),
	READ("tables", "tables", "run_as"),
	ASK("validate", "validate"),
	ASK("preview", "preview"),
	WRITE("try", "try"),
	WRITE("workflows", "workflow_new"),
	WRITE("workflows/ID/save", "workflow_save"),
	WRITE("workflows/ID/fire", "workflow_fire"),
};

#define ROUTES ((int) (sizeof(routes) / sizeof(routes[0])))

const Route *
route_table(int *count)
{
	*count = ROUTES;
	return routes;
}

static bool
fail(Problem *problem, int status, const char *code, const char *message)
{
	memset(problem, 0, sizeof(*problem));
	problem->status = status;
	problem->code = code;
	problem->message = message;
	return false;
}

/*
 * Whether a part of a path is a number of at most nine digits, without
 * zeros before it.
 */
static bool
is_number(const char *s, size_t len)
{
	if (len == 0 || len > 9 || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* Compares a path with a pattern, part by part; keeps what ID and N are. */
static bool
matches(const char *pattern, const char *path, size_t len, RouteMatch *match)
{
	const char *end = path + len;

	match->id[0] = match->n[0] = '\0';
	for (;;)
	{
		size_t		want = strcspn(pattern, "/");
		const char *slash = memchr(path, '/', end - path);
		size_t		have = (slash ? slash : end) - path;

		if (want == 2 && memcmp(pattern, "ID", 2) == 0)
		{
			if (!text_is_uuid(path, have))
				return false;
			snprintf(match->id, sizeof(match->id), "%.*s", (int) have, path);
		}
		else if (want == 1 && pattern[0] == 'N')
		{
			if (!is_number(path, have))
				return false;
			snprintf(match->n, sizeof(match->n), "%.*s", (int) have, path);
		}
		else if (want != have || memcmp(pattern, path, have) != 0)
			return false;
		pattern += want;
		if (*pattern == '\0' || slash == NULL)
			return *pattern == '\0' && slash == NULL;
		pattern++;
		path = slash + 1;
	}
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at && (c & 0x40 || c < 'A') ? (int) (at - digits) : -1;
}

/* Decodes %XX and +; false: it is not encoded as it should be. */
static bool
decode(Text *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		char		c = s[i] == '+' ? ' ' : s[i];

		if (c == '%')
		{
			int			high = i + 2 < len ? hex_digit(s[i + 1]) : -1;
			int			low = i + 2 < len ? hex_digit(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		text_add(out, &c, 1);
	}
	return text_is_utf8(out->data, out->len);
}

/* Whether a list of words, with blanks between them, has this one. */
static bool
listed(const char *list, const char *word, size_t len)
{
	while (list != NULL && *list != '\0')
	{
		size_t		n = strcspn(list, " ");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n + strspn(list + n, " ");
	}
	return false;
}

/* Adds one parameter of the query to the object. */
static bool
add_parameter(RouteMatch *match, const char *s, size_t len, Problem *problem)
{
	const char *equals = memchr(s, '=', len);
	size_t		nlen = equals ? (size_t) (equals - s) : len;
	char		name[32];
	char		known[40];
	Text		value;
	bool		ok;

	if (nlen == 0 || nlen >= sizeof(name) ||
		!listed(match->route->query, s, nlen))
		return fail(problem, 400, "bad_request",
					"There is a parameter that this route does not have.");
	snprintf(name, sizeof(name), "%.*s", (int) nlen, s);
	snprintf(known, sizeof(known), "\"%s\": ", name);
	if (strstr(match->params.data, known) != NULL)
		return fail(problem, 400, "bad_request",
					"A parameter is there twice.");
	text_init(&value);
	ok = decode(&value, equals ? equals + 1 : s + len,
				equals ? len - nlen - 1 : 0);
	if (ok)
	{
		match->longer |= strcmp(name, "longer") == 0 &&
			strcmp(value.data, "1") == 0;
		text_add_member(&match->params, name, value.data);
	}
	text_free(&value);
	return ok || fail(problem, 400, "bad_value",
					  "A parameter is not text in UTF-8.");
}

/* Makes the object of parameters: those of the path, then of the query. */
static bool
read_parameters(const Request *request, RouteMatch *match, Problem *problem)
{
	const char *s = request->query.data;
	const char *end = s ? s + request->query.len : NULL;

	text_adds(&match->params, "{");
	if (match->id[0] != '\0')
		text_add_member(&match->params, "id", match->id);
	if (match->n[0] != '\0')
		text_add_member(&match->params, "n", match->n);
	while (s != NULL && s < end)
	{
		const char *next = memchr(s, '&', end - s);
		size_t		len = next ? (size_t) (next - s) : (size_t) (end - s);

		if (!add_parameter(match, s, len, problem))
			return false;
		s += len + 1;
	}
	return true;
}

/*
 * Finds the route of a request below /api/.  False: the problem is 404, 405
 * or one of the parameters.  match->params is to be freed in any case.
 */
bool
route_match(const Request *request, RouteMatch *match, Problem *problem)
{
	const char *path = request->path.data + strlen("/api/");
	size_t		len = request->path.len - strlen("/api/");
	bool		other = false;

	memset(match, 0, sizeof(*match));
	text_init(&match->params);
	for (int i = 0; i < ROUTES; i++)
	{
		if (!matches(routes[i].pattern, path, len, match))
			continue;
		if (routes[i].is_post != request->is_post)
		{
			other = true;
			continue;
		}
		match->route = &routes[i];
		return read_parameters(request, match, problem);
	}
	return other ? fail(problem, 405, "method",
						"This route takes the other of GET and POST.")
		: fail(problem, 404, "not_found", "There is no such route.");
}

/*
 * Writes the header that makes the answer a file, and names it; nothing if the
 * route has none.  id and n are those of the path.
 */
void
route_file(const Route *route, const char *id, const char *n, char *header,
		   size_t size)
{
	header[0] = '\0';
	if (route->csv)
		snprintf(header, size, "Content-Disposition: attachment;"
				 " filename=\"%s.csv\"\r\n", route->file);
	else if (route->file != NULL)
		snprintf(header, size, "Content-Disposition: attachment;"
				 " filename=\"run-%s%s%s-%s.json\"\r\n", id,
				 n[0] ? "-step-" : "", n, route->file);
}
