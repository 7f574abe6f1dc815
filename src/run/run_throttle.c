/*
 * run_throttle.c
 *	  A step that waits because its provider asks to.
 *
 * Runs in a worker, inside a tick's transaction.  Whether a request may be
 * sent now the gate says, in shared memory (gate.c); what a run needs to
 * know of its waiting is in its row, so that it outlives the server.
 *
 * Such a wait uses up no attempt.  It is noted in failed_attempts, in one
 * element for each attempt, however often it is held:
 *
 *	 {"attempt": 1, "error": what the provider said last,
 *	  "waits": how often the step was held, "waited_ms": for how long in all,
 *	  "turn": "gate:number", "started_at", "duration_ms": of the last refusal}
 *
 * The sum of waited_ms is what max_throttle_wait limits.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/json_value.h"
#include "common/hashfn.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "run/run_internal.h"
#include "run/run_throttle.h"
#include "shared/gate.h"
#include "store/step_result.h"
#include "transfer/url.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#define NOT_SENT "not sent yet: the provider has asked to wait"
#define MIN_PAUSE_US INT64CONST(100000)
#define DEFAULT_PAUSE_US INT64CONST(1000000)	/* there is no gate to say */
#define TOLERANCE_US INT64CONST(300000) /* a gate adds a little to a wait */
#define MAX_NOTED_ERROR 1000

/* What the row says of earlier waits. */
typedef struct Noted
{
	int64		total_ms;		/* of all attempts */
	bool		found;			/* the last element is of this attempt, and
								 * says: */
	char	   *error;
	int64		waits;
	int64		waited_ms;
	GateTurn	turn;
} Noted;

void
throttle_key(const RunRow *run, const Connection *connection,
			 const char *url, GateKey *key)
{
	char	   *origin;

	memset(key, 0, sizeof(GateKey));
	key->database = MyDatabaseId;
	key->id = connection != NULL ? *connection_id(connection)
		: run->tenant_id;
	if (connection != NULL || url == NULL ||
		url_problem(url, "http", false) != NULL)
		return;
	origin = url_origin(url);
	key->host = hash_bytes_extended((const unsigned char *) origin,
									strlen(origin), 1);
	pfree(origin);
}

/*--- the note ---*/

static int64
number_of(const JsonbValue *object, const char *key)
{
	JsonbValue *value = json_member(object, key);
	Datum		number;

	if (value == NULL || value->type != jbvNumeric)
		return 0;
	number = NumericGetDatum(value->val.numeric);
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

static void
read_turn(const char *text, GateTurn *turn)
{
	char	   *colon = NULL;

	if (text == NULL)
		return;
	turn->gate = strtoll(text, &colon, 10);
	if (*colon == ':')
		turn->number = strtoll(colon + 1, NULL, 10);
}

static void
read_note(const RunRow *run, Noted *noted)
{
	JsonbValue	all;
	JsonMember *each;
	int			n;

	memset(noted, 0, sizeof(Noted));
	if (run->failed_attempts == NULL)
		return;
	json_of_jsonb(run->failed_attempts, &all);
	each = json_members(&all, &n);
	for (int i = 0; i < n; i++)
	{
		const JsonbValue *element = &each[i].value;

		if (!json_is_object(element) || json_member(element, "waits") == NULL)
			continue;
		noted->total_ms += number_of(element, "waited_ms");
		if (i < n - 1 || number_of(element, "attempt") != run->attempt)
			continue;
		noted->found = true;
		noted->error = json_member_string(element, "error");
		noted->waits = number_of(element, "waits");
		noted->waited_ms = number_of(element, "waited_ms");
		read_turn(json_member_string(element, "turn"), &noted->turn);
	}
}

/* All of the array but for its last element. */
static Jsonb *
without_last(Jsonb *array)
{
	Jsonb	   *kept = step_results_empty();
	List	   *elements = NIL;
	JsonbValue	all;
	JsonMember *each;
	int			n;

	json_of_jsonb(array, &all);
	each = json_members(&all, &n);
	for (int i = 0; i < n - 1; i++)
		elements = lappend(elements, json_to_jsonb(&each[i].value));
	return step_results_join(kept, elements);
}

static void
write_note(RunRow *run, const Noted *noted, const Refusal *refused)
{
	Jsonb	   *before = run->failed_attempts;
	ObjectBuilder b;

	if (before == NULL)
		before = step_results_empty();
	else if (noted->found)
		before = without_last(before);
	object_begin(&b);
	object_number(&b, "attempt", run->attempt);
	object_text(&b, "error", clip_text(noted->error, MAX_NOTED_ERROR));
	object_number(&b, "waits", noted->waits);
	object_number(&b, "waited_ms", noted->waited_ms);
	if (noted->turn.gate != 0)
		object_text(&b, "turn", psprintf(INT64_FORMAT ":" INT64_FORMAT,
										 noted->turn.gate,
										 noted->turn.number));
	if (refused->error != NULL && refused->started_at != 0)
	{
		object_text(&b, "started_at", iso_time(refused->started_at));
		object_number(&b, "duration_ms", refused->duration_us / 1000);
	}
	run->failed_attempts = step_results_join(before,
											 list_make1(object_end(&b)));
}

/*--- waiting ---*/

bool
throttle_ask(const RunRow *run, const GateKey *key, GateTurn *turn)
{
	Noted		noted;

	memset(turn, 0, sizeof(GateTurn));
	if (!gate_any_exists())
		return true;
	read_note(run, &noted);
	*turn = noted.turn;
	return gate_ask(key, turn);
}

void
throttle_refused(const RunRow *run, const GateKey *key,
				 const Refusal *refused, GateTurn *turn)
{
	TimestampTz now = clock_now();
	Noted		noted;

	read_note(run, &noted);
	*turn = noted.turn;
	gate_refused(key, turn, refused->started_at, refused->retry_after_ms);
	if (gate_any_exists() && !gate_ask(key, turn))
		return;
	turn->until = now + (refused->retry_after_ms < 0 ? DEFAULT_PAUSE_US
						 : Max(refused->retry_after_ms * 1000, MIN_PAUSE_US));
	turn->not_before = turn->until;
}

char *
throttle_wait(RunRow *run, const GateTurn *turn, const Refusal *refused)
{
	TimestampTz now = clock_now();
	int64		pause_us = Max(turn->until - now, 0);
	int64		left_us;
	Noted		noted;

	Assert(run->attempt > 0);
	read_note(run, &noted);
	if (refused->error != NULL)
		noted.error = unconstify(char *, refused->error);
	else if (noted.error == NULL)
		noted.error = NOT_SENT;
	left_us = (wf_max_throttle_wait - noted.total_ms) * 1000;
	if (left_us <= 0 || turn->not_before - now > left_us + TOLERANCE_US)
		return psprintf("the provider asks to wait for longer than workflow_engine.max_throttle_wait (%s) in all: %s",
						GetConfigOptionByName("workflow_engine.max_throttle_wait",
											  NULL, false), noted.error);
	pause_us = Min(pause_us, left_us);
	noted.waits++;
	noted.waited_ms += pause_us / 1000 + 1;
	noted.turn = *turn;
	write_note(run, &noted, refused);
	run->attempt--;
	run->attempt_at = 0;
	(void) run_wait(run, now + pause_us);
	return NULL;
}
