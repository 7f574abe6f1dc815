/*
 * search_value.c
 *	  The ways in which a value that people type may be written in a payload.
 *
 * Runs in the backend that calls wf_search; see search.c.  Owns nothing.
 *
 * The index compares strings byte by byte, so a value is looked for as it was
 * typed, as it is without marks and with the digits of ASCII, in lower and
 * upper case, as a number, and, if it may be a phone number, in the usual
 * forms of that number.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_query.h"
#include "api/search_value.h"
#include "base/calling_code.h"
#include "base/json_value.h"
#include "base/phone.h"
#include "base/search_text.h"
#include "base/utf8.h"
#include "catalog/pg_collation.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/numeric.h"

#define MIN_PHONE 7				/* digits */
#define MAX_COUNTRIES 8
#define MAX_DIGITS 40			/* of a number */

/*--- strings ---*/

/* Appends a string, unless it is empty or there already. */
static List *
add_string(List *spellings, const char *text)
{
	JsonbValue *value;
	ListCell   *lc;
	int			len = strlen(text);

	if (len == 0)
		return spellings;
	foreach(lc, spellings)
	{
		const JsonbValue *other = lfirst(lc);

		if (other->type == jbvString && other->val.string.len == len &&
			memcmp(other->val.string.val, text, len) == 0)
			return spellings;
	}
	value = palloc0(sizeof(JsonbValue));
	json_set_string(value, text, len);
	return lappend(spellings, value);
}

/* In the database's encoding: as it is, in lower, upper and mixed case. */
static List *
add_cases(List *spellings, const char *text)
{
	int			len = strlen(text);

	spellings = add_string(spellings, text);
	spellings = add_string(spellings,
						   str_tolower(text, len, DEFAULT_COLLATION_OID));
	spellings = add_string(spellings,
						   str_toupper(text, len, DEFAULT_COLLATION_OID));
	return add_string(spellings,
					  str_initcap(text, len, DEFAULT_COLLATION_OID));
}

/*--- numbers ---*/

/* Is it a number as JSON writes it, of a size that people type? */
static bool
is_number(const char *text)
{
	const char *digits = *text == '-' ? text +1 : text;
	int			whole = strspn(digits, "0123456789");
	int			fraction = 0;

	if (whole == 0 || (whole > 1 && digits[0] == '0'))
		return false;
	if (digits[whole] == '.')
	{
		fraction = strspn(digits + whole + 1, "0123456789");
		if (fraction == 0)
			return false;
		fraction++;
	}
	return digits[whole + fraction] == '\0' && whole + fraction <= MAX_DIGITS;
}

static List *
add_number(List *spellings, const char *text)
{
	JsonbValue *value;

	if (!is_number(text))
		return spellings;
	value = palloc0(sizeof(JsonbValue));
	value->type = jbvNumeric;
	value->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
	return lappend(spellings, value);
}

/*--- phone numbers ---*/

static bool
may_be_phone(const char *text)
{
	int			digits = 0;

	for (const char *p = text; *p; p++)
	{
		if (*p >= '0' && *p <= '9')
			digits++;
		else if (strchr("+-(). /", *p) == NULL)
			return false;
	}
	return digits >= MIN_PHONE;
}

/*
 * The calling codes of the countries that connections name, as digits: a list
 * of char *.
 */
static List *
read_countries(const pg_uuid_t *tenant)
{
	MemoryContext caller = CurrentMemoryContext;
	RunQuery	query;
	List	   *codes = NIL;

	SPI_connect();
	run_query_begin(&query);
	run_query_add(&query, "SELECT DISTINCT c.config->>'default_country'"
				  " FROM %t.workflow_connections c"
				  " WHERE c.config->>'default_country' IS NOT NULL"
				  " AND (c.tenant_id IS NULL OR (true");
	if (tenant != NULL)
		run_query_add_param(&query, " AND c.tenant_id = $", UUIDOID,
							UUIDPGetDatum(tenant));
	run_query_bind_tenant(&query, "c.tenant_id = $");
	run_query_add(&query, psprintf(")) ORDER BY 1 LIMIT %d", MAX_COUNTRIES));
	run_query_execute(&query, PLANNER_BY_INDEX);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);
		char	   *code = calling_code(SPI_getvalue(SPI_tuptable->vals[i],
													 SPI_tuptable->tupdesc,
													 1));

		if (code != NULL)
			codes = lappend(codes, code);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return codes;
}

/* Adds the forms of a number with its country code, without the plus. */
static List *
add_phone(List *spellings, const char *digits, const List *countries)
{
	ListCell   *lc;

	spellings = add_string(spellings, psprintf("+%s", digits));
	spellings = add_string(spellings, digits);
	spellings = add_string(spellings, psprintf("00%s", digits));
	spellings = add_number(spellings, digits);
	foreach(lc, countries)
	{
		const char *code = lfirst(lc);

		if (strncmp(digits, code, strlen(code)) != 0)
			continue;
		digits += strlen(code);
		spellings = add_string(spellings, psprintf("0%s", digits));
		spellings = add_string(spellings, digits);
		return add_number(spellings, digits);
	}
	return spellings;
}

static List *
add_phones(List *spellings, const char *text, const pg_uuid_t *tenant)
{
	List	   *countries = read_countries(tenant);
	ListCell   *lc;
	char	   *wrong;
	char	   *phone = phone_normalize(text, NULL, &wrong);
	StringInfoData bare;

	/* as it is, without what divides it */
	initStringInfo(&bare);
	for (const char *p = text; *p; p++)
	{
		if ((*p >= '0' && *p <= '9') || *p == '+')
			appendStringInfoChar(&bare, *p);
	}
	spellings = add_string(spellings, bare.data);
	if (phone != NULL)
		spellings = add_phone(spellings, phone + 1, countries);
	foreach(lc, countries)
	{
		/* a number of that country without its code, with the 0 or not */
		phone = phone_normalize(bare.data[0] == '0' || bare.data[0] == '+'
								? bare.data : psprintf("0%s", bare.data),
								lfirst(lc), &wrong);
		if (phone != NULL)
			spellings = add_phone(spellings, phone + 1,
								  list_make1(lfirst(lc)));
	}
	return spellings;
}

List *
search_spellings(const char *text, const pg_uuid_t *tenant)
{
	char	   *value = search_value(text);
	char	   *plain = pg_any_to_server(value, strlen(value), PG_UTF8);
	List	   *spellings = NIL;

	spellings = add_string(spellings,
						   pg_any_to_server(text, strlen(text), PG_UTF8));
	spellings = add_cases(spellings, plain);
	spellings = add_number(spellings, value);
	if (may_be_phone(value))
		spellings = add_phones(spellings, value, tenant);
	return spellings;
}
