/*
 * template_version.c
 *	  Mail templates: the check of what is written, and every version of them.
 *
 * Runs in the backend that writes a row of workflow_templates, as triggers of
 * that table.  workflow_template_versions belongs to the engine: its rows are
 * written as its owner, they never change, and they go with their template.
 *
 * In a restore nothing is counted and no version saved: both tables come with
 * the dump, in any order.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/mail_part.h"
#include "api/trigger_row.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/operation.h"
#include "store/store_schema.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* Columns of workflow_templates, in the order of the install script. */
enum
{
	TEMPLATE_ID = 1,
	TEMPLATE_TENANT_ID,
	TEMPLATE_NAME,
	TEMPLATE_SUBJECT,
	TEMPLATE_BODY,
	TEMPLATE_HTML,
	TEMPLATE_VERSION
};

/* Columns whose change makes a new version. */
static const int versioned[] = {TEMPLATE_NAME, TEMPLATE_SUBJECT,
TEMPLATE_BODY, TEMPLATE_HTML};

/*--- before a row is written ---*/

static bool
is_changed(const TriggerRow *row)
{
	for (int i = 0; i < lengthof(versioned); i++)
		if (row_changed(row, versioned[i]))
			return true;
	return false;
}

/* Raises 428C9 if the UPDATE sets version, 0A000 if it changes the id. */
static void
count_version(TriggerRow *row)
{
	bool		isnull;
	Datum		version = row_get_old(row, TEMPLATE_VERSION, &isnull);

	if (row_changed(row, TEMPLATE_VERSION))
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"version\" cannot be updated"),
				 errdetail("The engine counts it.")));
	if (row_changed(row, TEMPLATE_ID))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"id\" of a mail template cannot be updated"),
				 errhint("Insert a new mail template.")));
	if (is_changed(row))
		row_set(row, TEMPLATE_VERSION,
				Int32GetDatum(DatumGetInt32(version) + 1));
}

PG_FUNCTION_INFO_V1(wf_template_check);

/*
 * BEFORE INSERT OR UPDATE of workflow_templates, for each row.  Raises 22023
 * with what is wrong in any of the three texts, or warns; and what
 * count_version raises.
 */
Datum
wf_template_check(PG_FUNCTION_ARGS)
{
	/* the columns of MailPart, in its order */
	static const int columns[MAIL_NPARTS] = {TEMPLATE_SUBJECT, TEMPLATE_BODY,
	TEMPLATE_HTML};
	TriggerRow	row;
	Problems	problems = {0};

	row_begin(&row, fcinfo, "workflow_templates");
	for (int i = 0; i < MAIL_NPARTS; i++)
	{
		char	   *text = row_text(&row, columns[i]);

		if (text != NULL)
			(void) mail_part_compile((MailPart) i, text, NULL, &problems);
	}
	problems_raise(&problems, "the mail template is not valid");
	if (row.is_update)
		count_version(&row);
	return row_end(&row);
}

/*--- after a row was written ---*/

/* Executes the statement as the owner of our tables, with the row's values. */
static void
execute_as_owner(const TriggerRow *row, const char *sql)
{
	Oid			types[7] = {UUIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID,
	TEXTOID, NAMEOID};
	static const int columns[] = {TEMPLATE_ID, TEMPLATE_VERSION,
	TEMPLATE_NAME, TEMPLATE_SUBJECT, TEMPLATE_BODY, TEMPLATE_HTML};
	Datum		values[7];
	char		nulls[] = "       ";
	NameData	writer;
	Oid			save_user;
	int			save_context;
	int			level;

	for (int i = 0; i < lengthof(columns); i++)
	{
		bool		isnull;

		values[i] = row_get(row, columns[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	namestrcpy(&writer, GetUserNameFromId(GetUserId(), false));
	values[6] = NameGetDatum(&writer);

	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	SPI_execute_with_args(store_sql(sql), lengthof(types), types, values,
						  nulls, false, 0);
	SPI_finish();
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
}

PG_FUNCTION_INFO_V1(wf_template_saved);

/*
 * AFTER INSERT, UPDATE OR DELETE of workflow_templates, for each row: saves
 * the version, or removes all of a template that was deleted.
 */
Datum
wf_template_saved(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	bool		deleted;

	row_begin(&row, fcinfo, "workflow_templates");
	deleted =
		TRIGGER_FIRED_BY_DELETE(((TriggerData *) fcinfo->context)->tg_event);
	if (deleted)
		execute_as_owner(&row, "DELETE FROM %t.workflow_template_versions"
						 " WHERE template_id = $1");
	else if (!row_is_restored(&row) &&
			 (!row.is_update || row_changed(&row, TEMPLATE_VERSION)))
		execute_as_owner(&row, "INSERT INTO %t.workflow_template_versions"
						 " (template_id, version, name, subject, body, html,"
						 "  created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)");
	return PointerGetDatum(NULL);
}

/*--- the versions ---*/

PG_FUNCTION_INFO_V1(wf_template_version_check);

/*
 * BEFORE INSERT OR UPDATE of workflow_template_versions, for each row.  Raises
 * 42501 unless the current user owns the table, as the engine does, and 55000
 * if a version would be changed.
 */
Datum
wf_template_version_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;

	row_begin(&row, fcinfo, "workflow_template_versions");
	if (!compat_table_ownercheck(RelationGetRelid(row.rel), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"workflow_template_versions\""),
				 errhint("Insert or update a row of workflow_templates: it saves a new version.")));
	if (row.is_update)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a saved version of a mail template cannot be changed"),
				 errhint("Update workflow_templates: it saves a new version.")));
	return row_end(&row);
}
