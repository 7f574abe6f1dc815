/*
 * template_node.h
 *	  The struct of a compiled template, and what the files template*.c call of
 *	  one another.  No other file includes it.
 */
#ifndef WF_TEMPLATE_NODE_H
#define WF_TEMPLATE_NODE_H

#include "language/expression.h"
#include "language/template.h"

typedef struct Section Section;

/* A part of a text: literal text, an expression, or a section. */
typedef struct Piece
{
	char	   *text;
	int			len;
	Expression *expression;		/* NULL: the piece is text or a section */
	Section    *section;		/* NULL: it is none */
	int			at;				/* where its {{...}} begins, in bytes */
} Piece;

/* {{# list }} pieces {{/}} */
struct Section
{
	Expression *list;
	bool		inverted;		/* {{^ list }}: rendered if there is none */
	int			n;
	Piece	   *pieces;
};

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

/*--- compiling ---*/

/* After so many mistakes, the rest of a text is not read. */
#define TEMPLATE_MAX_MISTAKES 20

/* A section that is not closed yet. */
typedef struct OpenSection
{
	Expression *list;			/* NULL: a mistake was reported */
	bool		inverted;
	char	   *name;			/* its path, as written */
	int			offset;			/* of its tag in the text */
	List	   *outer;			/* pieces before it, of what is around it */
} OpenSection;

/* A text that is split into pieces. */
typedef struct Splitter
{
	const char *text;
	int			len;
	int			pos;
	int			tag;			/* where the {{...}} begins that is read */
	StringInfoData literal;		/* since the last expression */
	List	   *pieces;			/* of Piece *, of the innermost section */
	int			nmistakes;
	const char *path;
	ScopeNames *names;			/* NULL: steps are not checked, and the text
								 * has no sections */
	Problems   *problems;
	List	   *open;			/* of OpenSection *, the innermost last */
	bool		section_line;	/* the line has nothing but tags of sections */
} Splitter;

/* Adds a piece: the expression, or (NULL) the literal text read so far. */
extern void template_add_piece(Splitter *s, Expression *expression);

/* Adds what was read since the last expression as a piece, if anything. */
extern void template_add_literal(Splitter *s);

/*
 * Adds an error with its position in the text, in characters from 1.  After
 * too many errors the rest of the text is skipped.
 */
extern void template_report(Splitter *s, const Mistake *mistake);

/* Adds the warnings about the paths of the expression and its arguments. */
extern void template_warn(Splitter *s, const Expression *expression);

/* The position after the next "}}" from pos on, or -1 if there is none. */
extern int	template_after_close(const Splitter *s, int pos);

/* Copies pieces (of Piece *) to an array. */
extern Piece *template_piece_array(const List *pieces);

/*
 * Is the position at the tag of a section: "{{", perhaps blanks, and one of
 * "#", "^" and "/"?
 */
extern bool template_at_section(const Splitter *s, int pos);

/*
 * Reads the tag of a section, after "{{" at the position, and moves the
 * position after it; of a line that has nothing but such tags, to the next
 * line.
 */
extern void template_split_section(Splitter *s);

/* Reports the sections that are still open at the end of the text. */
extern void template_end_sections(Splitter *s);

/*--- rendering ---*/

/* One rendering. */
typedef struct Renderer
{
	const Scope *scope;
	TemplateEscape escape;		/* of a text */
	TemplateEscape context;		/* what was asked for */
	const char *container;		/* key of the innermost member, for context */
	Size		total;			/* bytes of values so far */
	int			nrounds;		/* elements that sections were rendered for */
	int		   *at;				/* told which piece of a text is rendered;
								 * NULL: nobody asks */
} Renderer;

/* Appends what the pieces of a text render to. */
extern void template_append_pieces(StringInfo buf, const Piece *pieces, int n,
								   Renderer *r);

/*
 * Counts bytes, so that a small template cannot use up the memory.  Raises
 * 54000 if there are too many.
 */
extern void template_account(Renderer *r, Size bytes);

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
