/*
 * record.h
 *	  What the actions on records share: a table, its columns, statements.
 */
#ifndef WF_RECORD_H
#define WF_RECORD_H

#include "access/attnum.h"
#include "action/action.h"
#include "lib/stringinfo.h"
#include "nodes/primnodes.h"
#include "tcop/dest.h"

typedef struct RecordTable
{
	Oid			relid;
	char	   *name;			/* as given, for messages */
	char	   *qualified;		/* quoted */
} RecordTable;

/*
 * The name of a table, "orders" or "shop.orders", as what PostgreSQL looks up.
 * Raises 42601 or 42602 if it is no name.
 */
extern RangeVar *record_range_var(const char *name);

/* What the other functions take, of a relation that exists. */
extern RecordTable record_table_of(const char *name, Oid relid);

/*
 * The table that parameter "table" names, found by the search_path in force.
 * Raises 42P01, 42602 and what lookups raise.
 */
extern RecordTable record_table(const Call *call);

/* The number of a column; InvalidAttrNumber if a step cannot name it. */
extern AttrNumber record_find_column(const RecordTable *table,
									 const char *column);

/* The same.  Raises 42703 if there is no such column. */
extern AttrNumber record_column(const RecordTable *table, const char *column);

/*
 * Does the type's input function take the text of every scalar of JSON, and
 * is it the server's own or a superuser's code?
 */
extern bool record_is_plain_type(Oid type);

/* The columns of the primary key in its order (of char *), or NIL. */
extern List *record_primary_key(const RecordTable *table);

/* The only column of the primary key, or NULL. */
extern char *record_key_column(const RecordTable *table);

/* The keys of an object parameter.  Raises 22023 if it is none or empty. */
extern List *record_keys(const Call *call, const char *param);

/*
 * The texts in an array parameter (of char *); NIL if it is absent or empty.
 * Raises 22023 if it is anything else.
 */
extern List *record_names(const Call *call, const char *param);

/*
 * What a value is converted for.  One that is stored is rounded or refused by
 * the modifier of the column's type.  One that is compared is not: a row would
 * be found that has another value.
 */
typedef enum RecordUse
{
	RECORD_STORED,
	RECORD_COMPARED
} RecordUse;

/*
 * The type to which values of a column are converted, and its modifier; of a
 * domain that has a modifier, to compare, the type below it.  Raises 42703.
 */
extern Oid	record_type(const RecordTable *table, const char *column,
						RecordUse use, int32 *typmod);

/* The same for SQL, "pg_catalog.numeric(10,2)". */
extern char *record_type_text(const RecordTable *table, const char *column,
							  RecordUse use);

/* The parameters of a statement, one after the other. */
typedef struct RecordParams
{
	int			n;
	int			room;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;			/* as SPI wants them */
} RecordParams;

extern void record_add_param(RecordParams *params, Oid type, Datum value,
							 bool isnull);

/* A value of a column's type. */
typedef struct RecordValue
{
	Oid			type;
	Datum		datum;
	bool		isnull;
} RecordValue;

/*
 * Converts value (NULL is JSON's null) by the input function of the column's
 * type.  False if only SQL can convert it: it is no scalar, or the type is not
 * plain; type is set then as well.  Raises 42703, and what the type does not
 * take.
 */
extern bool record_convert(const RecordTable *table, const char *column,
						   const JsonbValue *value, RecordUse use,
						   RecordValue *result);

/*
 * Appends '(SELECT $1 AS "a", ...) AS alias': members of values, converted by
 * the column's type's own input conversion, and adds the parameters.
 */
extern void record_values(StringInfo sql, const RecordTable *table,
						  RecordParams *params, Jsonb *values,
						  const char *alias, List *columns, RecordUse use);

/* Those that the type's default operator classes have. */
typedef enum RecordOperator
{
	RECORD_EQUAL,
	RECORD_LESS,
	RECORD_GREATER
} RecordOperator;

extern bool record_has_operator(Oid type, RecordOperator operator);

/*
 * 'r."a" OPERATOR(s.=)': what the right operand follows, and, in *cast, what
 * must follow that ("::s.t", or nothing).  Raises 42883 if the type has no
 * such operator.
 */
extern char *record_comparison(const RecordTable *table, const char *column,
							   RecordOperator operator, const char **cast);

/*
 * Appends 'r."a" = v."a"' with the type's own equality operator.  Raises
 * 42883 if the type has none.
 */
extern void record_equals(StringInfo sql, const RecordTable *table,
						  const char *column, const char *alias);

/*
 * Executes a statement within SPI, as the current user; the plan is kept for
 * the next time.
 */
extern int	record_execute(const char *sql, const RecordParams *params);

/* The same for a SELECT: each row goes to the receiver as it is found. */
extern void record_execute_into(const char *sql, const RecordParams *params,
								DestReceiver *receiver);

/*
 * The first column of the SPI result's first row, copied into context; NULL if
 * there is no row or the value is null.
 */
extern Jsonb *record_result(MemoryContext context);

#endif							/* WF_RECORD_H */
