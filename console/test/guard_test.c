/*
 * guard_test.c
 *	  Host, Origin, Sec-Fetch-Site, types, addresses, cookies; the throttle and
 *	  the table of sessions.
 */

#include "guard.h"
#include "session.h"
#include "test.h"
#include "throttle.h"

#define BASE "database = host=/x dbname=y\n"
#define LOCAL BASE "listen = 127.0.0.1:8480\nurl = http://127.0.0.1:8480\n"
#define PROXY BASE "listen = 127.0.0.1:8480\n" \
	"url = https://Automation.example.com\n" \
	"trusted_proxy = 127.0.0.1, 10.0.0.1, ::1\n"

static Config local;
static Config proxy;

static Span
span(const char *s)
{
	return (Span)
	{
		s, s ? strlen(s) : 0
	};
}

static bool
host_ok(const Config *config, const char *host)
{
	Request		request = {.header[HEADER_HOST] = span(host)};

	return guard_host(config, &request);
}

static bool
origin_ok(const Config *config, bool is_post, const char *host,
		  const char *origin, const char *site)
{
	Request		request = {
		.is_post = is_post, .header[HEADER_HOST] = span(host),
		.header[HEADER_ORIGIN] = span(origin),
		.header[HEADER_SEC_FETCH_SITE] = span(site)
	};

	return guard_host(config, &request) && guard_origin(config, &request);
}

static void
test_host(void)
{
	CHECK(host_ok(&local, "127.0.0.1:8480"));
	CHECK(host_ok(&local, "localhost:8480"));
	CHECK(host_ok(&local, "LOCALHOST:8480"));
	CHECK(host_ok(&local, "[::1]:8480"));
	CHECK(!host_ok(&local, "127.0.0.1"));
	CHECK(!host_ok(&local, "127.0.0.1:8481"));
	CHECK(!host_ok(&local, "evil.example:8480"));
	CHECK(!host_ok(&local, "127.0.0.1:8480.evil.example"));
	CHECK(!host_ok(&local, "127.0.0.2:8480"));
	CHECK(!host_ok(&local, ""));
	CHECK(host_ok(&proxy, "automation.example.com"));
	CHECK(!host_ok(&proxy, "automation.example.com:443"));
	CHECK(!host_ok(&proxy, "127.0.0.1:8480"));
	CHECK(!host_ok(&proxy, "localhost"));
	CHECK(!host_ok(&proxy, "automation.example.com.evil.example"));
}

static void
test_origin(void)
{
	const char *at = "127.0.0.1:8480";
	const char *far = "automation.example.com";

	CHECK(origin_ok(&local, true, at, "http://127.0.0.1:8480", NULL));
	CHECK(origin_ok(&local, true, at, "http://127.0.0.1:8480",
					"same-origin"));
	CHECK(origin_ok(&local, true, "localhost:8480", "http://localhost:8480",
					NULL));
	CHECK(!origin_ok(&local, true, at, NULL, NULL));
	CHECK(!origin_ok(&local, true, at, "null", NULL));
	CHECK(!origin_ok(&local, true, at, "", NULL));
	CHECK(!origin_ok(&local, true, at, "http://localhost:8480", NULL));
	CHECK(!origin_ok(&local, true, at, "https://127.0.0.1:8480", NULL));
	CHECK(!origin_ok(&local, true, at, "http://127.0.0.1:8481", NULL));
	CHECK(!origin_ok(&local, true, at, "http://evil.example", NULL));
	CHECK(!origin_ok(&local, true, at, "http://127.0.0.1:8480",
					 "cross-site"));
	CHECK(!origin_ok(&local, true, at, "http://127.0.0.1:8480",
					 "same-site"));
	CHECK(!origin_ok(&local, false, at, NULL, "none"));
	CHECK(origin_ok(&local, false, at, NULL, NULL));
	CHECK(origin_ok(&local, false, at, NULL, "same-origin"));
	CHECK(!origin_ok(&local, false, at, "http://evil.example", NULL));
	CHECK(origin_ok(&proxy, true, far, "https://automation.example.com",
					NULL));
	CHECK(!origin_ok(&proxy, true, far, "http://automation.example.com",
					 NULL));
	CHECK(!origin_ok(&proxy, true, far, "https://automation.example.com.e",
					 NULL));
}

static bool
type_ok(const char *type)
{
	Request		request = {.header[HEADER_CONTENT_TYPE] = span(type)};

	return guard_type(&request, "application/json");
}

static void
test_type(void)
{
	CHECK(type_ok("application/json"));
	CHECK(type_ok("Application/JSON; charset=UTF-8"));
	CHECK(!type_ok(NULL));
	CHECK(!type_ok("text/plain"));
	CHECK(!type_ok("application/json, text/plain"));
	CHECK(!type_ok("application/jsonx"));
	CHECK(!type_ok("application/x-www-form-urlencoded"));
	CHECK(!type_ok("text/plain; application/json"));
}

