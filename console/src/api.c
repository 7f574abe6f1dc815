/*
 * api.c
 *	  From a request to what answers it: a file of the page, the sign-in, or a
 *	  statement of a session.
 *
 * Every request is judged here, in this order: Host; for the API Origin and
 * Sec-Fetch-Site, the route, the type of the body, the session with its token.
 *
 * Runs in the loop; keeps nothing but where configuration and sessions are.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "budget.h"
#include "clock.h"
#include "login.h"
#include "operator.h"
#include "password.h"
#include "route.h"

#define NO_COOKIE \
	"Set-Cookie: __Host-wf=; Secure; HttpOnly; SameSite=Strict; Path=/;" \
	" Max-Age=0\r\n"

static const Config *config;
static Sessions *sessions;

void
api_start(const Config *config_, Sessions *sessions_)
{
	config = config_;
	sessions = sessions_;
}

static void
fail(Client *client, int status, const char *code, const char *message)
{
	client_fail(client, &(Problem)
				{.status = status, .code = code, .message = message});
}

/*--- files ---*/

/* A file of the page, as it is or compressed. */
static void
send_asset(Client *client, const Request *request)
{
	const Asset *asset = asset_find(request->path);
	bool		gzip = asset_takes_gzip(request);

	client_log(client)->route = "file";
	if (asset == NULL)
	{
		fail(client, 404, "not_found", "There is no such file.");
		return;
	}
	if (request->is_post)
	{
		fail(client, 405, "method", "Files are for GET alone.");
		return;
	}
	client_answer(client, &(Answer)
				  {.status = 200, .type = asset->type,
				  .cache = strcmp(asset->path, "/") == 0 ? "no-cache" :
				  "public, max-age=31536000, immutable",
				  .headers = gzip ? "Vary: Accept-Encoding\r\n"
				  "Content-Encoding: gzip\r\n" : "Vary: Accept-Encoding\r\n",
				  .body = (const char *) (gzip ? asset->gzip : asset->raw),
				  .length = gzip ? asset->gzip_length : asset->raw_length});
}

/*--- sessions ---*/

/*
 * The session of a request, with its token; NULL: it was answered.  A session
 * whose time is over ends here, however late the timer is.
 */
static Session *
find_session(Client *client, const Request *request)
{
	unsigned char id[SECRET_SIZE] = {0};
	unsigned char token[SECRET_SIZE] = {0};
	bool		known = guard_cookie(request, id);
	bool		told = guard_token(request, token);
	Session    *session;
	const char *reason;

	api_expire();
	session = session_find(sessions, id);
	if (known && told && session != NULL &&
		text_same_secret(session->token, token, SECRET_SIZE))
		return session;
	reason = known && session == NULL ? session_ended(sessions, id) : NULL;
	fail(client, 401, reason ? reason : "no_session",
		 reason ? "The session is over." : "Nobody is signed in.");
	return NULL;
}

/* Ends the sessions whose time is over. */
void
api_expire(void)
{
	Session    *session;

	while ((session = session_expired(sessions, clock_ms())) != NULL)
		operator_end(session, ENDED_EXPIRED);
}

static void
log_out(Client *client, Session *session)
{
	Text		body;

	operator_end(session, ENDED_ENDED);
	text_init(&body);
	text_adds(&body, "{\"ended\": true}");
	client_answer_text(client, 200, NO_COOKIE, &body);
}

/* What only we know goes with the parameters of "me". */
static void
add_ours(RouteMatch *match)
{
	Text		list;

	if (strcmp(match->route->statement, "me") == 0)
	{
		text_init(&list);
		for (int i = 0; i < config->nlanguages; i++)
			text_addf(&list, "%s%s", i > 0 ? "," : "", config->languages[i]);
		text_add_member(&match->params, "console", CONSOLE_VERSION);
		text_add_member(&match->params, "languages", list.data);
		text_add_member(&match->params, "tenant_label",
						config->tenant_label);
		text_free(&list);
	}
	text_adds(&match->params, "}");
}

/* What a frame of the page shows: nothing in it runs, loads or leads away. */
#define PREVIEW_POLICY \
	"sandbox; default-src 'none'; style-src 'unsafe-inline';" \
	" img-src data:; frame-ancestors 'self'"

/* The text of a preview is sent. */
static void
free_preview(const void *data, size_t len, void *arg)
{
	(void) arg;
	budget_give(len);
	free((void *) data);
}

