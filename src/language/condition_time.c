/*
 * condition_time.c
 *	  Reads times in conditions: ISO 8601 text.
 *
 * PostgreSQL's own input of times accepts much more ("tomorrow", "1/2/3"), and
 * reads some of it by the session's settings.  So the form of the text is
 * checked here, and PostgreSQL only checks the numbers.
 *
 * Pure, but for the session's TimeZone.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/json_value.h"
#include "language/condition_node.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Longer texts are no times. */
#define MAX_TIME_BYTES 40

typedef struct TimeInput
{
	char	   *text;
	TimestampTz result;
} TimeInput;

/*
 * Does *rest begin with text of that shape, in which "0" is any digit?  If so,
 * *rest becomes what comes after it.
 */
static bool
skip_shape(const char **rest, const char *shape)
{
	const char *c = *rest;

	for (; *shape; shape++, c++)
	{
		if (*shape == '0' ? !isdigit((unsigned char) *c) : *c != *shape)
			return false;
	}
	*rest = c;
	return true;
}

/* Is rest Z, +HH, +HHMM, +HH:MM (or with "-"), or empty? */
static bool
is_zone(const char *rest)
{
	if (*rest == '\0')
		return true;
	if (*rest == 'Z' || *rest == 'z')
		return rest[1] == '\0';

	if (*rest != '+' && *rest != '-')
		return false;
	rest++;

	if (!skip_shape(&rest, "00:00") && !skip_shape(&rest, "0000") &&
		!skip_shape(&rest, "00"))
		return false;
	return *rest == '\0';
}

static bool
is_time(const char *rest)
{
	if (!skip_shape(&rest, "0000-00-00"))
		return false;
	if (*rest == '\0')
		return true;
	if (*rest != 'T' && *rest != 't' && *rest != ' ')
		return false;
	rest++;

	if (!skip_shape(&rest, "00:00"))
		return false;
	if (skip_shape(&rest, ":00") && skip_shape(&rest, ".0"))
	{
		while (isdigit((unsigned char) *rest))
			rest++;
	}
	return is_zone(rest);
}

static void
read_time(void *arg)
{
	TimeInput  *input = arg;
	Datum		time = DirectFunctionCall3(timestamptz_in,
										   CStringGetDatum(input->text),
										   ObjectIdGetDatum(InvalidOid),
										   Int32GetDatum(-1));

	input->result = DatumGetTimestampTz(time);
}

bool
condition_read_time(const JsonbValue *value, TimestampTz *time)
{
	TimeInput	input;

	if (value->type != jbvString || value->val.string.len > MAX_TIME_BYTES)
		return false;
	input.text = json_cstring(value);
	if (!is_time(input.text) || problem_catch(read_time, &input) != NULL)
		return false;
	*time = input.result;
	return true;
}
