/*
 * mime_field.c
 *	  The names of headers that the author of a mail may give it.
 *
 * Pure.  Any process.  What says who has sent a mail, who gets it, how it got
 * there and how it is to be read is written by the engine or by mail servers.
 * If an author could write it too, a mail would have it twice, and servers and
 * readers would disagree about which one counts.
 */
#include "postgres.h"
#include "compat.h"

#include "base/mime.h"

#define MAX_NAME_BYTES 200

/* Those whose names begin so. */
static const char *const reserved_prefixes[] = {
	"Content-", "Resent-", "ARC-"
};

static const char *const reserved[] = {
	/* that the engine writes */
	"From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date", "Message-ID",
	"MIME-Version", "Idempotency-Key", "Auto-Submitted",
	/* that address a mail */
	"Sender", "Apparently-To", "Delivered-To", "Envelope-To",
	/* that mail servers write */
	"Return-Path", "Received", "Received-SPF", "DKIM-Signature",
	"DomainKey-Signature", "Authentication-Results"
};

bool
mime_field_name_valid(const char *name)
{
	const char *p = name;

	if (name == NULL || name[0] == '\0' || strlen(name) > MAX_NAME_BYTES)
		return false;
	while (*p > ' ' && *p < 0x7f && *p != ':')
		p++;
	return *p == '\0';
}

static bool
is_reserved(const char *name)
{
	for (int i = 0; i < lengthof(reserved); i++)
	{
		if (pg_strcasecmp(name, reserved[i]) == 0)
			return true;
	}
	for (int i = 0; i < lengthof(reserved_prefixes); i++)
	{
		if (pg_strncasecmp(name, reserved_prefixes[i],
						   strlen(reserved_prefixes[i])) == 0)
			return true;
	}
	return false;
}

const char *
mime_field_problem(const char *name)
{
	if (!mime_field_name_valid(name))
		return "has a malformed name";
	if (is_reserved(name))
		return "cannot be set by a step";
	return NULL;
}
