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

#include "base/json_value.h"
#include "base/problems.h"
#include "base/valid_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/varlena.h"

/* The most that varstr_levenshtein_less_equal() takes, and a path shows. */
#define MAX_WORD_BYTES 255

/* More words than this are not listed in a hint. */
#define MAX_LISTED_WORDS 24

/*--- messages ---*/

/* Appends a text to a JSON array that is being written. */
static void
add_text(StringInfo args, const char *text)
{
	appendStringInfoString(args, args->len > 1 ? ", " : "");
	escape_json(args, text);
}

static void
add_number(StringInfo args, double number)
{
	appendStringInfo(args, "%s%.15g", args->len > 1 ? ", " : "", number);
}

/*
 * Appends what one conversion of a format, which begins after its "%", makes
 * of the next argument, and adds it to args.  Returns the end of the
 * conversion.
 */
static const char *
convert(StringInfo message, StringInfo args, const char *fmt, va_list *ap)
{
	int			len = -1;

	if (strncmp(fmt, ".*", 2) == 0)
	{
		len = va_arg(*ap, int);
		fmt += 2;
	}
	if (*fmt == 's')
	{
		char	   *text = va_arg(*ap, char *);

		if (len >= 0)
			text = pnstrdup(text, len);

		appendStringInfoString(message, text);
		add_text(args, text);
	}
	else if (*fmt == 'd')
	{
		int			number = va_arg(*ap, int);

		appendStringInfo(message, "%d", number);
		add_number(args, number);
	}
	else if (*fmt == 'g')
	{
		double		number = va_arg(*ap, double);

		appendStringInfo(message, "%g", number);
		add_number(args, number);
	}
	else
	{
		Assert(*fmt == '%');
		appendStringInfoChar(message, *fmt);
	}
	return fmt + 1;
}

/* Makes the problem's message, and its args, in the current context. */
static void
format_message(Problem *problem, const char *fmt, va_list *ap)
{
	StringInfoData message;
	StringInfoData args;

	initStringInfo(&message);
	initStringInfo(&args);
	appendStringInfoChar(&args, '[');
	while (*fmt != '\0')
	{
		if (*fmt == '%')
			fmt = convert(&message, &args, fmt + 1, ap);
		else
			appendStringInfoChar(&message, *fmt++);
	}
	appendStringInfoChar(&args, ']');
	problem->message = message.data;
	problem->args = args.data;
}

static void
problem_add(Problems *problems, bool is_error, const char *path,
			const char *code, const char *hint, const char *fmt, va_list *ap)
{
	Problem    *problem;

	Assert(code != NULL && *code != '\0');
	if (is_error)
		problems->nerrors++;
	problems->last = NULL;
	if (list_length(problems->items) >= PROBLEMS_MAX)
		return;
	problem = palloc0(sizeof(Problem));
	problem->path = pstrdup(path);
	problem->is_error = is_error;
	problem->code = code;
	format_message(problem, fmt, ap);
	problem->hint = hint ? pstrdup(hint) : NULL;
	problems->items = lappend(problems->items, problem);
	problems->last = problem;
}

void
problem_error(Problems *problems, const char *path, const char *code,
			  const char *hint, const char *fmt,...)
{
	va_list		ap;

	va_start(ap, fmt);
	problem_add(problems, true, path, code, hint, fmt, &ap);
	va_end(ap);
}

void
problem_warning(Problems *problems, const char *path, const char *code,
				const char *hint, const char *fmt,...)
{
	va_list		ap;

	va_start(ap, fmt);
	problem_add(problems, false, path, code, hint, fmt, &ap);
	va_end(ap);
}

void
problem_type(Problems *problems, const char *path, const char *hint,
			 const char *what, const char *expected, const JsonbValue *value)
{
	problem_error(problems, path, "wrong_type", hint,
				  "%s must be %s, not %s", what, expected,
				  json_a_type(value));
}

void
problems_make_errors(Problems *problems, int first)
{
	for (int i = first; i < list_length(problems->items); i++)
	{
		Problem    *problem = list_nth(problems->items, i);

		problems->nerrors += !problem->is_error;
		problem->is_error = true;
	}
}

/* The number of the character at that byte of text, from 1. */
static int
character_at(const char *text, int len, int offset)
{
	return pg_mbstrlen_with_len(text, Min(offset, len)) + 1;
}

void
problem_at(Problems *problems, const char *text, int len, int offset)
{
	if (problems->last != NULL)
		problems->last->pos = character_at(text, len, offset);
}

void
problem_mistake(Problems *problems, const char *path, const Mistake *mistake,
				const char *text, int len)
{
	problem_error(problems, path, mistake->code, mistake->hint,
				  "%s at position %d", mistake->message,
				  character_at(text, len, mistake->offset));
	problem_at(problems, text, len, mistake->offset);
}

/*--- paths and words ---*/

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

/*--- errors that are caught ---*/

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
