/*
 * fire_payload.c
 *	  A row of an application's table as the payload of an event.
 *
 * Runs in the backend that changes the table, as the role that does so.
 * to_jsonb converts the values, so a type's cast to json is used if it has
 * one.  The text of a value does not depend on the session's settings.
 *
 * The application's statement must not fail because of a workflow, so errors
 * are caught here.  Conversions by the server's own code hold nothing but
 * memory if they raise; conversions that may execute code of an extension or
 * a user have a subtransaction each.
 *
 * Owns nothing beyond what payload_format_make returns.
 */
#include "postgres.h"
#include "compat.h"

#include "access/detoast.h"
#include "api/fire_guard.h"
#include "api/fire_once.h"
#include "api/fire_payload.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "config/output_settings.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/*
 * A larger value is not converted: to_jsonb doubles the size of a bytea at
 * worst, and a jsonb value has at most 256 MB.  An event has far less.
 */
#define MAX_VALUE_BYTES (100 * 1024 * 1024)

/* One member of the payload. */
typedef struct Member
{
	const SpecMember *spec;
	bool		is_timestamptz;
	bool		is_varlena;
	bool		in_subtransaction;
	bool		holds_names;	/* its text has names of tables or other
								 * objects, which depend on the search_path */
	FmgrInfo	to_jsonb;
	Size		size;			/* of the row's value */
	Size		old_size;		/* of the old row's */
} Member;

struct PayloadFormat
{
	const TriggerName *name;
	int			settings;		/* that the members' text depends on, a mask */
	int			nmembers;
	Member	   *members;
	JsonbValue *values;			/* of the row that is being converted */
	JsonbValue *old_values;		/* of the same row before an UPDATE */
};

/*--- warnings ---*/

void
payload_warn(const TriggerName *name, int sqlstate, const char *message,
			 const char *detail, const char *hint)
{
	if (!fire_first_time(name->oid, message))
		return;
	ereport(WARNING,
			(errcode(sqlstate),
			 errmsg("trigger \"%s\" of table \"%s.%s\": %s", name->trigger,
					name->schema, name->table, message),
			 detail ? errdetail_internal("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
}

/*--- the format ---*/

/*
 * Adds a member and prepares its conversion.  to_jsonb finds the type of its
 * argument in the expression node of its call, so a node is made for it.
 */
static void
prepare_member(PayloadFormat *format, Relation rel, const SpecMember *spec)
{
	Member	   *member = &format->members[format->nmembers++];
	Form_pg_attribute att;
	Node	   *argument;
	int			settings;

	member->spec = spec;
	if (spec->column == 0)
		return;
	att = TupleDescAttr(RelationGetDescr(rel), spec->column - 1);
	settings = output_settings_of_type(att->atttypid);
	member->holds_names = (settings & OUTPUT_NAMES) != 0;
	member->in_subtransaction = member->holds_names ||
		(settings & OUTPUT_FOREIGN_CODE) != 0;
	member->is_varlena = att->attlen == -1;
	member->is_timestamptz = settings == OUTPUT_TIMEZONE &&
		getBaseType(att->atttypid) == TIMESTAMPTZOID;
	if (member->is_timestamptz)
		return;
	format->settings |= settings & ~OUTPUT_NAMES;
	argument = (Node *) makeNullConst(att->atttypid, att->atttypmod,
									  att->attcollation);
	fmgr_info(F_TO_JSONB, &member->to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(argument), InvalidOid,
											 InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &member->to_jsonb);
}

PayloadFormat *
payload_format_make(Relation rel, const TriggerSpec *spec,
					const TriggerName *name)
{
	PayloadFormat *format = palloc0(sizeof(PayloadFormat));

	format->name = name;
	format->members = palloc0(sizeof(Member) * spec->nmembers);
	format->values = palloc(sizeof(JsonbValue) * spec->nmembers);
	format->old_values = palloc(sizeof(JsonbValue) * spec->nmembers);
	for (int i = 0; i < spec->nmembers; i++)
		prepare_member(format, rel, &spec->members[i]);
	return format;
}

/*--- values ---*/

/* Raises 54000. */
static void
raise_too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("the value is larger than %d MB",
					MAX_VALUE_BYTES / 1024 / 1024)));
}

