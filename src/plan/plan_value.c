/*
 * plan_value.c
 *	  The formats of parameters, and literals that have one: URLs, addresses.
 *
 * A value that comes from a template is known only when the step runs; what
 * stands in the definition can be judged when it is written.  Only what is
 * certain to fail is refused here: the action itself knows more.
 *
 * Part of the plan's compiler: see plan.c.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "plan/plan_internal.h"
#include "transfer/url.h"

/*
 * What a parameter is, so that a form can help to fill it in.  "connection:"
 * and the kinds of connections, separated by "|", is one too.
 */
static const char *const formats[] = {
	"template", "multiline", "html", "email", "phone", "url", "table",
	"columns", "mail_template", "mail_headers", "attachments", "secret"
};

#define CONNECTION_FORMAT "connection:"

bool
plan_is_format(const char *word, char **hint)
{
	int			prefix = strlen(CONNECTION_FORMAT);

	if (strncmp(word, CONNECTION_FORMAT, prefix) == 0 && word[prefix] != '\0')
		return true;
	for (int i = 0; i < lengthof(formats); i++)
	{
		if (strcmp(formats[i], word) == 0)
			return true;
	}
	*hint = known_words_hint(word, formats, lengthof(formats));
	return false;
}

/* The message does not quote it: there may be a password in it. */
static void
check_url(const char *text, const char *path, Problems *problems)
{
	const char *problem = url_problem(text, "http", false);

	if (problem == NULL)
		return;
	if (strstr(text, "://") != NULL)
		problem_error(problems, path, "bad_url",
					  strchr(text, '@') == NULL ? NULL :
					  "Credentials belong in a connection.",
					  "the URL %s", problem);
	else if (text[0] == '/')
		problem_error(problems, path, "bad_url",
					  "Write it with its host, as in "
					  "\"https://example.com/orders\", or give \"path\" and "
					  "\"connection\".", "the URL %s", problem);
	else
		problem_error(problems, path, "bad_url",
					  "Write it with its scheme, as in "
					  "\"https://example.com/orders\".",
					  "the URL %s", problem);
}

/* Has it an "@" with something at both sides? */
static bool
may_be_address(const char *text, int len)
{
	const char *at = memchr(text, '@', len);

	return at != NULL && at > text &&at < text +len - 1;
}

/* Addresses, with or without names, separated by "," or ";". */
static void
check_addresses(const char *text, const char *path, Problems *problems)
{
	const char *start = text;
	bool		in_quotes = false;

	for (const char *c = text;; c++)
	{
		if (*c == '\\' && in_quotes && c[1] != '\0')
		{
			c++;
			continue;
		}
		if (*c == '"')
			in_quotes = !in_quotes;
		if (*c != '\0' && (in_quotes || (*c != ',' && *c != ';')))
			continue;
		while (start < c && strchr(" \t\r\n", *start) != NULL)
			start++;
		if (start < c && !may_be_address(start, c - start))
		{
			problem_error(problems, path, "bad_address",
						  "Write it as in \"ops@example.com\" or "
						  "\"Ops <ops@example.com>\".",
						  "\"%.*s\" is not a mail address", (int) (c - start),
						  start);
			return;
		}
		if (*c == '\0')
			return;
		start = c + 1;
	}
}

static void
check_text(const char *format, const char *text, const char *path,
		   Problems *problems)
{
	if (strcmp(format, "url") == 0)
		check_url(text, path, problems);
	else if (strcmp(format, "email") == 0)
		check_addresses(text, path, problems);
}

bool
plan_is_broken(const char *path, const Problems *problems)
{
	ListCell   *lc;

	foreach(lc, problems->items)
	{
		const Problem *problem = lfirst(lc);

		if (problem->is_error &&
			strncmp(problem->path, path, strlen(path)) == 0)
			return true;
	}
	return false;
}

void
plan_check_value(const char *format, const Template *t, const char *path,
				 Problems *problems)
{
	int			n;

	if (format == NULL || plan_is_broken(path, problems))
		return;					/* a broken template is no literal */
	if (strcmp(format, "mail_headers") == 0)
		plan_check_mail_headers(t, path, problems);
	else if (strcmp(format, "attachments") == 0)
		plan_check_attachments(t, path, problems);
	else if (template_shape(t) == TEMPLATE_ARRAY)
	{
		const Template *const *elements = template_elements(t, &n);

		for (int i = 0; i < n; i++)
			plan_check_value(format, elements[i],
							 problem_path_element(path, i), problems);
	}
	else if (template_shape(t) == TEMPLATE_CONSTANT &&
			 template_constant(t)->type == jbvString)
		check_text(format, json_cstring(template_constant(t)), path,
				   problems);
}
