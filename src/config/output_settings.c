/*
 * output_settings.c
 *	  The settings that decide how a value is spelled as text.
 *
 * Runs in any backend.  What the engine stores must not depend on the settings
 * of the session that it comes from.  So these settings are fixed while a
 * value becomes text, as pg_dump and postgres_fdw do it.  If the session has
 * them already, only comparisons are made.  Owns nothing after a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "config/output_settings.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*--- what a type depends on ---*/

#define NOT_LISTED (-1)

/*
 * The settings of the server's own scalar types: of the common ones, so that
 * the catalogs need not be read, and of all whose text depends on a setting.
 * NOT_LISTED for any other type.
 */
static int
settings_of_scalar(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UUIDOID:
		case JSONOID:
		case JSONBOID:
		case DATEOID:
		case TIMESTAMPOID:
			return 0;
		case TIMESTAMPTZOID:
			return OUTPUT_TIMEZONE;
		case FLOAT4OID:
		case FLOAT8OID:
		case POINTOID:
		case LSEGOID:
		case PATHOID:
		case BOXOID:
		case POLYGONOID:
		case LINEOID:
		case CIRCLEOID:
			return OUTPUT_FLOAT_DIGITS;
		case INTERVALOID:
			return OUTPUT_INTERVALSTYLE;
		case BYTEAOID:
			return OUTPUT_BYTEA;
		case MONEYOID:
			return OUTPUT_MONETARY;
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGTYPEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGCOLLATIONOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
			return OUTPUT_NAMES;
		default:
			return NOT_LISTED;
	}
}

/* The settings of a composite type: those of its columns. */
static int
settings_of_columns(Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);
	int			mask = OUTPUT_FOREIGN_CODE;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			mask |= output_settings_of_type(att->atttypid);
	}
	FreeTupleDesc(desc);
	return mask;
}

/* A range becomes text in JSON, and dates in it depend on DateStyle. */
static int
settings_of_range(Oid range)
{
	Oid			subtype = get_range_subtype(range);

	return output_settings_of_type(subtype) | OUTPUT_DATESTYLE;
}

/*
 * Has the type a cast to json by a function?  to_jsonb uses it, but not for
 * composite types.
 */
static bool
has_cast_to_json(Oid type)
{
	Oid			function;

	return find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT,
								 &function) == COERCION_PATH_FUNC;
}

int
output_settings_of_type(Oid type)
{
	int			settings = settings_of_scalar(type);
	Oid			base;
	Oid			element;
	char		typtype;

	if (settings != NOT_LISTED)
		return settings;
	check_stack_depth();
	base = getBaseType(type);
	if (base != type)
		return output_settings_of_type(base);
	element = get_element_type(type);
	if (OidIsValid(element))
		return output_settings_of_type(element);
	typtype = get_typtype(type);
	if (typtype == TYPTYPE_COMPOSITE)
		return settings_of_columns(type);
	if (type >= FirstNormalObjectId && has_cast_to_json(type))
		return OUTPUT_UNKNOWN_TYPE | OUTPUT_FOREIGN_CODE;
	switch (typtype)
	{
		case TYPTYPE_ENUM:
			return 0;
		case TYPTYPE_RANGE:
			return settings_of_range(type);
		case TYPTYPE_MULTIRANGE:
			return settings_of_range(get_multirange_range(type));
		default:
			break;
	}
	return type < FirstNormalObjectId ? 0
		: OUTPUT_UNKNOWN_TYPE | OUTPUT_FOREIGN_CODE;
}

/*--- setting them ---*/

/* Is UTC the session's time zone? */
static bool
is_utc(void)
{
	const char *name = pg_get_timezone_name(session_timezone);

	return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0;
}

/* The settings of the mask that must be set; OUTPUT_NAMES always. */
static int
settings_that_differ(int mask)
{
	int			differ = 0;

	if (DateStyle != USE_ISO_DATES)
		differ |= OUTPUT_DATESTYLE;
	if (IntervalStyle != INTSTYLE_POSTGRES)
		differ |= OUTPUT_INTERVALSTYLE;
	if ((mask & OUTPUT_TIMEZONE) && !is_utc())
		differ |= OUTPUT_TIMEZONE;
	if (extra_float_digits < 1)
		differ |= OUTPUT_FLOAT_DIGITS;
	if (bytea_output != BYTEA_OUTPUT_HEX)
		differ |= OUTPUT_BYTEA;
	if ((mask & OUTPUT_MONETARY) &&
		strcmp(GetConfigOption("lc_monetary", false, false), "C") != 0)
		differ |= OUTPUT_MONETARY;
	return (differ | OUTPUT_NAMES) & mask;
}

/* Sets it until the nest level of output_settings_enter() ends. */
static void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

int
output_settings_enter(int mask)
{
	int			differ;
	int			level;

	mask &= OUTPUT_UNKNOWN_TYPE | OUTPUT_NAMES;
	differ = mask == 0 ? 0 : settings_that_differ(mask);
	if (differ == 0)
		return 0;
	level = NewGUCNestLevel();
	if (differ & OUTPUT_DATESTYLE)
		set_for_now("DateStyle", "ISO");
	if (differ & OUTPUT_INTERVALSTYLE)
		set_for_now("IntervalStyle", "postgres");
	if (differ & OUTPUT_TIMEZONE)
		set_for_now("TimeZone", "UTC");
	if (differ & OUTPUT_FLOAT_DIGITS)
		set_for_now("extra_float_digits", "1");
	if (differ & OUTPUT_BYTEA)
		set_for_now("bytea_output", "hex");
	if (differ & OUTPUT_MONETARY)
		set_for_now("lc_monetary", "C");
	if (differ & OUTPUT_NAMES)
	{
		set_for_now("search_path", "pg_catalog, pg_temp");
		set_for_now("quote_all_identifiers", "off");
	}
	return level;
}

void
output_settings_leave(int level)
{
	if (level != 0)
		AtEOXact_GUC(true, level);
}