typedef struct Conversion
{
	Member	   *member;
	Datum		datum;
	JsonbValue *value;			/* the result */
	Size		size;			/* of the result, in bytes */
} Conversion;

/*
 * Converts the value of a member; arg is a Conversion.  The search_path is set
 * for a member that needs it, and not for the whole row: a user's cast to json
 * may rely on the session's search_path.
 */
static void
convert_datum(void *arg)
{
	Conversion *c = arg;
	int			level = 0;
	Jsonb	   *json;

	if (c->member->is_varlena &&
		toast_raw_datum_size(c->datum) > MAX_VALUE_BYTES)
		raise_too_large();
	if (c->member->holds_names)
		level = output_settings_enter(OUTPUT_NAMES);
	json = DatumGetJsonbP(FunctionCall1(&c->member->to_jsonb, c->datum));
	output_settings_leave(level);
	c->size = VARSIZE(json);
	json_of_jsonb(json, c->value);
}

/*
 * Fills *value with what to_jsonb returns in a session whose TimeZone is UTC.
 * Returns its size in bytes.
 */
static Size
convert_timestamptz(Datum datum, JsonbValue *value)
{
	char	   *text = palloc(MAXDATELEN + 1);
	int			utc = 0;

	JsonEncodeDateTime(text, datum, TIMESTAMPTZOID, &utc);
	json_set_string(value, text, strlen(text));
	return value->val.string.len;
}

/* Warns that the payload has null for a value, and says why. */
static void
cannot_hold(const PayloadFormat *format, const Member *member,
			const char *reason)
{
	payload_warn(format->name, ERRCODE_INVALID_JSON_TEXT,
				 psprintf("the payload cannot hold a value of column \"%s\"",
						  member->spec->name),
				 psprintf("%s. The payload has null instead.", reason), NULL);
}

/*
 * Fills *value with the member's value in the row; returns its size in bytes.
 * Raises what the conversion raises unless it is done in a subtransaction.
 */
static Size
convert(PayloadFormat *format, Member *member, TupleTableSlot *row,
		JsonbValue *value)
{
	Conversion	conversion = {.member = member,.value = value};
	bool		isnull = true;
	char	   *reason;

	value->type = jbvNull;
	if (member->spec->column != 0)
		conversion.datum = slot_getattr(row, member->spec->column, &isnull);
	if (isnull)
		return 0;
	if (member->is_timestamptz)
		return convert_timestamptz(conversion.datum, value);
	if (!member->in_subtransaction)
		convert_datum(&conversion);
	else if (!fire_guarded(convert_datum, &conversion, true, &reason))
	{
		value->type = jbvNull;
		cannot_hold(format, member, reason);
		return 0;
	}
	return conversion.size;
}

/* The conversion of a row's members. */
typedef struct RowConversion
{
	PayloadFormat *format;
	TupleTableSlot *row;
	bool		is_old;
	int			next;			/* the member that is being converted */
} RowConversion;

/* Converts the members from next on; arg is a RowConversion. */
static void
convert_members(void *arg)
{
	RowConversion *c = arg;
	JsonbValue *values = c->is_old ? c->format->old_values : c->format->values;

	for (; c->next < c->format->nmembers; c->next++)
	{
		Member	   *member = &c->format->members[c->next];
		Size	   *size = c->is_old ? &member->old_size : &member->size;

		*size = 0;				/* if convert raises, this is its size */
		*size = convert(c->format, member, c->row, &values[c->next]);
	}
}

/* Takes out the sizes of old values, which another row has left. */
static void
forget_old(PayloadFormat *format)
{
	for (int i = 0; i < format->nmembers; i++)
		format->members[i].old_size = 0;
}

/*
 * Fills the format's values, or its old values, from a row.  A value whose
 * conversion raises is null, with a warning.
 */
static void
convert_row(PayloadFormat *format, TupleTableSlot *row, bool is_old)
{
	RowConversion conversion = {.format = format,.row = row,.is_old = is_old};
	int			level = output_settings_enter(format->settings);
	char	   *reason;

	/* convert has made the value null, and the size 0, before it raised */
	while (!fire_guarded(convert_members, &conversion, false, &reason))
	{
		cannot_hold(format, &format->members[conversion.next], reason);
		conversion.next++;
	}
	output_settings_leave(level);
}

