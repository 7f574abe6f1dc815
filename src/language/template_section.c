/*
 * template_section.c
 *	  Renders texts: literal text, values, and the sections of mail templates.
 *
 * Values are escaped, and what the author of the text wrote is not.  In a URL,
 * the value of a {{...}} at the beginning of the text is not escaped, so that
 * a whole address can come from data; nor is one whose last filter is
 * urlencode, so that nothing is encoded twice.
 *
 * A section is rendered for each element of an array.  Any other value is
 * rendered once, as the item itself; and if there is none (it is missing, null
 * or false, or an empty array or text), only an inverted section is.  Values
 * in a section are escaped as everywhere in the text.
 *
 * Lists may be long and sections nested, so a small text could render for
 * ever: what is rendered is limited by workflow_engine.max_payload, the number
 * of elements by SECTION_MAX_ROUNDS.
 *
 * Runs in any process that renders a template, in the current memory context.
 * What one element needs is freed before the next.  Owns nothing beyond a
 * call.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "config/settings.h"
#include "language/template_node.h"
#include "miscadmin.h"
#include "utils/memutils.h"

static void append_section(StringInfo buf, const Section *section,
						   Renderer *r);

void
template_account(Renderer *r, Size bytes)
{
	CHECK_FOR_INTERRUPTS();
	r->total += bytes;
	if (r->total > TEMPLATE_MAX_RENDERED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rendered template is larger than %d bytes",
						TEMPLATE_MAX_RENDERED)));
}

/*
 * Appends the text of a piece.  begins says whether it is the first of its
 * text, since an expression there is not escaped in a URL.
 */
static void
append_piece(StringInfo buf, const Piece *piece, bool begins,
			 Renderer *r)
{
	StringInfoData value;
	TemplateEscape escape = r->escape;
	int			before = buf->len;

	if (r->at != NULL && (piece->expression != NULL || piece->section != NULL))
		*r->at = piece->at;
	if (piece->section != NULL)
	{
		append_section(buf, piece->section, r);
		return;
	}
	if (piece->expression == NULL)
	{
		appendBinaryStringInfo(buf, piece->text, piece->len);
		template_account(r, piece->len);
		return;
	}
	initStringInfo(&value);
	json_append_text(&value, expression_evaluate(piece->expression,
												 r->scope));
	/* a text may begin with a whole URL, or with several parts of a path */
	if (escape == ESCAPE_PATH && !begins)
		escape = ESCAPE_URL;
	else if (escape == ESCAPE_URL && begins)
		escape = ESCAPE_NONE;
	if ((escape == ESCAPE_URL || escape == ESCAPE_PATH) &&
		expression_is_url_encoded(piece->expression))
		escape = ESCAPE_NONE;
	template_account(r, value.len);
	escape_append(buf, value.data, value.len, escape);
	template_account(r, buf->len - before);
	pfree(value.data);
}

void
template_append_pieces(StringInfo buf, const Piece *pieces, int n,
					   Renderer *r)
{
	for (int i = 0; i < n; i++)
		append_piece(buf, &pieces[i], i == 0, r);
}

/*--- sections ---*/

static bool
is_none(const JsonbValue *value)
{
	if (value == NULL || value->type == jbvNull)
		return true;
	if (value->type == jbvBool)
		return !value->val.boolean;
	if (value->type == jbvString)
		return value->val.string.len == 0;
	return json_is_array(value) && json_count(value) == 0;
}

/* Raises 54000 if the text or the number of elements is too large. */
static void
check_limits(StringInfo buf, Renderer *r)
{
	if (buf->len > (Size) wf_max_payload * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rendered text with sections is too large"),
				 errdetail("\"workflow_engine.max_payload\" is %d kB.",
						   wf_max_payload)));
	if (++r->nrounds > SECTION_MAX_ROUNDS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sections are rendered for more than %d elements",
						SECTION_MAX_ROUNDS)));
}

/*
 * Appends the section once, for one item; NULL: for that of the section
 * around.
 */
static void
append_once(StringInfo buf, const Section *section, const ScopeItem *item,
			Renderer *r)
{
	const Scope *outer = r->scope;
	Scope		scope = *outer;

	CHECK_FOR_INTERRUPTS();
	if (item != NULL)
		scope.item = item;
	r->scope = &scope;
	template_append_pieces(buf, section->pieces, section->n, r);
	r->scope = outer;
	check_limits(buf, r);
}

static void
append_elements(StringInfo buf, const Section *section,
				const JsonbValue *list, ScopeItem *item, Renderer *r)
{
	JsonbIterator *it = JsonbIteratorInit(list->val.binary.data);
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext,
											   "element of a section",
											   ALLOCSET_SMALL_SIZES);
	JsonbIteratorToken token;
	JsonbValue *element = palloc(sizeof(JsonbValue));

	item->value = element;
	while ((token = JsonbIteratorNext(&it, element, true)) != WJB_DONE)
	{
		MemoryContext old;

		if (token != WJB_ELEM)
			continue;
		item->index++;
		old = MemoryContextSwitchTo(each);
		append_once(buf, section, item, r);
		MemoryContextSwitchTo(old);
		MemoryContextReset(each);
	}
	item->value = NULL;
	pfree(element);
	MemoryContextDelete(each);
}

static void
append_section(StringInfo buf, const Section *section, Renderer *r)
{
	JsonbValue *value = expression_evaluate_if_any(section->list, r->scope);
	ScopeItem	item = {
		.index = -1,
		.list = expression_path(section->list)->text,
		.outer = r->scope->item
	};
	JsonbValue	binary;

	/* a value that a filter made in memory becomes jsonb, as others are */
	if (value != NULL &&
		(value->type == jbvArray || value->type == jbvObject))
	{
		json_of_jsonb(JsonbValueToJsonb(value), &binary);
		value = &binary;
	}
	if (section->inverted)
	{
		if (is_none(value))
			append_once(buf, section, NULL, r);
	}
	else if (value != NULL && json_is_array(value))
		append_elements(buf, section, value, &item, r);
	else if (!is_none(value))
	{
		item.value = value;
		append_once(buf, section, &item, r);
	}
}
