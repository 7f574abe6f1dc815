/*
 * template_node.h
 *	  What a template is made of: for template.c and template_compile.c only.
 */
#ifndef WF_TEMPLATE_NODE_H
#define WF_TEMPLATE_NODE_H

#include "expression.h"
#include "template.h"

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

#endif							/* WF_TEMPLATE_NODE_H */
