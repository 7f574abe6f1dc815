/*
 * preview_test.c
 *	  The HTML of a mail that is tried: kept for a minute, given away once, and
 *	  counted as a buffer.
 */

#include "budget.h"
#include "preview.h"
#include "test.h"
#include "text.h"

#define NOBODY "00000000-0000-0000-0000-000000000000"

static void
test_once(void)
{
	Preview		preview = {0};
	char		id[37];
	size_t		length = 0;
	char	   *html;

	CHECK(preview_take(&preview, NOBODY, 0, &length) == NULL);
	CHECK(preview_keep(&preview, "<p>\0</p>", 8, 1000));
	CHECK(strlen(preview.id) == 36 && text_is_uuid(preview.id, 36));
	strcpy(id, preview.id);
	CHECK(preview_take(&preview, NOBODY, 1000, &length) == NULL);
	html = preview_take(&preview, id, 1000 + PREVIEW_TIME - 1, &length);
	CHECK(html != NULL && length == 8 && memcmp(html, "<p>\0</p>", 8) == 0);
	CHECK(preview_take(&preview, id, 1000, &length) == NULL);
	CHECK(preview_take(&preview, NOBODY, 1000, &length) == NULL);
	free(html);
	budget_give(length);
}

static void
test_time(void)
{
	Preview		preview = {0};
	char		id[37];
	size_t		length;

	CHECK(preview_keep(&preview, "x", 1, 1000));
	strcpy(id, preview.id);
	CHECK(preview_take(&preview, id, 1000 + PREVIEW_TIME, &length) == NULL);
	preview_expire(&preview, 1000 + PREVIEW_TIME - 1);
	CHECK(preview.html != NULL);
	preview_expire(&preview, 1000 + PREVIEW_TIME);
	CHECK(preview.html == NULL);
}

static void
test_replaced(void)
{
	Preview		preview = {0};
	char		first[37];
	size_t		length;

	CHECK(preview_keep(&preview, "1", 1, 0));
	strcpy(first, preview.id);
	CHECK(preview_keep(&preview, "2", 1, 0));
	CHECK(strcmp(first, preview.id) != 0);
	CHECK(preview_take(&preview, first, 0, &length) == NULL);
	preview_drop(&preview);
	preview_drop(&preview);
}

/* What is kept is given back: else the budget would be used up by now. */
static void
test_limits(void)
{
	Preview		preview = {0};
	char	   *large = calloc(1, PREVIEW_LIMIT + 1);

	CHECK(!preview_keep(&preview, large, 0, 0));
	CHECK(!preview_keep(&preview, large, PREVIEW_LIMIT + 1, 0));
	for (int i = 0; i < 1000; i++)
		CHECK(preview_keep(&preview, large, PREVIEW_LIMIT, 0));
	preview_drop(&preview);
	CHECK(budget_take(BUDGET_LIMIT));
	CHECK(!preview_keep(&preview, "x", 1, 0));
	CHECK(preview.html == NULL);
	budget_give(BUDGET_LIMIT);
	free(large);
}

int
main(void)
{
	test_once();
	test_time();
	test_replaced();
	test_limits();
	return TEST_END("preview");
}
