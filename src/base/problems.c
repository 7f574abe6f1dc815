/*
 * problems.c
 *	  What is wrong with a definition, collected rather than raised.
 *
 * Runs in any backend that writes or validates a definition, and in workers,
 * which compile saved ones.  A compiler adds a problem and goes on.  The list
 * and its texts are in the memory context that was current when they were
 * added.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/problems.h"
#include "base/valid_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/varlena.h"

/* The most that varstr_levenshtein_less_equal() takes, and a path shows. */
#define MAX_WORD_BYTES 255

/* More words than this are not listed in a hint. */
#define MAX_LISTED_WORDS 24

static void
problem_add(Problems *problems, bool is_error, const char *path,
			const char *hint, char *message)
{
	Problem    *problem;

	if (is_error)
		problems->nerrors++;
	if (list_length(problems->items) >= PROBLEMS_MAX)
	{
		pfree(message);
		return;
	}
	problem = palloc(sizeof(Problem));
	problem->path = pstrdup(path);
	problem->is_error = is_error;
	problem->message = message;
	problem->hint = hint ? pstrdup(hint) : NULL;
	problems->items = lappend(problems->items, problem);
}

/*
 * Sets message to the palloc'd text of a variadic function's arguments.  It is
 * a macro since va_start() must be called again, in that function, if the
 * buffer was too small.
 */
#define FORMAT_MESSAGE(message, fmt) \
	do { \
		StringInfoData buf_; \
		initStringInfo(&buf_); \
		for (;;) \
		{ \
			va_list		args_; \
			int			needed_; \
			va_start(args_, fmt); \
			needed_ = appendStringInfoVA(&buf_, fmt, args_); \
			va_end(args_); \
			if (needed_ == 0) \
				break; \
			enlargeStringInfo(&buf_, needed_); \
		} \
		(message) = buf_.data; \
	} while (0)

void
problem_error(Problems *problems, const char *path, const char *hint,
			  const char *fmt,...)
{
	char	   *message;

	FORMAT_MESSAGE(message, fmt);
	problem_add(problems, true, path, hint, message);
}

void
problem_warning(Problems *problems, const char *path, const char *hint,
				const char *fmt,...)
{
	char	   *message;

	FORMAT_MESSAGE(message, fmt);
	problem_add(problems, false, path, hint, message);
}

static bool
is_plain_key(const char *key)
{
	if (*key == '\0')
		return false;
	for (; *key; key++)
	{
		if (!isalnum((unsigned char) *key) && *key != '_' && *key != '-' &&
			*key != '$' && !IS_HIGHBIT_SET(*key))
			return false;
	}
	return true;
}

/*
 * With a dot before the key, or with the key quoted in brackets if it has
 * other characters than those of a name.  A long key is cut.
 */
char *
problem_path_member(const char *path, const char *key)
{
	int			len = pg_mbcliplen(key, strlen(key), MAX_WORD_BYTES);
	char	   *shown = pnstrdup(key, len);
	StringInfoData buf;

	if (is_plain_key(shown))
		return psprintf("%s%s%s", path, *path ? "." : "", shown);

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s[\"", path);
	for (const char *c = shown; *c; c++)
	{
		if (*c == '"' || *c == '\\')
			appendStringInfoChar(&buf, '\\');
		appendStringInfoChar(&buf, *c);
	}
	appendStringInfoString(&buf, "\"]");
	return buf.data;
}

char *
problem_path_element(const char *path, int index)
{
	return psprintf("%s[%d]", path, index);
}

/* A copy of word with its ASCII letters in lower case. */
static char *
fold(const char *word)
{
	char	   *copy = pstrdup(word);

	for (char *c = copy; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return copy;
}

char *
nearest_word_hint(const char *word, const char *const *words, int nwords)
{
	const char *best = NULL;
	int			len = strlen(word);
	int			limit;
	char	   *folded;

	if (len == 0 || len > MAX_WORD_BYTES)
		return NULL;

	folded = fold(word);
	/* at most a third of the letters may differ */
	limit = (pg_mbstrlen(word) + 2) / 3;
	for (int i = 0; i < nwords; i++)
	{
		int			wordlen = strlen(words[i]);
		int			distance;
		char	   *candidate;

		if (wordlen == 0 || wordlen > MAX_WORD_BYTES)
			continue;
		candidate = fold(words[i]);
		distance = varstr_levenshtein_less_equal(folded, len,
												 candidate, wordlen,
												 1, 1, 1, limit, true);
		pfree(candidate);
		if (distance > limit)
			continue;
		best = words[i];
		limit = distance - 1;
		if (distance == 0)
			break;
	}
	pfree(folded);
	return best ? psprintf("Did you mean \"%s\"?", best) : NULL;
}

char *
known_words_hint(const char *word, const char *const *words, int nwords)
{
	char	   *hint = nearest_word_hint(word, words, nwords);
	StringInfoData buf;

	if (hint != NULL || nwords == 0 || nwords > MAX_LISTED_WORDS)
		return hint;

	initStringInfo(&buf);
	appendStringInfoString(&buf, nwords == 1 ? "Known is" : "Known are");
	for (int i = 0; i < nwords; i++)
		appendStringInfo(&buf, "%s \"%s\"", i > 0 ? "," : "", words[i]);
	appendStringInfoChar(&buf, '.');
	return buf.data;
}

/* The message of an error and its detail, in whole characters. */
static char *
message_of(const ErrorData *edata)
{
	const char *message = edata->message ? edata->message : "invalid input";

	if (edata->detail)
		return psprintf("%s: %s", valid_text(message),
						valid_text(edata->detail));
	return pstrdup(valid_text(message));
}

/*
 * An error that is caught here has no other effect than that memory stays
 * allocated in the current context.  Raising an error resets the counters that
 * hold interrupts off, so the caller's values are restored.
 */
char *
problem_catch_state(void (*work) (void *arg), void *arg, int *state)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	char	   *volatile message = NULL;

	*state = 0;
	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		ErrorData  *edata;
		int			category;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		category = ERRCODE_TO_CATEGORY(edata->sqlerrcode);
		if (category != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR))
			PG_RE_THROW();
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
		QueryCancelHoldoffCount = cancel_holdoff;
		message = message_of(edata);
		*state = edata->sqlerrcode;
		FreeErrorData(edata);
	}
	PG_END_TRY();

	return message;
}

char *
problem_catch(void (*work) (void *arg), void *arg)
{
	int			state;

	return problem_catch_state(work, arg, &state);
}
