/*
 * route_test.c
 *	  Routes, their parameters, the files of the page; the configuration.
 */

#include "assets.h"
#include "config.h"
#include "route.h"
#include "statement.h"
#include "test.h"

#define ID "01900000-0000-7000-8000-00000000000a"

/* The status of a target: 0, or that of the problem; params is the object. */
static int
find(const char *method, const char *path, const char *query, char *params)
{
	Request		request = {
		.is_post = strcmp(method, "POST") == 0,
		.path = {path, strlen(path)},
		.query = {query, query ? strlen(query) : 0}
	};
	RouteMatch	match;
	Problem		problem = {0};
	bool		ok = route_match(&request, &match, &problem);

	snprintf(params, 512, "%s", ok ? match.params.data : problem.code);
	text_free(&match.params);
	return ok ? 0 : problem.status;
}

static const struct
{
	const char *method;
	const char *path;
	const char *query;
	int			status;
	const char *params;
}			cases[] =
{
	{"GET", "/api/me", NULL, 0, "{"},
	{"GET", "/api/me", "", 0, "{"},
	{"POST", "/api/login", NULL, 0, "{"},
	{"GET", "/api/login", NULL, 405, "method"},
	{"POST", "/api/me", NULL, 405, "method"},
	{"GET", "/api/", NULL, 404, "not_found"},
	{"GET", "/api/me/", NULL, 404, "not_found"},
	{"GET", "/api/m", NULL, 404, "not_found"},
	{"GET", "/api/mee", NULL, 404, "not_found"},
	{"GET", "/api//me", NULL, 404, "not_found"},
	{"GET", "/api/ID", NULL, 404, "not_found"},
	{"POST", "/api/runs", "longer=1", 0, "{\"longer\": \"1\""},
	{"GET", "/api/runs/" ID, NULL, 0, "{\"id\": \"" ID "\""},
	{"GET", "/api/runs/x", NULL, 404, "not_found"},
	{"GET", "/api/runs/ID", NULL, 404, "not_found"},
	{"GET", "/api/runs/" ID "0", NULL, 404, "not_found"},
	{"POST", "/api/runs/count", NULL, 0, "{"},
	{"GET", "/api/runs/count", NULL, 405, "method"},
	{"GET", "/api/runs/" ID "/payload", NULL, 0, "{\"id\": \"" ID "\""},
	{"GET", "/api/runs/" ID "/steps/12/input", NULL, 0,
	"{\"id\": \"" ID "\", \"n\": \"12\""},
	{"GET", "/api/runs/" ID "/steps/0/output", NULL, 0,
	"{\"id\": \"" ID "\", \"n\": \"0\""},
	{"GET", "/api/runs/" ID "/steps/01/output", NULL, 404, "not_found"},
	{"GET", "/api/runs/" ID "/steps/-1/output", NULL, 404, "not_found"},
	{"GET", "/api/runs/" ID "/steps/1234567890/output", NULL, 404,
	"not_found"},
	{"GET", "/api/runs/" ID "/steps//output", NULL, 404, "not_found"},
	/* the query */
	{"GET", "/api/health", "tenant=" ID, 0, "{\"tenant\": \"" ID "\""},
	{"GET", "/api/health", "tenant=a%22%7d+%d8%B7", 0,
	"{\"tenant\": \"a\\\"} \xd8\xb7\""},
	{"GET", "/api/health", "tenant=", 0, "{\"tenant\": \"\""},
	{"GET", "/api/health", "tenant", 0, "{\"tenant\": \"\""},
	{"GET", "/api/health", "tenant=a&tenant=b", 400, "bad_request"},
	{"GET", "/api/health", "tenant=a&", 0, "{\"tenant\": \"a\""},
	{"GET", "/api/health", "other=a", 400, "bad_request"},
	{"GET", "/api/health", "tenantx=a", 400, "bad_request"},
	{"GET", "/api/health", "=a", 400, "bad_request"},
	{"GET", "/api/health", "tenant=%", 400, "bad_value"},
	{"GET", "/api/health", "tenant=%4", 400, "bad_value"},
	{"GET", "/api/health", "tenant=%zz", 400, "bad_value"},
	{"GET", "/api/health", "tenant=%00", 400, "bad_value"},
	{"GET", "/api/health", "tenant=%ff", 400, "bad_value"},
	{"GET", "/api/me", "tenant=a", 400, "bad_request"},
	/* the editor */
	{"GET", "/api/workflows/" ID, NULL, 0, "{\"id\": \"" ID "\""},
	{"GET", "/api/workflows/" ID "/versions", "before=9", 0,
	"{\"id\": \"" ID "\", \"before\": \"9\""},
	{"GET", "/api/workflows/" ID "/versions/9", NULL, 0,
	"{\"id\": \"" ID "\", \"n\": \"9\""},
	{"GET", "/api/samples", "trigger_type=new_order&tenant=" ID, 0,
	"{\"trigger_type\": \"new_order\", \"tenant\": \"" ID "\""},
	{"POST", "/api/workflows", NULL, 0, "{"},
	{"POST", "/api/workflows/" ID "/save", NULL, 0, "{\"id\": \"" ID "\""},
	{"POST", "/api/workflows/" ID, NULL, 405, "method"},
	{"GET", "/api/validate", NULL, 405, "method"},
	{"GET", "/api/preview", NULL, 405, "method"},
};

