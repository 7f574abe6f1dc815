/*
 * template_section_compile.c
 *	  Compiles the sections of a mail template's texts.
 *
 *		{{# path | filter }} ... {{/}}		for each element
 *		{{^ path | filter }} ... {{/}}		if there is none
 *
 * The tag that closes a section may repeat its path: {{/ path }}.  In any
 * other text than the body and the HTML of a mail template, a section is an
 * error.
 *
 * A line that has nothing but such tags and blanks does not show, so that a
 * list in a plain text has no empty lines in between.
 *
 * Part of the compiler of templates, see template_compile.c.  Everything is
 * allocated in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/template_node.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The position after the blanks (and line ends, if lines) at pos. */
static int
skip_blanks(const Splitter *s, int pos, bool lines)
{
	while (pos < s->len &&
		   (is_blank(s->text[pos]) ||
			(lines && (s->text[pos] == '\n' || s->text[pos] == '\r'))))
		pos++;
	return pos;
}

bool
template_at_section(const Splitter *s, int pos)
{
	if (pos + 1 >= s->len || s->text[pos] != '{' || s->text[pos + 1] != '{')
		return false;
	pos = skip_blanks(s, pos + 2, true);
	return pos < s->len && s->text[pos] != '\0' &&
		strchr("#^/", s->text[pos]) != NULL;
}

/*--- lines that have nothing but tags ---*/

/* The position after the line end at pos; pos itself if there is none. */
static int
after_line_end(const Splitter *s, int pos)
{
	if (pos + 1 < s->len && s->text[pos] == '\r' && s->text[pos + 1] == '\n')
		return pos + 2;
	return pos < s->len && s->text[pos] == '\n' ? pos + 1 : pos;
}

/*
 * Has the line of the tag at the position nothing but tags of sections?  The
 * tag is the first one on its line.
 */
static bool
is_section_line(const Splitter *s)
{
	int			pos = s->pos;

	while (pos > 0 && is_blank(s->text[pos - 1]))
		pos--;
	if (pos > 0 && s->text[pos - 1] != '\n')
		return false;
	pos = s->pos;

	while (template_at_section(s, pos))
	{
		pos = template_after_close(s, pos);
		if (pos < 0)
			return false;
		pos = skip_blanks(s, pos, false);
	}
	return pos == s->len || after_line_end(s, pos) > pos;
}

/* Before a tag: forgets the blanks before it if its line does not show. */
static void
begin_tag(Splitter *s)
{
	if (!s->section_line)
		s->section_line = is_section_line(s);
	while (s->section_line && s->literal.len > 0 &&
		   is_blank(s->literal.data[s->literal.len - 1]))
		s->literal.data[--s->literal.len] = '\0';
}

/* After a tag: skips the rest of a line that does not show. */
static void
end_tag(Splitter *s)
{
	int			end;

	if (!s->section_line)
		return;
	s->pos = skip_blanks(s, s->pos, false);
	end = after_line_end(s, s->pos);
	s->section_line = end == s->pos;
	s->pos = end;
}

/*--- tags ---*/

static void
report(Splitter *s, int offset, char *message, const char *hint)
{
	Mistake		mistake = {"template_syntax", message, offset, hint};

	template_report(s, &mistake);
}

/* Opens a section, also one with a mistake, which has an end all the same. */
static void
open_section(Splitter *s, int offset, bool inverted, Expression *list)
{
	OpenSection *section = palloc0(sizeof(OpenSection));

	section->list = list;
	section->inverted = inverted;
	section->name = list != NULL ? expression_path(list)->text : NULL;
	section->offset = offset;
	template_add_literal(s);
	section->outer = s->pieces;
	s->pieces = NIL;
	s->open = lappend(s->open, section);
	if (!inverted)
		s->names->nitems++;
	if (list_length(s->open) == SECTION_MAX_DEPTH + 1)
		report(s, offset,
			   psprintf("sections are nested more than %d levels deep",
						SECTION_MAX_DEPTH),
			   "A list in one text: {{ item.names | join: \", \" }}.");
}

