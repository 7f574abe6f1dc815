/*
 * plan_diagram.c
 *	  A definition as a flowchart, in the language of Mermaid.
 *
 *	  flowchart TD
 *		start(["new_order"])
 *		s0["confirm<br/>update_record"]
 *		c1{"trigger.total gt 1000"}
 *		s1["tell<br/>team_notify"]
 *		done(["end"])
 *		start --> s0
 *		s0 --> c1
 *		c1 -->|yes| s1
 *		c1 -->|no| done
 *		s1 --> done
 *
 * A step s<n> is a box; its condition c<n> stands before it.  Mermaid would
 * read much of what may stand in a name or a condition as its own language or
 * as HTML, so all that is not plain is written as a character reference.
 *
 * Pure: values in, values out.  It reads the JSON and not the plan, so that a
 * definition can be drawn while somebody still writes it.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "plan/plan_diagram.h"

/* Characters of a text that are shown. */
#define MAX_NAME 60
#define MAX_CONDITION 80

/* What is drawn. */
typedef struct Diagram
{
	StringInfoData out;
	JsonMember *steps;
	int			nsteps;
	const DiagramMark *marks;	/* or NULL */
	int			nmarks;
} Diagram;

/*--- texts ---*/

/* May the byte stand in a quoted text as it is? */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || IS_HIGHBIT_SET(c) ||
		(c != '\0' && strchr(" _-.,:/", c) != NULL);
}

/* Appends at most max characters of a text, escaped. */
static void
append_text(StringInfo out, const char *text, int max)
{
	int			n = 0;

	for (const char *p = text; *p != '\0'; p += pg_mblen(p), n++)
	{
		if (n == max)
		{
			appendStringInfoString(out, "...");
			return;
		}
		if (is_plain(*p))
			appendBinaryStringInfo(out, p, pg_mblen(p));
		else if ((unsigned char) *p < ' ' || *p == 0x7f)
			appendStringInfoChar(out, ' ');
		else
			appendStringInfo(out, "#%d;", *p);
	}
}

/*--- conditions, in words ---*/

static void describe(StringInfo out, const JsonbValue *condition);

/* The members of an array, with a word between them. */
static void
describe_list(StringInfo out, const JsonbValue *list, const char *word)
{
	int			n;
	JsonMember *items = json_members(list, &n);

	appendStringInfoChar(out, '(');
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfo(out, " %s ", word);
		describe(out, &items[i].value);
	}
	appendStringInfoChar(out, ')');
}

/* {"field", "op", "value"} */
static void
describe_test(StringInfo out, const JsonbValue *test)
{
	JsonbValue *value = json_member(test, "value");
	char	   *op = json_member_string(test, "op");
	char	   *other = json_member_string(test, "value_field");

	appendStringInfo(out, "%s %s", json_member_string(test, "field"),
					 op ? op : "?");
	if (other != NULL)
		appendStringInfo(out, " %s", other);
	else if (value != NULL)
	{
		appendStringInfoChar(out, ' ');
		json_append(out, value);
	}
}

/*
 * Appends what a condition says: a jsonpath as it is, an object as "field op
 * value", anything else as its JSON.
 */
static void
describe(StringInfo out, const JsonbValue *condition)
{
	JsonbValue *part;

	check_stack_depth();
	if (!json_is_object(condition))
		json_append_text(out, condition);
	else if (json_member_string(condition, "field") != NULL)
		describe_test(out, condition);
	else if ((part = json_member(condition, "all")) != NULL &&
			 json_is_array(part))
		describe_list(out, part, "and");
	else if ((part = json_member(condition, "any")) != NULL &&
			 json_is_array(part))
		describe_list(out, part, "or");
	else if ((part = json_member(condition, "not")) != NULL)
	{
		appendStringInfoString(out, "not ");
		describe(out, part);
	}
	else
		json_append(out, condition);
}

/*--- nodes and edges ---*/

static JsonbValue *
condition_of(const Diagram *diagram, int step)
{
	JsonbValue *value = &diagram->steps[step].value;

	return json_is_object(value) ? json_member(value, "condition") : NULL;
}

static const DiagramMark *
mark_of(const Diagram *diagram, int step)
{
	return diagram->marks != NULL && step < diagram->nmarks
		? &diagram->marks[step] : NULL;
}

static void
draw_condition(Diagram *diagram, int step)
{
	JsonbValue *condition = condition_of(diagram, step);
	StringInfoData text;

	if (condition == NULL)
		return;
	initStringInfo(&text);
	describe(&text, condition);
	appendStringInfo(&diagram->out, "    c%d{\"", step);
	append_text(&diagram->out, text.data, MAX_CONDITION);
	appendStringInfoString(&diagram->out, "\"}\n");
}

/* A line of a box, if there is something to say. */
static void
append_line(StringInfo out, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	appendStringInfoString(out, "<br/>");
	append_text(out, text, MAX_NAME);
}

