/*
 * plan_mail.c
 *	  Headers and attachments of a mail, as far as a definition has them
 *	  literally.
 *
 * The names of headers are keys, which are never templates, so all of them are
 * judged here.  Of values and attachments, literals are.  The action judges
 * what templates have become, by the same rules (actions/email_extras.c).
 *
 * Part of the plan's compiler: see plan.c.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/mime.h"
#include "base/utf8.h"
#include "plan/plan_internal.h"

/* Is it a literal null, or not there at all? */
static bool
is_absent(const Template *t)
{
	return t == NULL || (template_shape(t) == TEMPLATE_CONSTANT &&
						 template_constant(t)->type == jbvNull);
}

/* A literal as text, palloc'd; NULL if it is a template, null or no scalar. */
static char *
literal(const Template *t)
{
	if (is_absent(t) || template_shape(t) != TEMPLATE_CONSTANT)
		return NULL;
	return json_text(template_constant(t));
}

static bool
is_container(const Template *t)
{
	return template_shape(t) == TEMPLATE_OBJECT ||
		template_shape(t) == TEMPLATE_ARRAY;
}

/*--- headers ---*/

/* The parameter that says what a header of that name would; or NULL. */
static const char *
parameter_of(const char *header)
{
	static const char *const names[][2] = {
		{"From", "from"}, {"To", "to"}, {"Cc", "cc"}, {"Bcc", "bcc"},
		{"Reply-To", "reply_to"}, {"Subject", "subject"}
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (pg_strcasecmp(names[i][0], header) == 0)
			return psprintf("Use parameter \"%s\".", names[i][1]);
	}
	return NULL;
}

static bool
is_twice(const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (pg_strcasecmp(names[i], names[n]) == 0)
			return true;
	}
	return false;
}

void
plan_check_mail_headers(const Template *t, const char *path,
						Problems *problems)
{
	int			n;
	const char **names;

	if (template_shape(t) != TEMPLATE_OBJECT)
		return;
	names = template_keys(t, &n);
	for (int i = 0; i < n; i++)
	{
		const Template *value = template_member(t, names[i]);
		const char *at = problem_path_member(path, names[i]);
		const char *problem = mime_field_problem(names[i]);
		char	   *text = literal(value);

		if (problem == NULL && is_twice(names, i))
			problem = "is given twice";
		if (problem == NULL && is_container(value))
			problem = "must be a text";
		if (problem == NULL && text != NULL &&
			!mime_header_value_valid(to_utf8(text), false))
			problem = "has a control character";
		if (problem != NULL)
			problem_error(problems, at, "bad_header", parameter_of(names[i]),
						  "header \"%s\" %s", names[i], problem);
	}
}

/*--- attachments ---*/

/* Adds a problem of a member, which is a literal. */
static void
bad_member(const char *path, const char *key, const char *problem,
		   Problems *problems)
{
	problem_error(problems, problem_path_member(path, key), "bad_attachment",
				  NULL, "%s %s", key, problem);
}

static void
check_literals(const Template *t, const char *path, Problems *problems)
{
	char	   *filename = literal(template_member(t, "filename"));
	char	   *type = literal(template_member(t, "content_type"));
	char	   *base64 = literal(template_member(t, "base64"));
	const char *problem;
	size_t		len;

	problem = filename != NULL
		? mime_filename_problem(to_utf8(filename)) : NULL;
	if (problem != NULL)
		bad_member(path, "filename", problem, problems);
	problem = type != NULL ? mime_content_type_problem(type) : NULL;
	if (problem != NULL)
		bad_member(path, "content_type", problem, problems);
	if (base64 != NULL && mime_decode_base64(base64, &len) == NULL)
		bad_member(path, "base64", "is not valid base64", problems);
}

static void
check_attachment(const Template *t, const char *path, Problems *problems)
{
	static const char *const keys[] = {
		"filename", "content_type", "text", "base64"
	};
	int			n;
	const char **names;

	if (template_shape(t) == TEMPLATE_VALUE)
		return;
	if (template_shape(t) != TEMPLATE_OBJECT)
	{
		problem_error(problems, path, "bad_attachment", NULL,
					  "an attachment must be an object");
		return;
	}
	names = template_keys(t, &n);
	for (int i = 0; i < n; i++)
	{
		const char *at = problem_path_member(path, names[i]);
		bool		known = false;

		for (int k = 0; k < lengthof(keys); k++)
			known = known || strcmp(keys[k], names[i]) == 0;
		if (!known)
			problem_error(problems, at, "unknown_key",
						  known_words_hint(names[i], keys, lengthof(keys)),
						  "unknown key \"%s\"", names[i]);
		else if (is_container(template_member(t, names[i])))
			bad_member(path, names[i], "must be a text", problems);
	}
	if (is_absent(template_member(t, "filename")))
		problem_error(problems, path, "bad_attachment",
					  "Write it as in {\"filename\": \"order.csv\", \"text\": \"...\"}.",
					  "an attachment needs a filename");
	if ((is_absent(template_member(t, "text")) &&
		 is_absent(template_member(t, "base64"))) ||
		(literal(template_member(t, "text")) != NULL &&
		 literal(template_member(t, "base64")) != NULL))
		problem_error(problems, path, "bad_attachment", NULL,
					  "an attachment needs either \"text\" or \"base64\"");
	check_literals(t, path, problems);
}

void
plan_check_attachments(const Template *t, const char *path,
					   Problems *problems)
{
	const Template *const *elements;
	int			n;

	if (template_shape(t) != TEMPLATE_ARRAY)
		return;
	elements = template_elements(t, &n);
	for (int i = 0; i < n; i++)
		check_attachment(elements[i], problem_path_element(path, i),
						 problems);
}