static const char *
address_of(const char *peer, const char *forwarded)
{
	static char address[ADDRESS_SIZE];
	Request		request = {.header[HEADER_FORWARDED_FOR] = span(forwarded)};

	guard_address(&proxy, &request, peer, address);
	return address;
}

static void
test_address(void)
{
	CHECK_TEXT(address_of("127.0.0.1", NULL), "127.0.0.1");
	CHECK_TEXT(address_of("127.0.0.1", "192.0.2.1"), "192.0.2.1");
	CHECK_TEXT(address_of("127.0.0.1", "192.0.2.9, 192.0.2.1"), "192.0.2.1");
	CHECK_TEXT(address_of("127.0.0.1", "192.0.2.1 ,10.0.0.1"), "192.0.2.1");
	CHECK_TEXT(address_of("local", "2001:DB8::0:1"), "2001:db8::1");
	CHECK_TEXT(address_of("127.0.0.2", "192.0.2.1"), "127.0.0.2");
	CHECK_TEXT(address_of("127.0.0.1", "unknown"), "127.0.0.1");
	CHECK_TEXT(address_of("127.0.0.1", "192.0.2.1, x"), "127.0.0.1");
	CHECK_TEXT(address_of("127.0.0.1", "192.0.2.1:80"), "127.0.0.1");
	CHECK_TEXT(address_of("127.0.0.1", "10.0.0.1, 127.0.0.1"), "10.0.0.1");
	CHECK_TEXT(address_of("127.0.0.1", ",,"), "127.0.0.1");
}

static bool
cookie_ok(const char *cookie)
{
	Request		request = {.header[HEADER_COOKIE] = span(cookie)};
	unsigned char id[SECRET_SIZE];

	return guard_cookie(&request, id) && id[0] == 0xab && id[31] == 0x01;
}

#define ID "ab00000000000000000000000000000000000000000000000000000000000001"

static void
test_cookie(void)
{
	char		word[GUARD_WORD];
	size_t		order;

	CHECK(cookie_ok("__Host-wf=" ID));
	CHECK(cookie_ok("a=b; __Host-wf=" ID "; c"));
	CHECK(!cookie_ok(NULL));
	CHECK(!cookie_ok("__Host-wf="));
	CHECK(!cookie_ok("__host-wf=" ID));
	CHECK(!cookie_ok("x__Host-wf=" ID));
	CHECK(!cookie_ok("__Host-wf=" ID "0"));
	CHECK(!cookie_ok("__Host-wf=\"" ID "\""));
	CHECK(!cookie_ok("__Host-wf=" ID "; __Host-wf=" ID));
	CHECK(guard_word(span(NULL), word) && word[0] == '\0');
	CHECK(guard_word(span("list-1_A"), word));
	CHECK_TEXT(word, "list-1_A");
	CHECK(!guard_word(span(""), word));
	CHECK(!guard_word(span("a b"), word));
	CHECK(!guard_word(span("123456789012345678901234567890123"), word));
	CHECK(guard_order(span(NULL), &order) && order == 0);
	CHECK(guard_order(span("999999999999999"), &order) &&
		  order == 999999999999999);
	CHECK(!guard_order(span(""), &order));
	CHECK(!guard_order(span("-1"), &order));
	CHECK(!guard_order(span("1000000000000000"), &order));
}

/* Whether it may try; PostgreSQL has answered at once. */
static int
ask(Throttle *t, const char *role, const char *address, int64_t now)
{
	int			wait = throttle_ask(t, role, address, now);

	if (wait == 0)
		throttle_answered(t);
	return wait;
}

static void
test_throttle(void)
{
	Throttle   *t = throttle_new();
	int64_t		now = 1000000;
	char		address[64];

	CHECK(ask(t, "a", "192.0.2.1", now) == 0);
	CHECK(ask(t, "b", "192.0.2.1", now + 999) == 1);
	CHECK(ask(t, "b", "192.0.2.2", now + 999) == 0);
	CHECK(ask(t, "b", "192.0.2.1", now + 1000) == 0);
	/* three failures cost the pace alone, then it doubles */
	for (int i = 0; i < 3; i++)
	{
		now += 2000;
		CHECK(ask(t, "a", "192.0.2.1", now) == 0);
		throttle_failed(t, "a", "192.0.2.1", now);
	}
	CHECK(ask(t, "a", "192.0.2.1", now + 1000) == 1);
	CHECK(ask(t, "a", "192.0.2.1", now + 2000) == 0);
	throttle_failed(t, "a", "192.0.2.1", now + 2000);
	CHECK(ask(t, "a", "192.0.2.1", now + 4000) == 2);
	/* neither another role there nor this one elsewhere */
	CHECK(ask(t, "c", "192.0.2.1", now + 4000) == 0);
	CHECK(ask(t, "a", "192.0.2.7", now + 4000) == 0);
	for (int i = 0; i < 50; i++)
		throttle_failed(t, "a", "192.0.2.1", now);
	CHECK(ask(t, "a", "192.0.2.1", now) == 900);
	CHECK(ask(t, "a", "192.0.2.1", now + 900000) == 0);
	throttle_passed(t, "a", "192.0.2.1");
	CHECK(ask(t, "a", "192.0.2.1", now + 901000) == 0);
	/* an hour without one forgets them */
	for (int i = 0; i < 9; i++)
		throttle_failed(t, "d", "192.0.2.1", now);
	CHECK(ask(t, "d", "192.0.2.1", now + 3700000) == 0);
	/* a network of IPv6 is one address */
	CHECK(ask(t, "e", "2001:db8::1", now) == 0);
	CHECK(ask(t, "f", "2001:db8::2", now) == 1);
	CHECK(ask(t, "f", "2001:db8:0:1::2", now) == 0);
	/* a full table goes on */
	for (int i = 0; i < 5000; i++)
	{
		snprintf(address, sizeof(address), "10.0.%d.%d", i / 250, i % 250);
		CHECK(ask(t, "g", address, now + i) == 0);
	}
	CHECK(ask(t, "g", address, now + 5000) == 1);
	throttle_free(t);
}

