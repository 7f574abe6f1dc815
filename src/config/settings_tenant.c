/*
 * settings_tenant.c
 *	  workflow_engine.tenant_id: the tenant that this session is bound to.
 *
 * Runs in every process that loads the library.  Owns the session's binding,
 * which is parsed once, when it is set, because row security asks for every
 * row.
 *
 * A session that began bound (by ALTER ROLE or ALTER DATABASE ... SET, or by
 * its startup options) stays bound: RESET and DISCARD ALL restore that
 * binding, and only a superuser can remove it with ''.  Whether a session
 * began bound is told by the setting's reset value, but for two cases:
 *
 * - Startup options are processed before ALTER ROLE ... SET and win over it.
 *	 There '' is always refused.
 * - A parallel worker gets its leader's value, but not the reset value.  There
 *	 '' is refused unless the session is not bound at that moment.
 *
 * Before the library is loaded, the setting is a placeholder, which anybody
 * may set to anything.  PostgreSQL checks privileges and value anew when the
 * library defines the setting, and drops what it refuses.  If it drops the
 * value that the session began with, the session would be without a binding
 * that ALTER ROLE may have asked for; so it is bound to no tenant then.
 */
#include "postgres.h"
#include "compat.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "config/settings_tenant.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#define TENANT_ID "workflow_engine.tenant_id"

/* What the setting says, parsed: the extra of its value. */
typedef struct Tenant
{
	TenantBinding binding;
	pg_uuid_t	id;
} Tenant;

static char *tenant_text;		/* what SHOW prints */
static Tenant tenant;			/* the same, parsed: the session's binding */
static bool defining = false;	/* the setting is being defined */

/*--- reading ---*/

/* The value of a hexadecimal digit, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
settings_parse_uuid(const char *text, pg_uuid_t *id)
{
	bool		braces = (*text == '{');
	int			i;

	if (braces)
		text++;

	for (i = 0; i < UUID_LEN; i++)
	{
		int			high = hex_digit(text[0]);
		int			low = (high < 0) ? -1 : hex_digit(text[1]);

		if (low < 0)
			return false;
		id->data[i] = (unsigned char) (high << 4 | low);
		text += 2;

		if (*text == '-' && i % 2 == 1 && i < UUID_LEN - 1)
			text++;
	}
	if (braces && *text++ != '}')
		return false;
	return *text == '\0';
}

/* Parses a value of the setting.  False if the text is none. */
static bool
parse_tenant(const char *text, Tenant *parsed)
{
	memset(parsed, 0, sizeof(Tenant));
	if (*text == '\0')
		parsed->binding = TENANT_UNBOUND;
	else if (strcmp(text, "none") == 0)
		parsed->binding = TENANT_NONE;
	else if (settings_parse_uuid(text, &parsed->id))
		parsed->binding = TENANT_BOUND;
	else
		return false;
	return true;
}

/*--- which role may remove a binding ---*/

/*
 * Is the value set by a superuser?  While the library is being loaded, the
 * value was set earlier, perhaps by another current user than the present one
 * (a function of a superuser may load the library): so the session's user
 * counts.  Outside of a transaction the catalog cannot be read, and nobody
 * counts as a superuser.
 */
static bool
by_superuser(void)
{
	if (!IsTransactionState())
		return false;
	return defining ? superuser_arg(GetSessionUserId()) : superuser();
}

/* Did the session begin without a binding? */
static bool
began_unbound(void)
{
	if (IsParallelWorker())
		return tenant.binding == TENANT_UNBOUND;
	return *GetConfigOptionResetString(TENANT_ID) == '\0';
}

/*
 * May '' be set from that source?  It may by configuration files, ALTER
 * DATABASE and ALTER ROLE ... SET, which say what sessions begin with, and by
 * the engine's workers (PGC_S_OVERRIDE).
 */
static bool
may_unbind(GucSource source)
{
	if (source < PGC_S_CLIENT || source == PGC_S_OVERRIDE ||
		InitializingParallelWorker)
		return true;
	if (source != PGC_S_CLIENT && began_unbound())
		return true;
	return by_superuser();
}

/*--- hooks of the setting ---*/

/*
 * Binds a session that begins with an invalid value to no tenant.  ALTER ROLE
 * ... SET does not check the value in a session without the library.  Here
 * PostgreSQL would only warn and ignore the value, and the session would see
 * the rows of all tenants.
 */
static bool
bind_to_none(char **value, Tenant *parsed)
{
	char	   *none = guc_strdup(LOG, "none");

	if (none == NULL)
		return false;
	ereport(WARNING,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\": \"%s\"", TENANT_ID,
					*value),
			 errdetail("It must be a uuid, \"none\" or empty. The session is bound to no tenant.")));
	guc_free(*value);
	*value = none;
	parsed->binding = TENANT_NONE;
	return true;
}

static bool
check_tenant_id(char **value, void **extra, GucSource source)
{
	Tenant		parsed;

	if (!parse_tenant(*value, &parsed))
	{
		if (source < PGC_S_GLOBAL || source > PGC_S_DATABASE_USER)
		{
			GUC_check_errdetail("It must be a uuid, \"none\" or empty.");
			return false;
		}
		if (!bind_to_none(value, &parsed))
			return false;
	}
	if (parsed.binding == TENANT_UNBOUND && !may_unbind(source))
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("permission denied to unbind the session from its tenant");
		GUC_check_errdetail("Only a superuser may set \"%s\" to the empty value here.",
							TENANT_ID);
		GUC_check_errhint("RESET goes back to what the session began with.");
		return false;
	}

	*extra = guc_malloc(LOG, sizeof(Tenant));
	if (*extra == NULL)
		return false;
	memcpy(*extra, &parsed, sizeof(Tenant));
	return true;
}

static void
assign_tenant_id(const char *value, void *extra)
{
	tenant = *(Tenant *) extra;
}

/*--- asking for the binding ---*/

TenantBinding
settings_tenant(pg_uuid_t *tenant_id)
{
	if (tenant.binding == TENANT_BOUND)
		*tenant_id = tenant.id;
	return tenant.binding;
}

bool
settings_tenant_visible(const pg_uuid_t *tenant_id)
{
	if (tenant.binding == TENANT_UNBOUND)
		return true;
	return tenant.binding == TENANT_BOUND &&
		memcmp(&tenant.id, tenant_id, sizeof(pg_uuid_t)) == 0;
}

/*--- definition ---*/

/* Has the session begun with a value of the setting? */
static bool
was_given(void)
{
	int			n = 0;
	struct config_generic **settings = compat_all_settings(&n);

	for (int i = 0; i < n; i++)
		if (strcmp(settings[i]->name, TENANT_ID) == 0)
			return settings[i]->reset_source != PGC_S_DEFAULT;
	return false;
}

void
settings_define_tenant(void)
{
	bool		given = was_given();

	defining = true;
	DefineCustomStringVariable(TENANT_ID,
							   "Tenant that this session is bound to.",
							   "A uuid: only that tenant's rows exist for the "
							   "session; \"none\": no rows at all; empty: not "
							   "bound. Superusers and roles granted SET on it "
							   "can change it, for a session, a role or a "
							   "database. RESET goes back to what the session "
							   "began with; if that is a binding, only a "
							   "superuser can set it to empty.",
							   &tenant_text, "", PGC_SUSET, 0,
							   check_tenant_id, assign_tenant_id, NULL);
	defining = false;
	if (given && !was_given())
		SetConfigOption(TENANT_ID, "none", PGC_SUSET, PGC_S_OVERRIDE);
}
