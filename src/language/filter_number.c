/*
 * filter_number.c
 *	  The filters that take a number: arithmetic in PostgreSQL's numeric, and
 *	  text by a picture.
 *
 * Pure, but for what filter_format.c says of "date" and "number".
 */
#include "postgres.h"
#include "compat.h"

#include "base/utf8.h"
#include "language/filter_format.h"
#include "language/filter_node.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"

/* A longer text is no number that somebody wrote. */
#define MAX_NUMBER_BYTES 1000

/*--- as text ---*/

static JsonbValue *
text_result(const text *t)
{
	return filter_string(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

/* Raises what numeric_in raises. */
static Numeric
read_numeric(char *text)
{
	Datum		number = DirectFunctionCall3(numeric_in,
											 CStringGetDatum(text),
											 ObjectIdGetDatum(InvalidOid),
											 Int32GetDatum(-1));

	return DatumGetNumeric(number);
}

/* A number, or a string that reads as one. */
JsonbValue *
filter_number(const FilterCall *call, JsonbValue *value)
{
	Numeric		number;

	if (value->type == jbvNumeric)
		number = value->val.numeric;
	else if (value->type == jbvString)
		number = read_numeric(json_cstring(value));
	else
		filter_refuse(call, value, call->filter->subject);
	return text_result(format_number(number, json_cstring(&call->args[0])));
}

/* A time as text that PostgreSQL reads, or as a number since 1970. */
JsonbValue *
filter_date(const FilterCall *call, JsonbValue *value)
{
	const char *picture = json_cstring(&call->args[0]);
	const char *zone = NULL;

	if (call->filter->nargs > 1)
		zone = json_cstring(&call->args[1]);
	if (value->type == jbvNumeric)
		return text_result(format_epoch(value->val.numeric, picture, zone));
	if (value->type == jbvString)
		return text_result(format_moment(json_cstring(value), picture, zone));
	filter_refuse(call, value, call->filter->subject);
}

/*--- arithmetic ---*/

/* The number that is computed with.  Raises 22023. */
static Numeric
number_of(const FilterCall *call, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		filter_refuse(call, value, call->filter->subject);
	return value->val.numeric;
}

/* Calls a function of two numerics with the value and argument 1. */
static JsonbValue *
with_argument(PGFunction function, const FilterCall *call,
			  const JsonbValue *value)
{
	Datum		a = NumericGetDatum(number_of(call, value));
	Datum		b = NumericGetDatum(call->args[0].val.numeric);
	Datum		result = DirectFunctionCall2(function, a, b);

	return filter_number_value(DatumGetNumeric(result));
}

JsonbValue *
filter_plus(const FilterCall *call, JsonbValue *value)
{
	return with_argument(numeric_add, call, value);
}

JsonbValue *
filter_minus(const FilterCall *call, JsonbValue *value)
{
	return with_argument(numeric_sub, call, value);
}

/*
 * To multiply or divide takes as long as one number's digits times those of
 * the other, up to seconds, and cannot be interrupted.  So many bytes are
 * about 4,000 digits, which no sum of money has.
 */
#define MAX_FACTOR_BYTES 2000

/* Raises 54000 for a number of too many digits. */
static void
check_factor(const FilterCall *call, const JsonbValue *value)
{
	if (value->type == jbvNumeric &&
		VARSIZE_ANY(value->val.numeric) > MAX_FACTOR_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("filter \"%s\" cannot take a number with thousands of digits",
						call->filter->def->name)));
}

JsonbValue *
filter_times(const FilterCall *call, JsonbValue *value)
{
	check_factor(call, value);
	check_factor(call, &call->args[0]);
	return with_argument(numeric_mul, call, value);
}

/* numeric_div gives 16 significant digits and more: 2.5000000000000000 */
Numeric
filter_quotient(Numeric a, Numeric b)
{
	Datum		quotient = DirectFunctionCall2(numeric_div, NumericGetDatum(a),
											   NumericGetDatum(b));

	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, quotient));
}

