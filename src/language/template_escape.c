/*
 * template_escape.c
 *	  How a value in the blocks of a Slack message, or in an Adaptive Card, is
 *	  escaped: by the member that it stands in.
 *
 * Both are JSON in which some texts are read as markup, some as addresses and
 * the rest as they are.  Slack reads & < > in its text objects, of plain text
 * too (docs.slack.dev/messaging/formatting-message-text); Teams reads Markdown
 * in the text of a TextBlock and in titles and values of facts (its "Format
 * cards in Teams").
 *
 * Pure; runs wherever templates are rendered.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/template_node.h"

/* Does the type that the author gave to the object equal one of these? */
static bool
is_of_type(const Template *object, const char *a, const char *b)
{
	for (int i = 0; i < object->n; i++)
	{
		const Template *type = object->children[i];
		char	   *word;

		if (strcmp(object->keys[i], "type") != 0 ||
			type->shape != TEMPLATE_CONSTANT ||
			type->constant.type != jbvString)
			continue;
		word = json_cstring(&type->constant);
		return strcmp(word, a) == 0 || strcmp(word, b) == 0;
	}
	return false;
}

/* "url", "image_url", "iconUrl" */
static bool
is_url(const char *key)
{
	size_t		len = strlen(key);

	return len >= 3 && pg_strcasecmp(key + len - 3, "url") == 0;
}

/* The texts of rich text are taken as they are. */
static TemplateEscape
escape_in_block(const Template *block, const char *key)
{
	if (strcmp(key, "text") != 0 || is_of_type(block, "text", "link"))
		return ESCAPE_NONE;
	return is_of_type(block, "markdown", "markdown") ? ESCAPE_MARKDOWN
		: ESCAPE_SLACK;
}

static TemplateEscape
escape_in_card(const char *container, const Template *element,
			   const char *key)
{
	bool		is_fact = container != NULL && strcmp(container, "facts") == 0;

	if (strcmp(key, "text") == 0)
		return is_of_type(element, "TextRun", "TextRun") ? ESCAPE_NONE
			: ESCAPE_MARKDOWN;
	return is_fact && (strcmp(key, "title") == 0 || strcmp(key, "value") == 0)
		? ESCAPE_MARKDOWN : ESCAPE_NONE;
}

TemplateEscape
template_escape_at(TemplateEscape context, const char *container,
				   const Template *object, const char *key)
{
	if (is_url(key))
		return ESCAPE_URL;
	return context == ESCAPE_BLOCKS ? escape_in_block(object, key)
		: escape_in_card(container, object, key);
}
