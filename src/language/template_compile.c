/*
 * template_compile.c
 *	  Compiles JSON values with {{ path | filter }} in their strings.
 *
 * A template is a tree with the structure of the JSON value that it was
 * compiled from.  Its leaves are constants, strings that are one {{...}} and
 * nothing else (they render to the value with its JSON type), and texts of
 * several pieces.  "\{{" stands for "{{" itself; no other backslash is
 * special.
 *
 * Runs in the backend that writes a definition and in workers that load one.
 * Everything is allocated in the current memory context; nothing points into
 * the JSON.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/template_node.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

static Template *compile_value(const JsonbValue *value, const char *path,
							   const ScopeNames *names, Problems *problems,
							   int depth);

/* Reads an expression; the position is at its "{{". */
static void
split_expression(Splitter *s)
{
	int			resume;
	Mistake		mistake = {
		"template_syntax", "unclosed \"{{\"", s->pos,
		"Close it with \"}}\", or write \\{{ if the braces themselves are meant."
	};
	Expression *expression;

	s->tag = s->pos;
	s->pos += 2;
	resume = template_after_close(s, s->pos);
	if (resume < 0)
	{
		s->pos = s->len;
		template_report(s, &mistake);
		return;
	}
	expression = expression_parse(s->text, s->len, &s->pos, s->names,
								  &mistake);
	if (expression == NULL)
	{
		s->pos = resume;
		template_report(s, &mistake);
		return;
	}
	template_warn(s, expression);
	template_add_literal(s);
	template_add_piece(s, expression);
}

static bool
looking_at(const Splitter *s, const char *what, int len)
{
	return s->len - s->pos >= len && memcmp(s->text + s->pos, what, len) == 0;
}

static void
split(Splitter *s)
{
	initStringInfo(&s->literal);
	while (s->pos < s->len)
	{
		CHECK_FOR_INTERRUPTS();
		if (looking_at(s, "\\{{", 3))
		{
			appendStringInfoString(&s->literal, "{{");
			s->pos += 3;
		}
		else if (template_at_section(s, s->pos))
			template_split_section(s);
		else if (looking_at(s, "{{", 2))
			split_expression(s);
		else
			appendStringInfoCharMacro(&s->literal, s->text[s->pos++]);
	}
	template_end_sections(s);
	template_add_literal(s);
	pfree(s->literal.data);
}

static Template *
make_template(TemplateShape shape, int n)
{
	Template   *t = palloc0(sizeof(Template));

	t->shape = shape;
	t->n = n;
	return t;
}

/* A template that is a copy of value. */
static Template *
make_constant(const JsonbValue *value)
{
	Template   *t = make_template(TEMPLATE_CONSTANT, 0);

	t->is_constant = true;
	t->constant = *value;
	if (value->type == jbvString)
		t->constant.val.string.val = json_cstring(value);
	else if (value->type == jbvNumeric)
	{
		Size		size = VARSIZE_ANY(value->val.numeric);

		t->constant.val.numeric = palloc(size);
		memcpy(t->constant.val.numeric, value->val.numeric, size);
	}
	return t;
}

static Template *
make_text(List *pieces)
{
	int			n = list_length(pieces);
	Piece	   *first = n > 0 ? linitial(pieces) : NULL;
	Template   *t;

	if (n == 0 ||
		(n == 1 && first->expression == NULL && first->section == NULL))
	{
		JsonbValue	value;

		json_set_string(&value, n > 0 ? first->text : "",
						n > 0 ? first->len : 0);
		return make_constant(&value);
	}

	t = make_template(n == 1 && first->section == NULL ? TEMPLATE_VALUE :
					  TEMPLATE_TEXT, n);
	t->pieces = template_piece_array(pieces);
	return t;
}

/* names is the caller's copy, which changes while sections are read. */
static Template *
compile_text(const char *text, int len, const char *path, ScopeNames *names,
			 Problems *problems)
{
	Splitter	s = {.text = text, .len = len, .path = path, .names = names,
	.problems = problems};

	if (len > TEMPLATE_MAX_BYTES)
		problem_error(problems, path, "text_too_long", NULL,
					  "text is longer than %d bytes", TEMPLATE_MAX_BYTES);
	else
	{
		split(&s);
		template_check_foreign(text, len, path, names, problems);
	}
	return make_text(s.pieces);
}

Template *
template_compile_text(const char *text, int len, const char *path,
					  const ScopeNames *names, Problems *problems)
{
	ScopeNames	copy = {0};

	if (names != NULL)
		copy = *names;
	return compile_text(text, len, path, names != NULL ? &copy : NULL,
						problems);
}

Template *
template_compile_sections(const char *text, int len, const char *path,
						  const ScopeNames *names, Problems *problems)
{
	ScopeNames	copy = {.any_step = true};

	if (names != NULL)
		copy = *names;
	copy.sections = true;
	return compile_text(text, len, path, &copy, problems);
}

/* Warns if a key looks like a template. */
static void
warn_of_key(const char *key, const char *path, Problems *problems)
{
	const char *open = strstr(key, "{{");

	if (open != NULL && (open == key || open[-1] != '\\') &&
		strstr(open, "}}") != NULL)
		problem_warning(problems, path, "template_in_key",
						"Only values are templates.",
						"a key is no template and stands as it is");
}

static Template *
compile_container(const JsonbValue *value, const char *path,
				  const ScopeNames *names, Problems *problems, int depth)
{
	bool		is_object = json_is_object(value);
	int			n;
	JsonMember *members = json_members(value, &n);
	Template   *t = make_template(is_object ? TEMPLATE_OBJECT :
								  TEMPLATE_ARRAY, n);

	t->is_constant = true;
	t->children = palloc(sizeof(Template *) * Max(n, 1));
	t->keys = is_object ? palloc(sizeof(char *) * Max(n, 1)) : NULL;
	for (int i = 0; i < n; i++)
	{
		char	   *child_path;

		CHECK_FOR_INTERRUPTS();
		child_path = is_object ? problem_path_member(path, members[i].key) :
			problem_path_element(path, i);
		t->children[i] = compile_value(&members[i].value, child_path, names,
									   problems, depth + 1);
		t->is_constant &= t->children[i]->is_constant;
		if (is_object)
		{
			t->keys[i] = members[i].key;
			warn_of_key(members[i].key, child_path, problems);
		}
		pfree(child_path);
	}
	pfree(members);
	return t;
}

static Template *
compile_value(const JsonbValue *value, const char *path,
			  const ScopeNames *names, Problems *problems, int depth)
{
	check_stack_depth();

	if (value->type == jbvString)
		return template_compile_text(value->val.string.val,
									 value->val.string.len, path, names,
									 problems);
	if (value->type != jbvBinary)
		return make_constant(value);
	if (depth >= TEMPLATE_MAX_DEPTH)
	{
		JsonbValue	null = {.type = jbvNull};

		problem_error(problems, path, "value_too_deep", NULL,
					  "value is nested more than %d levels deep",
					  TEMPLATE_MAX_DEPTH);
		return make_constant(&null);
	}
	return compile_container(value, path, names, problems, depth);
}

Template *
template_compile(JsonbValue *value, const char *path,
				 const ScopeNames *names, Problems *problems)
{
	JsonbValue	binary = *value;

	/* a value that was built in memory becomes jsonb, as all others are */
	if (value->type == jbvArray || value->type == jbvObject)
		json_of_jsonb(JsonbValueToJsonb(value), &binary);
	return compile_value(&binary, path, names, problems, 0);
}
