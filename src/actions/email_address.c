/*
 * email_address.c
 *	  The parameters of send_email that hold mail addresses.
 *
 * Runs in a worker.  A parameter is a text or an array of texts, each of which
 * may be a list.  What is empty in it counts for nothing: a template whose
 * value may be absent leaves such a place.
 */
#include "postgres.h"
#include "compat.h"

#include "action/outcome.h"
#include "actions/email_address.h"
#include "base/json_value.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Adds the addresses of one text; raises 22023 about the parameter. */
static void
add_addresses(const char *param, const char *text, List **addresses)
{
	char	   *wrong = mime_parse_addresses(to_utf8(text), addresses);

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" %s", param,
						pg_any_to_server(wrong, strlen(wrong), PG_UTF8))));
}

/* Adds the addresses of a text, or of an array of texts and such arrays. */
static void
add_value(const char *param, const JsonbValue *value, List **addresses)
{
	JsonMember *each;
	int			n;

	check_stack_depth();
	if (value->type == jbvNull)
		return;
	if (value->type == jbvString)
	{
		add_addresses(param, json_cstring(value), addresses);
		return;
	}
	if (!json_is_array(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must hold texts, not %s", param,
						json_a_type(value))));
	each = json_members(value, &n);
	for (int i = 0; i < n; i++)
		add_value(param, &each[i].value, addresses);
}

/* The addresses of a parameter; what is empty in it counts for nothing. */
List *
email_addresses(const Call *call, const char *param)
{
	Jsonb	   *json = param_json(call, param);
	List	   *addresses = NIL;
	JsonbValue	value;

	if (json != NULL)
	{
		json_of_jsonb(json, &value);
		add_value(param, &value, &addresses);
	}
	return addresses;
}

/* The sender: the step's, else the connection's. */
MailAddress *
email_sender(const Call *call)
{
	char	   *text = param_text(call, "from");
	List	   *addresses = NIL;

	if (text == NULL)
		text = connection_config(call->connection, "from");

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("neither the step nor connection \"%s\" has a \"from\"",
						connection_name(call->connection))));
	add_addresses("from", text, &addresses);
	if (list_length(addresses) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"from\" must be one mail address")));
	return linitial(addresses);
}
