/*
 * text_test.c
 *	  Texts: growth, escapes, UTF-8, UUIDs, hexadecimal digits; problems.
 */

#include "budget.h"
#include "problem.h"
#include "statement.h"
#include "test.h"
#include "text.h"

static void
test_growth(void)
{
	Text		t;

	text_init(&t);
	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%03d,", i);
	CHECK(t.len == 4000 && strlen(t.data) == 4000);
	CHECK(memcmp(t.data + 3996, "999,", 4) == 0);
	text_wipe(&t);
	CHECK(t.data == NULL);
}

static void
test_escapes(void)
{
	static const struct
	{
		const char *in;
		size_t		len;
		const char *out;
	}			cases[] =
	{
		{"", 0, "\"\""},
		{"plain", 5, "\"plain\""},
		{"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
		{"\n\r\t\x01\x1f\x7f", 6,
		"\"\\u000a\\u000d\\u0009\\u0001\\u001f\\u007f\""},
		{"a\0b", 3, "\"a\\u0000b\""},
		{"\xd8\xb7\xd9\x84\xd8\xa8", 6, "\"\xd8\xb7\xd9\x84\xd8\xa8\""},
		{"</script>", 9, "\"</script>\""},
		{"\"}, {\"id\": \"x", 13, "\"\\\"}, {\\\"id\\\": \\\"x\""},
	};
	Text		t;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		text_init(&t);
		text_add_json(&t, cases[i].in, cases[i].len);
		CHECK_TEXT(t.data, cases[i].out);
		text_free(&t);
	}
	text_init(&t);
	text_adds(&t, "{");
	text_add_member(&t, "a", "1");
	text_add_member(&t, "b", NULL);
	CHECK_TEXT(t.data, "{\"a\": \"1\", \"b\": null");
	text_free(&t);
}

static void
test_utf8(void)
{
	static const char *const good[] = {"", "a", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
	"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf",
		"\xc2", "\xc2g", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
	"a\xf0\x90\x80"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!text_is_utf8(bad[i], strlen(bad[i])));
	CHECK(!text_is_utf8("a\0b", 3));
}

static void
test_words(void)
{
	unsigned char bytes[4];
	char		hex[9];

	CHECK(text_is_uuid("01900000-0000-7000-8000-00000000000a", 36));
	CHECK(text_is_uuid("01900000-0000-7000-8000-00000000000F", 36));
	CHECK(!text_is_uuid("01900000-0000-7000-8000-00000000000g", 36));
	CHECK(!text_is_uuid("01900000-0000-7000-8000-00000000000", 35));
	CHECK(!text_is_uuid("01900000000070008000000000000000000a", 36));
	CHECK(text_unhex(bytes, 4, "00fFa1B2", 8));
	text_hex(hex, bytes, 4);
	CHECK_TEXT(hex, "00ffa1b2");
	CHECK(!text_unhex(bytes, 4, "00fFa1B", 7));
	CHECK(!text_unhex(bytes, 4, "00fFa1B22", 9));
	CHECK(!text_unhex(bytes, 4, "00fFa1Bx", 8));
	CHECK(text_same_secret("abcd", "abcd", 4));
	CHECK(!text_same_secret("abcd", "abce", 4));
	CHECK(!text_same_secret("xbcd", "abcd", 4));
}

static void
test_problems(void)
{
	static const struct
	{
		const char *sqlstate;
		int			status;
		const char *code;
	}			cases[] =
	{
		{"22P02", 400, "bad_value"}, {"54001", 400, "bad_value"},
		{"54000", 422, "invalid"}, {"22023", 422, "invalid"},
		{"42501", 403, "forbidden"}, {"P0002", 404, "not_found"},
		{"WF409", 409, "changed"}, {"23505", 409, "exists"},
		{"23503", 409, "referenced"}, {"23514", 422, "invalid"},
		{"55P03", 409, "locked"}, {"40001", 409, "locked"},
		{"55000", 409, "state"}, {"53300", 503, "too_many_connections"},
		{"57014", 504, "timeout"}, {"57P01", 503, "unavailable"},
		{"08006", 503, "unavailable"}, {"XX000", 500, "internal"},
		{"25006", 500, "internal"}, {"42P02", 500, "internal"},
		{"42P01", 503, "no_extension"}, {"42883", 503, "no_extension"},
	};
	Problem		problem = {0};
	Text		t;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		problem_from_sqlstate(&problem, cases[i].sqlstate);
		CHECK(problem.status == cases[i].status);
		CHECK_TEXT(problem.code, cases[i].code);
	}
	problem_from_sqlstate(&problem, NULL);
	CHECK(problem.status == 503);
	problem = (Problem)
	{
		.code = "x", .message = "a \"b\"", .hint = "h"
	};
	text_init(&t);
	problem_write(&t, &problem);
	CHECK_TEXT(t.data, "{\"error\": {\"code\": \"x\", \"sqlstate\": null,"
			   " \"message\": \"a \\\"b\\\"\", \"detail\": null,"
			   " \"hint\": \"h\"}}");
	text_free(&t);
}

static void
test_budget(void)
{
	CHECK(budget_take(BUDGET_LIMIT - 1));
	CHECK(budget_take(1));
	CHECK(!budget_take(1));
	budget_give(BUDGET_LIMIT);
	CHECK(!budget_take(BUDGET_LIMIT + 1));
	CHECK(budget_take(0));
}

static void
test_statements(void)
{
	Text		t;

	CHECK(statement_known("me") && !statement_known("nothing"));
	text_init(&t);
	statement_write(&t, "runs_count", "\"my schema\"", true);
	CHECK(strstr(t.data, "@wf@") == NULL);
	CHECK(strstr(t.data, "\"my schema\".wf_count_runs(") != NULL);
	CHECK(strncmp(t.data, "SELECT status, CASE WHEN ", 25) == 0);
	CHECK(strchr(t.data, ';') == NULL);
	text_free(&t);
}

/* Two lines of a sign-in, and what is none. */
static void
test_two_lines(void)
{
	char		first[4];
	char		second[8];

	CHECK(text_two_lines("abc\nd\xd8\xa7 e", 9, first, 4, second, 8));
	CHECK_TEXT(first, "abc");
	CHECK_TEXT(second, "d\xd8\xa7 e");
	CHECK(!text_two_lines("abcd\nx", 6, first, 4, second, 8));
	CHECK(!text_two_lines("a\n12345678", 10, first, 4, second, 8));
	CHECK(!text_two_lines("a\nb\nc", 5, first, 4, second, 8));
	CHECK(!text_two_lines("\nb", 2, first, 4, second, 8));
	CHECK(!text_two_lines("a\n", 2, first, 4, second, 8));
	CHECK(!text_two_lines("a", 1, first, 4, second, 8));
	CHECK(!text_two_lines("a\nb\0c", 5, first, 4, second, 8));
	CHECK(!text_two_lines("a\n\xff", 3, first, 4, second, 8));
	CHECK_TEXT(second, "");
}

int
main(void)
{
	test_growth();
	test_escapes();
	test_utf8();
	test_words();
	test_problems();
	test_budget();
	test_statements();
	test_two_lines();
	return TEST_END("text");
}