/*--- payloads ---*/

static void
add_members(PayloadFormat *format, ObjectBuilder *b, JsonbValue *values)
{
	for (int i = 0; i < format->nmembers; i++)
		object_value(b, format->members[i].spec->key, &values[i]);
}

/* Adds "_old": an object, or null if the old row is not known. */
static void
add_old(PayloadFormat *format, ObjectBuilder *b, bool known)
{
	ObjectBuilder before;

	if (!known)
	{
		object_json(b, "_old", NULL);
		return;
	}
	object_begin(&before);
	add_members(format, &before, format->old_values);
	object_json(b, "_old", object_end(&before));
}

/*
 * Sets the largest value to null, with a warning that gives the reason (NULL:
 * the payload is too large).  False if every value is null already.
 */
static bool
drop_largest(PayloadFormat *format, const char *reason)
{
	Size		largest = 0;
	int			at = 0;
	bool		is_old = false;

	for (int i = 0; i < format->nmembers; i++)
	{
		Member	   *member = &format->members[i];

		if (Max(member->size, member->old_size) <= largest)
			continue;
		largest = Max(member->size, member->old_size);
		at = i;
		is_old = member->old_size == largest;
	}
	if (largest == 0)
		return false;
	cannot_hold(format, &format->members[at], reason ? reason :
				psprintf("\"workflow_engine.max_payload\" is %d kB, and of all values this one is the largest",
						 wf_max_payload));
	if (is_old)
	{
		format->members[at].old_size = 0;
		format->old_values[at].type = jbvNull;
	}
	else
	{
		format->members[at].size = 0;
		format->values[at].type = jbvNull;
	}
	return true;
}

static Size
size_of_members(const PayloadFormat *format)
{
	Size		size = 0;

	for (int i = 0; i < format->nmembers; i++)
		size += format->members[i].size + format->members[i].old_size;
	return size;
}

typedef struct Making
{
	PayloadFormat *format;
	const char *operation;
	bool		has_old;
	bool		old_known;
	Jsonb	   *payload;		/* the result */
} Making;

/* Builds the payload of the values; arg is a Making. */
static void
make_payload(void *arg)
{
	Making	   *m = arg;
	ObjectBuilder b;

	object_begin(&b);
	add_members(m->format, &b, m->format->values);
	object_text(&b, "_op", m->operation);
	object_text(&b, "_schema", m->format->name->schema);
	object_text(&b, "_table", m->format->name->table);
	if (m->has_old)
		add_old(m->format, &b, m->old_known);
	m->payload = object_end(&b);
}

/*
 * The payload with as many of the values as fit into max_payload; NULL if the
 * names of the members alone do not fit.
 */
static Jsonb *
payload_that_fits(Making *m)
{
	Size		limit = (Size) wf_max_payload * 1024;
	char	   *reason;

	/* jsonb has a limit of its own, and building it would raise */
	while (size_of_members(m->format) > limit * 2)
		(void) drop_largest(m->format, NULL);
	do
	{
		reason = NULL;
		if (fire_guarded(make_payload, m, false, &reason) &&
			VARSIZE(m->payload) <= limit)
			return m->payload;
	} while (drop_largest(m->format, reason));
	return NULL;
}

Jsonb *
payload_of_row(PayloadFormat *format, const char *operation,
			   TupleTableSlot *row, bool has_old, TupleTableSlot *old)
{
	Making		making = {.format = format,.operation = operation,
	.has_old = has_old,.old_known = old != NULL};
	Jsonb	   *payload;

	if (old != NULL)
		convert_row(format, old, true);
	else
		forget_old(format);
	convert_row(format, row, false);
	payload = payload_that_fits(&making);
	if (payload == NULL)
		payload_warn(format->name, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					 "the payload of an event is too large",
					 psprintf("\"workflow_engine.max_payload\" is %d kB. No workflow is fired for such a row.",
							  wf_max_payload),
					 "Choose the columns of the payload in the trigger's arguments.");
	return payload;
}