static void
draw_step(Diagram *diagram, int step)
{
	const JsonbValue *value = &diagram->steps[step].value;
	char	   *name = json_member_string(value, "name");
	const DiagramMark *mark = mark_of(diagram, step);

	draw_condition(diagram, step);
	appendStringInfo(&diagram->out, "    s%d[\"", step);
	append_text(&diagram->out, name ? name : psprintf("step %d", step),
				MAX_NAME);
	append_line(&diagram->out, json_member_string(value, "action"));
	if (mark != NULL)
	{
		append_line(&diagram->out, mark->status);
		append_line(&diagram->out, mark->note);
	}
	appendStringInfoString(&diagram->out, "\"]\n");
}

/* The node that comes before a step, or the end after the last one. */
static const char *
entry(const Diagram *diagram, int step)
{
	if (step >= diagram->nsteps)
		return "done";
	return psprintf("%c%d", condition_of(diagram, step) ? 'c' : 's', step);
}

static void
draw_edges(Diagram *diagram, int step)
{
	char	   *on_error = json_member_string(&diagram->steps[step].value,
											  "on_error");
	const char *next = entry(diagram, step + 1);

	if (condition_of(diagram, step) != NULL)
		appendStringInfo(&diagram->out,
						 "    c%d -->|yes| s%d\n    c%d -->|no| %s\n",
						 step, step, step, next);
	appendStringInfo(&diagram->out, "    s%d -->%s %s\n", step,
					 on_error != NULL && strcmp(on_error, "continue") == 0
					 ? "|also if it fails|" : "", next);
}

/*--- colours ---*/

/* The states of steps and runs; the words in the boxes say the same. */
static const struct
{
	const char *status;
	const char *style;
}			styles[] = {
	{"completed", "fill:#d1e7dd,stroke:#0f5132,color:#0f5132"},
	{"failed", "fill:#f8d7da,stroke:#842029,color:#842029"},
	{"skipped", "fill:#e2e3e5,stroke:#41464b,color:#41464b,stroke-dasharray:4"},
	{"running", "fill:#cff4fc,stroke:#055160,color:#055160"},
	{"waiting", "fill:#fff3cd,stroke:#664d03,color:#664d03"},
	{"pending", "fill:#ffffff,stroke:#6c757d,color:#6c757d"},
	{"cancelled", "fill:#e2e3e5,stroke:#41464b,color:#41464b"},
};

/* Gives a node the colour of its status, if it has one. */
static void
colour(Diagram *diagram, const char *node, const char *status)
{
	for (int i = 0; status != NULL && i < lengthof(styles); i++)
		if (strcmp(styles[i].status, status) == 0)
			appendStringInfo(&diagram->out, "    class %s %s\n", node, status);
}

static void
colour_all(Diagram *diagram, const char *status)
{
	for (int i = 0; i < lengthof(styles); i++)
		appendStringInfo(&diagram->out, "    classDef %s %s\n",
						 styles[i].status, styles[i].style);
	for (int i = 0; i < diagram->nsteps; i++)
	{
		const DiagramMark *mark = mark_of(diagram, i);

		colour(diagram, psprintf("s%d", i), mark ? mark->status : NULL);
	}
	colour(diagram, "done", status);
}

/*--- the whole ---*/

/* Raises 22023 unless there are steps. */
static JsonbValue *
steps_of(const JsonbValue *definition)
{
	JsonbValue *steps = json_is_object(definition)
		? json_member(definition, "steps") : NULL;

	if (steps == NULL || !json_is_array(steps))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the definition must be an object with an array \"steps\""),
				 errhint("wf_validate tells everything that is wrong with a definition.")));
	return steps;
}

char *
plan_diagram(Jsonb *definition, const char *status, const DiagramMark *marks,
			 int nmarks)
{
	JsonbValue	root;
	Diagram		diagram = {.marks = marks,.nmarks = nmarks};
	char	   *event;

	json_of_jsonb(definition, &root);
	diagram.steps = json_members(steps_of(&root), &diagram.nsteps);
	event = json_member_string(&root, "trigger_type");
	initStringInfo(&diagram.out);
	appendStringInfoString(&diagram.out, "flowchart TD\n    start([\"");
	append_text(&diagram.out, event ? event : "schedule", MAX_NAME);
	appendStringInfoString(&diagram.out, "\"])\n");
	for (int i = 0; i < diagram.nsteps; i++)
	{
		CHECK_FOR_INTERRUPTS();
		draw_step(&diagram, i);
	}
	appendStringInfo(&diagram.out, "    done([\"%s\"])\n    start --> %s\n",
					 status ? status : "end", entry(&diagram, 0));
	for (int i = 0; i < diagram.nsteps; i++)
		draw_edges(&diagram, i);
	if (marks != NULL)
		colour_all(&diagram, status);
	return diagram.out.data;
}