static void
test_routes(void)
{
	char		params[512];
	int			count;
	const Route *routes = route_table(&count);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CHECK(find(cases[i].method, cases[i].path, cases[i].query, params)
			  == cases[i].status);
		CHECK_TEXT(params, cases[i].params);
	}
	for (int i = 0; i < count; i++)
	{
		const Route *route = &routes[i];

		CHECK(route->kind != ROUTE_STATEMENT ||
			  statement_known(route->statement));
		CHECK(!route->writes || route->is_post);
		CHECK(route->kind != ROUTE_STATEMENT || route->timeout > 0);
		/* a session knows the statement by this name: it has one text */
		for (int j = 0; j < i && route->kind == ROUTE_STATEMENT; j++)
			CHECK(routes[j].kind != ROUTE_STATEMENT ||
				  strcmp(routes[j].statement, route->statement) != 0 ||
				  (routes[j].writes || routes[j].keeps) ==
				  (route->writes || route->keeps));
	}
}

static void
test_assets(void)
{
	Request		request = {0};
	static const struct
	{
		const char *value;
		bool		takes;
	}			encodings[] =
	{
		{"gzip", true}, {"gzip, deflate, br", true}, {"br,gzip", true},
		{"deflate, gzip;q=1.0", true}, {"gzip;q=0", false}, {"br", false},
		{"xgzip", false}, {"gzipx", false}, {"", false},
	};
	const Asset *index = asset_find((Span) {"/", 1});

	CHECK(index != NULL && strstr(index->type, "text/html") != NULL);
	CHECK(strstr((const char *) index->raw, "@assets@") == NULL);
	CHECK(index->gzip[0] == 0x1f && index->gzip[1] == 0x8b);
	CHECK(asset_find((Span) {"/index.html", 11}) == NULL);
	CHECK(asset_find((Span) {"/../etc/passwd", 14}) == NULL);
	CHECK(asset_find((Span) {"/a/", 3}) == NULL);
	CHECK(!asset_takes_gzip(&request));
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
	{
		size_t		len = strlen(encodings[i].value);
		char	   *exact = malloc(len + 1);

		memcpy(exact, encodings[i].value, len);
		request.header[HEADER_ACCEPT_ENCODING] = (Span)
		{
			exact, len
		};
		CHECK(asset_takes_gzip(&request) == encodings[i].takes);
		free(exact);
	}
}

#define D "database = host=/run/postgresql dbname=shop\n"
#define L "listen = 127.0.0.1:8480\n"
#define U "url = http://127.0.0.1:8480\n"

static const struct
{
	const char *text;
	const char *error;			/* a part of it; NULL: it is taken */
}			files[] =
{
	{D L U, NULL},
	{"# c\r\n\r\n" D L "url=http://localhost # x\n", NULL},
	{D "listen = unix:/run/x.sock\nurl = https://a.example\n", NULL},
	{D "listen = [::1]:80\nurl = http://[::1]:80\n", NULL},
	{D L "url = https://a.example\ntrusted_proxy = 127.0.0.1, ::1\n", NULL},
	{D L U "allow_superuser = on\nlanguages = ar, en\nsession_idle = 5 min\n"
	"session_total = 1h\nrequest_time = 2s\nmax_sessions = 3\n", NULL},
	{D L "url = https://a.example\n", "trusted_proxy is missing"},
	{L U, "database is missing"},
	{D U, "listen is missing"},
	{D L, "url is missing"},
	{D "listen = 0.0.0.0:8480\n" U, "not an address of this machine"},
	{D "listen = 192.0.2.1:8480\n" U, "not an address of this machine"},
	{D "listen = [::]:8480\n" U, "not an address of this machine"},
	{D "listen = *:8480\n" U, "not an address of this machine"},
	{D "listen = 8480\n" U, "no address and port"},
	{D "listen = 127.0.0.1:0\n" U, "no address and port"},
	{D "listen = 127.0.0.1:70000\n" U, "no address and port"},
	{D "listen = unix:x.sock\n" U, "no path of a socket"},
	{D L "url = http://a.example\n", "must be https://"},
	{D L "url = ftp://a.example\n", "does not begin with"},
	{D L "url = https://a.example/path\n", "a scheme, a host"},
	{D L "url = https://u@a.example\n", "a scheme, a host"},
	{D L "url = https://\n", "does not begin with"},
	{D L "url = https://a.example:x\n", "a scheme, a host"},
	{D L U "trusted_proxy = proxy.example\n", "is no address"},
	{D L U "trusted_proxy = 10.0.0.0/8\n", "is no address"},
	{D L U "allow_superuser = yes\n", "neither on nor off"},
	{D L U "languages = english\n", "no language"},
	{D L U "tenant_label = en: branch / branches ,ar:\u0641/x\n", NULL},
	{D L U "tenant_label = Branch\n", "tenant_label: \"Branch\" is not"},
	{D L U "tenant_label = en:branch\n", "a word for several"},
	{D L U "tenant_label = en:branch/\n", "a word for several"},
	{D L U "tenant_label = en:/branches\n", "a word for several"},
	{D L U "tenant_label = en:a/b/c\n", "a word for several"},
	{D L U "tenant_label = en:a:b/c\n", "a word for several"},
	{D L U "tenant_label = eng:a/b\n", "a word for several"},
	{D L U "tenant_label = en:a/b, en:c/d\n", "a word for several"},
	{D L U "tenant_label = en:a/b,\n", "a word for several"},
	{D L U "tenant_label = en:\xff/b\n", "a word for several"},
	{D L U "session_idle = 31 min\n", "no time of"},
	{D L U "session_idle = 0 s\n", "no time of"},
	{D L U "session_idle = 5\n", "no time of"},
	{D L U "max_sessions = 65\n", "no number from"},
	{D L U "max_sessions = -1\n", "no number from"},
	{D L U "colour = red\n", "line 4: there is no \"colour\""},
	{D L U U, "is there twice"},
	{D L U "nonsense\n", "not of the form"},
	{D L U "listen =\n", "has no value"},
};

