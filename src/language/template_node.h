/*
 * template_node.h
 *	  What a template is made of: for the template*.c files only.
 */
#ifndef WF_TEMPLATE_NODE_H
#define WF_TEMPLATE_NODE_H

#include "language/expression.h"
#include "language/template.h"

/* A stretch of literal text, or an expression. */
typedef struct Piece
{
	char	   *text;
	int			len;
	Expression *expression;		/* NULL: text */
} Piece;

struct Template
{
	TemplateShape shape;
	bool		is_constant;	/* with all that is below */
	JsonbValue	constant;		/* TEMPLATE_CONSTANT */
	int			n;				/* pieces, elements or members */
	Piece	   *pieces;			/* TEMPLATE_VALUE (one), TEMPLATE_TEXT */
	char	  **keys;			/* TEMPLATE_OBJECT */
	Template  **children;		/* TEMPLATE_ARRAY, TEMPLATE_OBJECT */
};

/*
 * Warns of what looks like a template of another language in the literal
 * parts of text[0..len).
 */
extern void template_check_foreign(const char *text, int len,
								   const char *path, const ScopeNames *names,
								   Problems *problems);

#endif							/* WF_TEMPLATE_NODE_H */
