/*
 * run_preview_row.c
 *	  A row of a preview as SQL has it: the columns of wf_preview.
 *
 * Runs in the process of a preview, which sends rows, and in the backend that
 * asks.  Pure.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "run/run_preview.h"
#include "store/step_result.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* As the install script declares them. */
static const struct
{
	const char *name;
	Oid			type;
}			columns[PREVIEW_COLUMNS] = {
	{"step", INT4OID}, {"step_name", TEXTOID}, {"action", TEXTOID},
	{"status", TEXTOID}, {"duration_ms", NUMERICOID}, {"input", JSONBOID},
	{"output", JSONBOID}, {"error", TEXTOID}, {"reason", TEXTOID},
	{"request", JSONBOID}, {"changes", JSONBOID}
};

TupleDesc
run_preview_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(PREVIEW_COLUMNS);

	for (int i = 0; i < PREVIEW_COLUMNS; i++)
		TupleDescInitEntry(desc, i + 1, columns[i].name, columns[i].type, -1,
						   0);
	return desc;
}

static void
set_text(Datum *value, bool *isnull, const char *text)
{
	*isnull = text == NULL;
	*value = text !=NULL ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
set_json(Datum *value, bool *isnull, Jsonb *json)
{
	*isnull = json == NULL;
	*value = json != NULL ? JsonbPGetDatum(json) : (Datum) 0;
}

/* An error as a run would keep it. */
static char *
clipped(const char *text)
{
	return text == NULL ? NULL : clip_text(text, STEP_RESULT_MAX_ERROR);
}

void
run_preview_values(const PreviewRow *row, Datum *values, bool *isnull)
{
	values[0] = StepPositionGetDatum(row->step);
	isnull[0] = false;
	set_text(&values[1], &isnull[1], row->step_name);
	set_text(&values[2], &isnull[2], row->action);
	set_text(&values[3], &isnull[3], row->status);
	isnull[4] = row->duration_us < 0;
	values[4] = isnull[4] ? (Datum) 0
		: NumericGetDatum(int64_div_fast_to_numeric(row->duration_us, 3));
	set_json(&values[5], &isnull[5], step_result_cap(row->input));
	set_json(&values[6], &isnull[6], step_result_cap(row->output));
	set_text(&values[7], &isnull[7], clipped(row->error));
	set_text(&values[8], &isnull[8], clipped(row->reason));
	set_json(&values[9], &isnull[9], row->request);
	set_json(&values[10], &isnull[10], row->changes);
}

/*--- rows that are the same whatever the step does ---*/

char *
run_preview_time_text(const Preview *preview)
{
	return psprintf("the preview has taken its max_time of " INT64_FORMAT " ms",
					preview->max_time_ms);
}

PreviewRow
run_preview_row(const Preview *preview, StepPosition position)
{
	const PlanStep *step = plan_step_at(preview->plan, position);
	PreviewRow	row = {
		.step = position,
		.step_name = step->name,
		.action = plan_action(step)->name,
		.status = "pending",
		.duration_us = -1
	};

	return row;
}

PreviewRow
run_preview_too_late(const Preview *preview, StepPosition position)
{
	PreviewRow	row = run_preview_row(preview, position);

	row.reason = run_preview_time_text(preview);
	return row;
}
