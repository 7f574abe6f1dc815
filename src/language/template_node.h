/*
 * template_node.h
 *	  The struct of a compiled template, and what the files template*.c call of
 *	  one another.  No other file includes it.
 */
#ifndef WF_TEMPLATE_NODE_H
#define WF_TEMPLATE_NODE_H

#include "language/expression.h"
#include "language/template.h"

/* A part of a text: literal text, or an expression. */
typedef struct Piece
{
	char	   *text;
	int			len;
	Expression *expression;		/* NULL: the piece is text */
} Piece;

struct Template
{
	TemplateShape shape;
	bool		is_constant;	/* is no expression in it, at any depth? */
	JsonbValue	constant;		/* TEMPLATE_CONSTANT */
	int			n;				/* pieces, elements or members */
	Piece	   *pieces;			/* TEMPLATE_VALUE (one), TEMPLATE_TEXT */
	char	  **keys;			/* TEMPLATE_OBJECT */
	Template  **children;		/* TEMPLATE_ARRAY, TEMPLATE_OBJECT */
};

/*
 * Adds warnings for what looks like a template of another language in the
 * literal parts of text[0..len).
 */
extern void template_check_foreign(const char *text, int len,
								   const char *path, const ScopeNames *names,
								   Problems *problems);

/*
 * How a value in the member key of an object is escaped, if the object is in
 * the blocks of a Slack message (ESCAPE_BLOCKS) or in an Adaptive Card
 * (ESCAPE_CARD).  container is the key of the member that the object, or the
 * array around it, is the value of; NULL if there is none.
 */
extern TemplateEscape template_escape_at(TemplateEscape context,
										 const char *container,
										 const Template *object,
										 const char *key);

#endif							/* WF_TEMPLATE_NODE_H */
