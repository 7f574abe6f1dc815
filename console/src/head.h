/*
 * head.h
 *	  The head of an answer.
 */
#ifndef WF_HEAD_H
#define WF_HEAD_H

#include <event2/buffer.h>
#include <stdbool.h>

/* Called when the bytes of an answer are no longer needed. */
typedef void (*AnswerDone) (const void *data, size_t len, void *arg);

/* What is answered; texts are copied, the body is not. */
typedef struct Answer
{
	int			status;
	const char *type;			/* NULL: JSON */
	const char *policy;			/* NULL: that of the page */
	const char *headers;		/* more of them, each with CR LF; or NULL */
	const char *cache;			/* NULL: no-store */
	const char *lead;			/* what comes before the body; or NULL */
	const char *body;
	size_t		length;
	AnswerDone	done;			/* NULL: the body is a constant */
	void	   *done_arg;
	const char *code;			/* for the log */
	const char *sqlstate;		/* for the log */
} Answer;

extern void head_write(struct evbuffer *out, const Answer *answer, bool keep);

#endif							/* WF_HEAD_H */
