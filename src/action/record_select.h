/*
 * record_select.h
 *	  What the actions that read records share: columns, and conditions.
 */
#ifndef WF_RECORD_SELECT_H
#define WF_RECORD_SELECT_H

#include "action/record.h"

/* How a column is compared with a value. */
typedef enum RecordTest
{
	RECORD_TEST_EQ,
	RECORD_TEST_NE,
	RECORD_TEST_GT,
	RECORD_TEST_GTE,
	RECORD_TEST_LT,
	RECORD_TEST_LTE,
	RECORD_TEST_IN,
	RECORD_TEST_NOT_IN,
	RECORD_TEST_LIKE
} RecordTest;

#define RECORD_TESTS (RECORD_TEST_LIKE + 1)

/* How many elements "in" and "not_in" take. */
#define RECORD_MAX_IN 10000

/* Their words, in that order. */
extern const char *const record_test_words[RECORD_TESTS];

/* False if there is no such word. */
extern bool record_find_test(const char *word, RecordTest *test);

/* The operator that a test needs, beside negations; not for "like". */
extern RecordOperator record_test_operator(RecordTest test);

/* What a test takes, with its article; NULL: it takes a value of that type. */
extern const char *record_test_refuses(RecordTest test,
									   const JsonbValue *value);

/* One of several that a row must fulfil. */
typedef struct RecordCondition
{
	char	   *column;
	RecordTest	test;
	JsonbValue	value;
} RecordCondition;

/* The members of an object as equalities (of RecordCondition *). */
extern List *record_equalities(const JsonbValue *object);

/*
 * 'r."a", r."b"' for these columns (of char *), or 'r.*' for NIL.  Raises
 * 42703.
 */
extern char *record_columns(const RecordTable *table, List *names);

/*
 * Appends ' FROM "t" AS r', what else the conditions need, and ' WHERE ...';
 * adds the parameters.  A null is looked for by IS NULL.  Raises 22023 for a
 * value that a test does not take, 54000 for too many, 42703, 42883, and what
 * the types do not take.
 */
extern void record_from(StringInfo sql, const RecordTable *table,
						RecordParams *params, List *conditions);

#endif							/* WF_RECORD_SELECT_H */
