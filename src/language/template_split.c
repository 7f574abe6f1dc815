/*
 * template_split.c
 *	  The pieces of a text that is being compiled.
 *
 * Part of the compiler of templates, see template_compile.c.  Everything is
 * allocated in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/template_node.h"

void
template_add_piece(Splitter *s, Expression *expression)
{
	Piece	   *piece = palloc0(sizeof(Piece));

	piece->expression = expression;
	piece->at = s->tag;
	if (expression == NULL)
	{
		piece->text = pnstrdup(s->literal.data, s->literal.len);
		piece->len = s->literal.len;
		resetStringInfo(&s->literal);
	}
	s->pieces = lappend(s->pieces, piece);
}

void
template_add_literal(Splitter *s)
{
	if (s->literal.len > 0)
		template_add_piece(s, NULL);
}

void
template_report(Splitter *s, const Mistake *mistake)
{
	problem_mistake(s->problems, s->path, mistake, s->text, s->len);
	if (++s->nmistakes >= TEMPLATE_MAX_MISTAKES)
		s->pos = s->len;
}

void
template_warn(Splitter *s, const Expression *expression)
{
	ListCell   *lc;

	scope_path_warn(expression_path(expression), s->path, s->problems);
	foreach(lc, expression_argument_paths(expression))
		scope_path_warn(lfirst(lc), s->path, s->problems);
}

int
template_after_close(const Splitter *s, int pos)
{
	for (int i = pos; i + 1 < s->len; i++)
	{
		if (s->text[i] == '}' && s->text[i + 1] == '}')
			return i + 2;
	}
	return -1;
}

Piece *
template_piece_array(const List *pieces)
{
	Piece	   *array = palloc(sizeof(Piece) * Max(list_length(pieces), 1));
	ListCell   *lc;

	foreach(lc, pieces)
		array[foreach_current_index(lc)] = *(Piece *) lfirst(lc);
	return array;
}
