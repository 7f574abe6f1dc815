/*
 * test.h
 *	  What the unit tests share: checks that go on, and the exit status.
 */
#ifndef WF_TEST_H
#define WF_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	test_checks;
static int	test_failures;

#define CHECK(condition) \
	do { \
		test_checks++; \
		if (!(condition)) \
		{ \
			test_failures++; \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

#define CHECK_TEXT(have, want) \
	do { \
		const char *have_ = (have); \
		const char *want_ = (want); \
		test_checks++; \
		if (have_ == NULL || strcmp(have_, want_) != 0) \
		{ \
			test_failures++; \
			printf("%s:%d: is \"%s\" and not \"%s\"\n", __FILE__, __LINE__, \
				   have_ ? have_ : "(null)", want_); \
		} \
	} while (0)

#define TEST_END(name) \
	(printf("%s: %d checks, %d failed\n", name, test_checks, test_failures), \
	 test_failures > 0)

#endif							/* WF_TEST_H */
