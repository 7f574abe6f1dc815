/*
 * head.c
 *	  The head of an answer: the same headers whatever is answered, and
 *	  whatever went wrong.
 *
 * A constant text and one function; owns nothing.
 */
#include "head.h"

#include <string.h>
#include <time.h>

#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self';" \
	" img-src 'self' data:; connect-src 'self'; frame-src 'self';" \
	" form-action 'self'; base-uri 'none'; frame-ancestors 'none';" \
	" require-trusted-types-for 'script'; trusted-types 'none'"

#define COMMON \
	"X-Content-Type-Options: nosniff\r\n" \
	"Referrer-Policy: no-referrer\r\n" \
	"Cross-Origin-Opener-Policy: same-origin\r\n" \
	"Cross-Origin-Resource-Policy: same-origin\r\n"

static const char *
reason(int status)
{
	return status < 300 ? "OK" : status < 500 ? "Refused" : "Failed";
}

/*
 * Writes status and headers, and what the body begins with; without keep the
 * connection ends after it.
 */
void
head_write(struct evbuffer *out, const Answer *answer, bool keep)
{
	const char *lead = answer->lead ? answer->lead : "";
	char		date[64];
	time_t		now = time(NULL);
	struct tm	utc;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n"
						"Content-Type: %s\r\nContent-Length: %zu\r\n"
						"Cache-Control: %s\r\n"
						"Content-Security-Policy: %s\r\n%s%s%s\r\n%s",
						answer->status, reason(answer->status), date,
						answer->type ? answer->type :
						"application/json; charset=utf-8",
						strlen(lead) + answer->length,
						answer->cache ? answer->cache : "no-store",
						answer->policy ? answer->policy : POLICY, COMMON,
						answer->headers ? answer->headers : "",
						keep ? "" : "Connection: close\r\n", lead);
}