static void
test_config(void)
{
	Config		config;
	char		error[CONFIG_ERROR];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		bool		ok = config_parse(&config, files[i].text, error);

		if (ok != (files[i].error == NULL) ||
			(!ok && strstr(error, files[i].error) == NULL))
			printf("%s: %s\n", files[i].text, ok ? "taken" : error);
		CHECK(ok == (files[i].error == NULL));
		CHECK(ok || strstr(error, files[i].error) != NULL);
		config_free(&config);
	}
	CHECK(config_parse(&config, files[5].text, error));
	CHECK(config.allow_superuser && config.session_idle == 300 &&
		  config.session_total == 3600 && config.request_time == 2 &&
		  config.max_sessions == 3 && config.nlanguages == 2);
	CHECK_TEXT(config.languages[0], "ar");
	config_free(&config);
	CHECK(config_parse(&config, D L U "tenant_label = en: one branch /"
					   "branches, ar:x/y\n", error));
	CHECK_TEXT(config.tenant_label, "en:one branch/branches,ar:x/y");
	config_free(&config);
	CHECK(config_parse(&config, D L "trusted_proxy = ::1\n"
					   "url = https://A.Example:443/\n", error));
	CHECK_TEXT(config.url, "https://a.example");
	CHECK_TEXT(config.url_host, "a.example");
	CHECK(config_is_proxy(&config, "::1"));
	CHECK(!config_is_proxy(&config, "127.0.0.1"));
	config_free(&config);
	CHECK(!config_read(&config, "/nonexistent", error));
	CHECK(strstr(error, "cannot be read") != NULL);
	config_free(&config);
}

/* Adds parts at random. */
static void
add_parts(Text *t, unsigned int *state)
{
	static const char *const part[] = {
		"runs", "/", ID, "steps", "1", "input", "csv", "workflows", "versions",
		"tenant", "before", "longer", "=", "&", "%", "%41", "%22", "%5C",
		"%ff", "%C0%80", "%d8%a7", "%00", "+", "\"", "\\", "\xd9", "me",
	};

	for (int n = *state >> 16 & 7; n >= 0; n--)
	{
		*state = *state * 1103515245 + 12345;
		text_adds(t, part[*state / 65536 % (sizeof(part) / sizeof(*part))]);
	}
}

/* Whatever path and query are, what is taken of them is an object of texts. */
static void
test_random(void)
{
	unsigned int state = 20261126;
	int			taken = 0;

	for (int round = 0; round < 100000; round++)
	{
		Text		path;
		Text		query;
		Request		request = {.is_post = round % 2 == 0};
		RouteMatch	match;
		Problem		problem = {0};

		text_init(&path);
		text_init(&query);
		text_adds(&path, "/api/");
		text_adds(&path, round % 4 == 0 ? "runs" : round % 4 == 1 ?
				  "health" : "");
		if (round % 4 > 1)
			add_parts(&path, &state);
		add_parts(&query, &state);
		request.path = (Span) {path.data, path.len};
		request.query = (Span) {query.data, query.len};
		if (route_match(&request, &match, &problem))
		{
			taken++;
			CHECK(match.params.data[0] == '{');
			CHECK(text_is_utf8(match.params.data, match.params.len));
		}
		else
			CHECK(problem.status == 400 || problem.status == 404 ||
				  problem.status == 405);
		text_free(&match.params);
		text_free(&path);
		text_free(&query);
	}
	CHECK(taken > 100);			/* else it tries nothing */
}

int
main(void)
{
	test_routes();
	test_assets();
	test_config();
	test_random();
	return TEST_END("route");
}