/* Reads the rest of {{# path }}, from after its sign on. */
static void
read_opening(Splitter *s, int offset, bool inverted)
{
	int			resume = template_after_close(s, s->pos);
	Mistake		mistake = {0};
	Expression *list;

	list = expression_parse(s->text, s->len, &s->pos, s->names, &mistake);
	if (list == NULL)
	{
		s->pos = resume;
		if (mistake.hint == NULL)
			mistake.hint = "Write it as in {{# trigger.lines }}{{ item.sku }}{{/}}.";
		template_report(s, &mistake);
	}
	else
		template_warn(s, list);
	open_section(s, offset, inverted, list);
}

/* Makes a piece of the section, whose pieces are all read. */
static void
close_section(Splitter *s)
{
	OpenSection *open = llast(s->open);
	Piece	   *piece = palloc0(sizeof(Piece));
	Section    *section = palloc0(sizeof(Section));

	template_add_literal(s);
	section->list = open->list;
	section->inverted = open->inverted;
	section->n = list_length(s->pieces);
	section->pieces = template_piece_array(s->pieces);
	piece->section = section;
	piece->at = open->offset;
	s->pieces = lappend(open->outer, piece);
	s->open = list_delete_last(s->open);
	if (!open->inverted)
		s->names->nitems--;
}

/* Reads the rest of {{/}} or {{/ path }}, from after its sign on. */
static void
read_closing(Splitter *s, int offset)
{
	int			start = skip_blanks(s, s->pos, true);
	int			resume = template_after_close(s, s->pos);
	int			end = resume - 2;
	OpenSection *open = s->open != NIL ? llast(s->open) : NULL;

	s->pos = resume;
	while (end > start && (is_blank(s->text[end - 1]) ||
						   s->text[end - 1] == '\n' ||
						   s->text[end - 1] == '\r'))
		end--;
	if (open == NULL)
	{
		report(s, offset, "no section is open here",
			   "{{/}} closes what {{# ... }} or {{^ ... }} has opened.");
		return;
	}
	if (end > start && open->name != NULL &&
		(strlen(open->name) != end - start ||
		 memcmp(open->name, s->text + start, end - start) != 0))
		report(s, offset,
			   psprintf("\"%.*s\" is closed, but the section that is open is \"%s\"",
						end - start, s->text + start, open->name),
			   "Sections are closed in turn, the innermost first; {{/}} closes it whatever its name.");
	close_section(s);
}

void
template_split_section(Splitter *s)
{
	int			offset = s->pos;
	int			resume = template_after_close(s, s->pos + 2);
	char		sign;

	if (resume < 0)
	{
		s->pos = s->len;
		report(s, offset, "unclosed \"{{\"",
			   "Close it with \"}}\", or write \\{{ if the braces themselves are meant.");
		return;
	}
	if (s->names == NULL || !s->names->sections)
	{
		Mistake		mistake = {"section_place",
			"only mail templates have sections, in body and html, and there is one",
			offset,
			"A step has its \"condition\"; a list in one text: {{ trigger.items | join: \", \" }}."
		};

		s->pos = resume;
		template_report(s, &mistake);
		return;
	}
	begin_tag(s);
	s->pos = skip_blanks(s, offset + 2, true);
	sign = s->text[s->pos++];

	if (sign == '/')
		read_closing(s, offset);
	else
		read_opening(s, offset, sign == '^');
	end_tag(s);
}

void
template_end_sections(Splitter *s)
{
	while (s->open != NIL)
	{
		OpenSection *open = llast(s->open);

		/* after too many mistakes, the text was not read to its end */
		if (s->nmistakes < TEMPLATE_MAX_MISTAKES)
			report(s, open->offset,
				   open->name == NULL ? "unclosed section" :
				   psprintf("unclosed section \"%s\"", open->name),
				   "Close it with {{/}}.");
		close_section(s);
	}
}