JsonbValue *
filter_divided_by(const FilterCall *call, JsonbValue *value)
{
	Numeric		number = number_of(call, value);
	Numeric		by = call->args[0].val.numeric;

	check_factor(call, value);
	check_factor(call, &call->args[0]);
	return filter_number_value(filter_quotient(number, by));
}

JsonbValue *
filter_round(const FilterCall *call, JsonbValue *value)
{
	Numeric		number = number_of(call, value);
	int			digits = call->filter->nargs > 0 ? filter_int(call, 0) : 0;
	Datum		result = DirectFunctionCall2(numeric_round,
											 NumericGetDatum(number),
											 Int32GetDatum(digits));

	return filter_number_value(DatumGetNumeric(result));
}

JsonbValue *
filter_abs(const FilterCall *call, JsonbValue *value)
{
	Numeric		number = number_of(call, value);

	return filter_number_value(DatumGetNumeric(DirectFunctionCall1(
		numeric_abs, NumericGetDatum(number))));
}

/*--- to_number ---*/

/* A text in UTF-8 that is read as a number. */
typedef struct Digits
{
	const char *text;
	const char *end;
	StringInfoData ascii;		/* what was read, in ASCII */
} Digits;

/* The next character, 0 at the end; *len is its length. */
static uint32
next_character(const Digits *d, int *len)
{
	*len = 0;
	return d->text < d->end ? utf8_read(d->text, len) : 0;
}

/* Reads one character if it is one of two, as the one of ASCII. */
static bool
take(Digits *d, uint32 c, uint32 other, char ascii)
{
	int			len;
	uint32		next = next_character(d, &len);

	if (next == 0 || (next != c && next != other))
		return false;
	d->text += len;
	appendStringInfoChar(&d->ascii, ascii);
	return true;
}

/* Reads digits in any of the ways to write them; how many? */
static int
take_digits(Digits *d)
{
	int			n = 0;
	int			len;
	int			digit;

	while ((digit = utf8_digit(next_character(d, &len))) >= 0)
	{
		d->text += len;
		appendStringInfoChar(&d->ascii, '0' + digit);
		n++;
	}
	return n;
}

static void
take_sign(Digits *d)
{
#define MINUS_SIGN 0x2212
	if (!take(d, '-', MINUS_SIGN, '-'))
		take(d, '+', '+', '+');
}

/* Marks of direction stand around numbers in Arabic and Hebrew texts. */
static void
skip_invisible(Digits *d)
{
	int			len;
	uint32		c;

	while ((c = next_character(d, &len)) != 0 && utf8_is_invisible(c))
		d->text += len;
}

/*
 * Reads sign, digits, a point and digits, an exponent.  It is stricter than
 * numeric_in, whose versions differ in what they take.  Is it a number?
 */
static bool
take_number(Digits *d)
{
#define ARABIC_DECIMAL_SEPARATOR 0x066B
	int			n;

	skip_invisible(d);
	take_sign(d);
	n = take_digits(d);
	if (take(d, '.', ARABIC_DECIMAL_SEPARATOR, '.'))
		n += take_digits(d);
	if (n == 0)
		return false;
	if (take(d, 'e', 'E', 'e'))
	{
		take_sign(d);
		if (take_digits(d) == 0)
			return false;
	}
	skip_invisible(d);
	return d->text == d->end;
}

JsonbValue *
filter_to_number(const FilterCall *call, JsonbValue *value)
{
	Digits		d;
	char	   *text;
	int			len;

	if (value->type == jbvNumeric)
		return value;
	if (value->type != jbvString)
		filter_refuse(call, value, call->filter->subject);

	text = to_utf8(json_cstring(value));
	len = strlen(text);
	d.text = filter_trimmed(text, &len);
	d.end = d.text + len;
	initStringInfo(&d.ascii);
	if (len > MAX_NUMBER_BYTES || !take_number(&d))
	{
		text = utf8_quote(text, 100);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("filter \"to_number\" cannot take \"%s\": %s is no number",
						pg_any_to_server(text, strlen(text), PG_UTF8),
						call->filter->subject)));
	}
	return filter_number_value(read_numeric(d.ascii.data));
}
