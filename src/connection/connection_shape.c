/*
 * connection_shape.c
 *	  Connections without what is secret in them, for people who look at them.
 *
 * Runs in a backend that lists connections.  What it is given has secrets, and
 * what it returns has none: of credentials the names of members and whether
 * each is in a file.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/json_value.h"
#include "connection/connection_internal.h"
#include "connection/secret.h"
#include "transfer/url.h"

#define SHAPE_SET "set"

char *
connection_shown_url(const JsonbValue *url)
{
	char	   *origin = "";

	if (url != NULL && url->type == jbvString)
		origin = url_origin(json_cstring(url));
	return origin[0] == '\0' ? pstrdup(CONNECTION_MASK)
		: psprintf("%s/" CONNECTION_MASK, origin);
}

/*--- credentials ---*/

/* Is it the name of a file?  Anything else counts as a secret. */
static bool
is_file(const JsonbValue *value)
{
	return json_is_object(value) && secret_shape_valid(value);
}

/* A member of credentials that has members of its own. */
static bool
is_group(const char *key, const JsonbValue *value)
{
	return json_is_object(value) && !is_file(value) &&
		(strcmp(key, "headers") == 0 || strcmp(key, "basic") == 0 ||
		 strcmp(key, "channels") == 0);
}

static const char *
shape_of(const JsonbValue *value)
{
	return is_file(value)
		? psprintf("file:%s", json_member_string(value, "file")) : SHAPE_SET;
}

static Jsonb *
shape_of_members(const JsonbValue *object, bool groups)
{
	ObjectBuilder b;
	int			n;
	JsonMember *members = json_members(object, &n);

	object_begin(&b);
	for (int i = 0; i < n; i++)
	{
		const char *key = members[i].key;
		const JsonbValue *value = &members[i].value;

		if (value->type == jbvNull)
			continue;
		if (groups && is_group(key, value))
			object_json(&b, key, shape_of_members(value, false));
		else
			object_text(&b, key, shape_of(value));
	}
	return object_end(&b);
}

Jsonb *
connection_shape(Jsonb *credentials)
{
	JsonbValue	root;
	ObjectBuilder b;

	json_of_jsonb(credentials, &root);
	if (json_is_object(&root))
		return shape_of_members(&root, true);
	object_begin(&b);
	return object_end(&b);
}

/*--- config ---*/

static Jsonb *
shown_channels(const JsonbValue *channels)
{
	ObjectBuilder b;
	int			n;
	JsonMember *members = json_members(channels, &n);

	object_begin(&b);
	for (int i = 0; i < n; i++)
		object_text(&b, members[i].key,
					connection_shown_url(&members[i].value));
	return object_end(&b);
}

Jsonb *
connection_shown_config(const char *kind, Jsonb *config)
{
	JsonbValue	root;
	ObjectBuilder b;
	JsonMember *members;
	int			n;

	json_of_jsonb(config, &root);
	if (!json_is_object(&root) || (strcmp(kind, "slack_webhook") != 0 &&
								   strcmp(kind, "teams_webhook") != 0))
		return config;
	members = json_members(&root, &n);
	object_begin(&b);
	for (int i = 0; i < n; i++)
	{
		JsonMember *member = &members[i];

		if (strcmp(member->key, "channels") == 0 &&
			json_is_object(&member->value))
			object_json(&b, member->key, shown_channels(&member->value));
		else
			object_text(&b, member->key,
						connection_shown_url(&member->value));
	}
	return object_end(&b);
}
