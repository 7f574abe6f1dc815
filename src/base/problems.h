/*
 * problems.h
 *	  A list of what is wrong with a definition: each with its path.
 *
 * Compilers of templates, conditions and plans add to it and go on, so that
 * an author sees every problem at once.
 */
#ifndef WF_PROBLEMS_H
#define WF_PROBLEMS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Further problems are counted and not kept. */
#define PROBLEMS_MAX 1000

typedef struct Problem
{
	char	   *path;			/* "steps[1].params.phone"; "" is the whole */
	bool		is_error;		/* false: a warning */
	const char *code;			/* a word for the message: see below */
	char	   *args;			/* what the message was made of: JSON text of
								 * an array */
	int			pos;			/* in the text at path, in characters from 1;
								 * 0: the whole */
	char	   *message;
	char	   *hint;			/* may be NULL */
} Problem;

typedef struct Problems
{
	List	   *items;			/* of Problem *, in the order found; at most
								 * PROBLEMS_MAX */
	int			nerrors;		/* errors, also those not in items */
	Problem    *last;			/* added last; NULL: it is not in items */
} Problems;

/*
 * Adds an error (or a warning) at path.  hint may be NULL.  code is a literal
 * that never changes for a message, so that programs can tell messages apart
 * and translate them: docs/definitions.md lists the codes.  The rest is copied
 * into the current memory context.  fmt takes %s, %.*s, %d, %g and %%, and
 * what is put into it becomes args, in that order.
 */
extern void problem_error(Problems *problems, const char *path,
						  const char *code, const char *hint,
						  const char *fmt,...)
			pg_attribute_printf(5, 6);
extern void problem_warning(Problems *problems, const char *path,
							const char *code, const char *hint,
							const char *fmt,...)
			pg_attribute_printf(5, 6);

/* The error "wrong_type" for a value that is not of the type expected. */
extern void problem_type(Problems *problems, const char *path,
						 const char *hint, const char *what,
						 const char *expected, const JsonbValue *value);

/* Makes errors of the warnings in items, from that number on. */
extern void problems_make_errors(Problems *problems, int first);

/*
 * Says where in text[0..len), the value at its path, the problem added last
 * is: at a byte, or at the end of the text if offset is beyond it.
 */
extern void problem_at(Problems *problems, const char *text, int len,
					   int offset);

/* A mistake at a place of a text: what a parser says of it. */
typedef struct Mistake
{
	const char *code;
	const char *message;
	int			offset;			/* in the text, in bytes */
	const char *hint;			/* may be NULL */
} Mistake;

/* Adds it as an error whose message ends with its position in text[0..len). */
extern void problem_mistake(Problems *problems, const char *path,
							const Mistake *mistake, const char *text,
							int len);

/* The paths of a member and of an element of what is at path; palloc'd. */
extern char *problem_path_member(const char *path, const char *key);
extern char *problem_path_element(const char *path, int index);

/*
 * "Did you mean ...?" with the one of words that is nearest to word, palloc'd.
 * NULL if more than a third of the letters differ in each.
 */
extern char *nearest_word_hint(const char *word, const char *const *words,
							   int nwords);

/*
 * The same; but if none is near and the words are few, a sentence that lists
 * them all.
 */
extern char *known_words_hint(const char *word, const char *const *words,
							  int nwords);

/*
 * Calls work(arg) and returns NULL; or, if it raises an error that bad input
 * causes (SQLSTATE classes 22 and 42), the palloc'd message.  Other errors
 * (a cancelled query, no memory, stack depth) are raised on.  There is no
 * subtransaction: when work raises an error, it may hold nothing but memory.
 */
extern char *problem_catch(void (*work) (void *arg), void *arg);

/* The same, with the error's SQLSTATE (0 if there was none) in *state. */
extern char *problem_catch_state(void (*work) (void *arg), void *arg,
								 int *state);

#endif							/* WF_PROBLEMS_H */
