/*
 * scope.h
 *	  What templates and conditions see of a run: six named values.
 */
#ifndef WF_SCOPE_H
#define WF_SCOPE_H

#include "postgres.h"
#include "base/problems.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#define PATH_MAX_PARTS 64
#define PATH_MAX_BYTES 2048

typedef enum ScopeRoot
{
	SCOPE_TRIGGER,				/* the payload */
	SCOPE_STEPS,				/* {"name": {"status", "output", "error"}} */
	SCOPE_RUN,					/* {"id", "queued_at", "attempt"} */
	SCOPE_WORKFLOW,				/* {"id", "name", "version"} */
	SCOPE_TENANT,				/* {"id"} */
	SCOPE_NOW					/* an ISO 8601 string */
} ScopeRoot;

#define SCOPE_NROOTS (SCOPE_NOW + 1)

typedef struct Scope
{
	Jsonb	   *root[SCOPE_NROOTS]; /* NULL: nobody looks at it */
} Scope;

/* One part of a path such as trigger.items[0].sku */
typedef struct PathPart
{
	char	   *name;			/* a member, or NULL where it is an index */
	int			index;			/* a 0-based element, from the end if < 0 */
} PathPart;

/* A compiled path; parts[0].name is always the name of a root. */
typedef struct ScopePath
{
	ScopeRoot	root;
	int			nparts;
	PathPart   *parts;
	char	   *text;			/* as written, for messages */
	int			number_at;		/* where in text a part stands that is all
								 * digits after a dot; 0: nowhere */
} ScopePath;

/*
 * What a compiler knows about names: the steps that have run before the one
 * compiled, so that a reference to a later or unknown step is an error.
 */
typedef struct ScopeNames
{
	const char *const *earlier_steps;	/* steps before this one */
	int			nearlier;
	const char *const *all_steps;	/* every step of the definition */
	int			nall;
} ScopeNames;

/*
 * Parses a path, text[0..len).  On an error, returns NULL after setting
 * *error to a palloc'd message, *error_offset to the byte where it was found
 * and *hint (may become NULL).  names may be NULL: steps are not checked.
 */
extern ScopePath *scope_path_parse(const char *text, int len,
								   const ScopeNames *names, char **error,
								   int *error_offset, char **hint);

/*
 * Warns of a path such as trigger.items.0.sku, which looks for a member "0"
 * and not for an element.
 */
extern void scope_path_warn(const ScopePath *scope_path, const char *path,
							Problems *problems);

/*
 * How many bytes does the name of a root take with which text begins, if a
 * path may go on or end after it?  0: it does not begin with one.
 */
extern int	scope_root_length(const char *text, int len);

/*
 * Is a text nothing but a path of the context with more than its root, with
 * "$." before it or not?  Then *length is the path's, and it is returned
 * (within text); else NULL.
 */
extern const char *scope_path_as_text(const char *text, int len,
									  const ScopeNames *names, int *length);

/*
 * Checks the names at the head of a path, parts[0] being the root's; a part
 * that is no member name is NULL.  Returns NULL where they are known, else a
 * palloc'd message with the number of the part and a hint (may become NULL).
 */
extern char *scope_check_parts(const char *const *parts, int nparts,
							   const ScopeNames *names, int *bad_part,
							   char **hint);

/*
 * A hint for a path of another language, without the "$.", "@." or "." that
 * it begins with: how it is written here.  Palloc'd.
 */
extern char *scope_foreign_hint(const char *rest, int len);

/*
 * Reads a text in single or double quotes from text[pos], which is the
 * opening quote, into buf.  A backslash takes the next character as it is,
 * but \n, \r and \t.  Returns the position behind, or -1 where unclosed.
 */
extern int	scope_read_quoted(const char *text, int len, int pos,
							  StringInfo buf);

/*
 * Looks a path up.  Returns NULL where it is missing and sets
 * *missing_part to the number of the first part that is (never 0).
 * The value points into the scope; a container is jbvBinary.
 */
extern JsonbValue *scope_lookup(const Scope *scope, const ScopePath *path,
								int *missing_part);

/*
 * Says why it is missing: 'trigger.phone is missing: trigger has no member
 * "phone"'; palloc'd.
 */
extern char *scope_missing(const Scope *scope, const ScopePath *path,
						   int missing_part);

/*
 * The same if the path leads into an output of which only the beginning is
 * kept, so that nobody knows whether it is missing; else NULL.
 */
extern char *scope_cut(const Scope *scope, const ScopePath *path,
					   int missing_part);

/* "trigger.items" for upto = 2: the text of a path's first parts. */
extern char *scope_path_prefix(const ScopePath *path, int upto);

/* The value of a root; JSON null where the scope has none. */
extern void scope_root(const Scope *scope, ScopeRoot root, JsonbValue *value);

/* The whole context as one object: what jsonpath and functions get. */
extern Jsonb *scope_to_jsonb(const Scope *scope);

extern const char *const scope_root_names[SCOPE_NROOTS];

#endif							/* WF_SCOPE_H */