/* So many are under way, and no more, whoever asks. */
static void
test_pending(void)
{
	Throttle   *t = throttle_new();
	char		address[64];

	for (int i = 0; i < THROTTLE_PENDING; i++)
	{
		snprintf(address, sizeof(address), "10.0.0.%d", i);
		CHECK(throttle_ask(t, "a", address, 1000 + i) == 0);
	}
	CHECK(throttle_ask(t, "b", "192.0.2.1", 1010) == 1);
	throttle_answered(t);
	CHECK(throttle_ask(t, "b", "192.0.2.1", 1011) == 0);
	CHECK(throttle_ask(t, "b", "192.0.2.2", 1012) == 1);
	throttle_free(t);
}

static void
test_sessions(void)
{
	Sessions   *s = sessions_new(6, 1800, 43200);
	Session    *session[6];
	unsigned char id[SECRET_SIZE];
	unsigned char zero[SECRET_SIZE] = {0};
	int64_t		now = 50000;

	for (int i = 0; i < 4; i++)
		session[i] = session_new(s, "ops_a", "x", now + i);
	CHECK(session_find(s, session[2]->id) == session[2]);
	CHECK(session_find(s, session[2]->token) == NULL);
	CHECK(session_find(s, zero) == NULL);
	CHECK(memcmp(session[0]->id, session[1]->id, SECRET_SIZE) != 0);
	CHECK(memcmp(session[0]->id, session[0]->token, SECRET_SIZE) != 0);
	/* the fifth of a role ends the longest idle */
	session[0]->active = now + 100;
	CHECK(session_displaced(s, "ops_a") == session[1]);
	CHECK(session_displaced(s, "ops_b") == NULL);
	CHECK(session_other(s, "ops_a", session[0]->id) == session[1]);
	CHECK(session_other(s, "ops_a", session[1]->id) == session[0]);
	CHECK(session_other(s, "ops_b", zero) == NULL);
	memcpy(id, session[1]->id, SECRET_SIZE);
	session_end(s, session[1], ENDED_ENDED);
	CHECK(session_find(s, id) == NULL);
	CHECK_TEXT(session_ended(s, id), ENDED_ENDED);
	CHECK(session_ended(s, zero) == NULL);
	CHECK(session_displaced(s, "ops_a") == NULL);
	/* as many as may be */
	session[1] = session_new(s, "ops_b", "x", now);
	session[4] = session_new(s, "ops_b", "x", now);
	session[5] = session_new(s, "ops_b", "x", now);
	CHECK(session[5] != NULL && sessions_full(s));
	CHECK(session_new(s, "ops_c", "x", now) == NULL);
	/* time: idle, and in all */
	CHECK(session_left(s, session[1], now) == 1800);
	CHECK(session_expired(s, now + 1799000) == NULL);
	for (int i = 0; i < 6; i++)
		session[i]->active = now + 42000000;
	session[3]->active = now;
	CHECK(session_expired(s, now + 1800000) == session[3]);
	session_end(s, session[3], ENDED_EXPIRED);
	CHECK(session_left(s, session[1], now + 43199000) == 1);
	CHECK(session_left(s, session[1], now + 50000000) == 0);
	CHECK(session_expired(s, now + 43199000) == NULL);
	CHECK(session_expired(s, now + 43200000) != NULL);
	/* what is known of those that are over is bounded */
	for (int i = 0; i < 300; i++)
		session_end(s, session_new(s, "ops_d", "x", now), ENDED_LOST);
	CHECK(session_ended(s, id) == NULL);
	sessions_free(s);
}

int
main(void)
{
	char		error[CONFIG_ERROR];

	CHECK(config_parse(&local, LOCAL, error));
	CHECK(config_parse(&proxy, PROXY, error));
	test_host();
	test_origin();
	test_type();
	test_address();
	test_cookie();
	test_throttle();
	test_pending();
	test_sessions();
	config_free(&local);
	config_free(&proxy);
	return TEST_END("guard");
}