/* A frame asks for a preview: it has the cookie, and an id that is used up. */
static void
send_preview(Client *client, const Request *request, const RouteMatch *match)
{
	unsigned char id[SECRET_SIZE] = {0};
	Session    *session = NULL;
	char	   *html = NULL;
	size_t		length;

	api_expire();
	if (guard_cookie(request, id))
		session = session_find(sessions, id);
	if (session != NULL)
		html = operator_take_preview(session, match->id, &length);
	if (html == NULL)
	{
		fail(client, 404, "not_found", "There is no such preview.");
		return;
	}
	client_log_id(client, session->role, NULL);
	client_answer(client, &(Answer)
				  {.status = 200, .type = "text/html; charset=utf-8",
				  .policy = PREVIEW_POLICY, .body = html, .length = length,
				  .done = free_preview});
}

/* A request of a session. */
static void
ask_session(Client *client, const Request *request, RouteMatch *match,
			const char *body)
{
	Session    *session = find_session(client, request);
	Demand		demand = {.match = match};

	if (session == NULL)
		return;
	client_log_id(client, session->role, match->id);
	if (match->route->kind == ROUTE_LOGOUT)
	{
		log_out(client, session);
		return;
	}
	if (match->route->kind == ROUTE_PASSWORD)
	{
		session->active = clock_ms();
		password_begin(client, session, body, request->body_length);
		return;
	}
	demand.body = request->is_post ? body : NULL;
	demand.poll = span_is(request->header[HEADER_POLL], "1");
	if (!guard_word(request->header[HEADER_TAB], demand.tab) ||
		!guard_word(request->header[HEADER_SLOT], demand.slot) ||
		!guard_order(request->header[HEADER_ORDER], &demand.order) ||
		(request->header[HEADER_POLL].data != NULL && !demand.poll))
	{
		fail(client, 400, "bad_request",
			 "X-WF-Tab, X-WF-Slot, X-WF-Order or X-WF-Poll is not as it"
			 " should be.");
		return;
	}
	if (request->is_post && (!text_is_utf8(body, request->body_length) ||
							 request->body_length == 0))
	{
		fail(client, 400, "bad_value", "The body is no JSON in UTF-8.");
		return;
	}
	if (!demand.poll)
		session->active = clock_ms();
	add_ours(match);
	operator_ask(session, client, &demand);
}

/* A request below /api/ that our page may have sent. */
static void
handle_route(Client *client, const Request *request, RouteMatch *match,
			 const char *body)
{
	bool		login = match->route->kind == ROUTE_LOGIN;
	bool		secret = login || match->route->kind == ROUTE_PASSWORD;

	client_log(client)->route = match->route->pattern;
	if (request->is_post &&
		!guard_type(request, secret ? "application/x-wf-login" :
					"application/json"))
		fail(client, 415, "content_type", secret ?
			 "The Content-Type must be application/x-wf-login." :
			 "The Content-Type must be application/json.");
	else if (login)
		login_begin(client, body, request->body_length);
	else if (match->route->kind == ROUTE_PREVIEW)
		send_preview(client, request, match);
	else
		ask_session(client, request, match, body);
}

/*
 * Whether a large body may come: of a session alone, so that nobody else takes
 * memory.  A ClientAdmit.
 */
bool
api_admit(Client *client, const Request *request)
{
	if (!guard_host(config, request))
		fail(client, 421, "host", "This is not the host of the console.");
	else if (!guard_origin(config, request))
		fail(client, 403, "csrf", "The request is not of the console's page.");
	else
		return find_session(client, request) != NULL;
	return false;
}

/* Answers a request, sooner or later: a ClientHandler. */
void
api_handle(Client *client, const Request *request, const char *body)
{
	static const char prefix[] = "/api/";
	RouteMatch	match;
	Problem		problem;

	if (!guard_host(config, request))
		fail(client, 421, "host", "This is not the host of the console.");
	else if (request->path.len < sizeof(prefix) - 1 ||
			 memcmp(request->path.data, prefix, sizeof(prefix) - 1) != 0)
		send_asset(client, request);
	else if (!guard_origin(config, request))
		fail(client, 403, "csrf", "The request is not of the console's page.");
	else
	{
		if (route_match(request, &match, &problem))
			handle_route(client, request, &match, body);
		else
			client_fail(client, &problem);
		text_free(&match.params);
	}
}
