/*
 * log.c
 *	  One line of JSON for each request, and for what the program does.
 *
 * Lines go to standard error, each by one write, so that they stay whole.
 * What cannot be written is lost.  Owns nothing.
 */
#include "log.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

static void
begin(Text *t)
{
	struct timespec now;
	struct tm	utc;
	char		time[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &utc);
	text_init(t);
	text_addf(t, "{\"time\": \"%s.%03dZ\"", time,
			  (int) (now.tv_nsec / 1000000));
}

static void
add(Text *t, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		text_add_member(t, key, value);
}

static void
end(Text *t)
{
	size_t		done = 0;

	text_adds(t, "}\n");
	while (done < t->len)
	{
		ssize_t		n = write(STDERR_FILENO, t->data + done, t->len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? n : 0;
	}
	text_free(t);
}

void
log_request(const LogLine *line)
{
	Text		t;

	begin(&t);
	add(&t, "role", line->role);
	add(&t, "address", line->address);
	add(&t, "method", line->method);
	add(&t, "route", line->route);
	add(&t, "id", line->id);
	text_addf(&t, ", \"status\": %d", line->status);
	add(&t, "code", line->code);
	add(&t, "sqlstate", line->sqlstate);
	text_addf(&t, ", \"ms\": %.1f", line->ms);
	end(&t);
}

/* role, address and why may be NULL. */
void
log_event(const char *event, const char *role, const char *address,
		  const char *why)
{
	Text		t;

	begin(&t);
	add(&t, "event", event);
	add(&t, "role", role);
	add(&t, "address", address);
	add(&t, "why", why);
	end(&t);
}
