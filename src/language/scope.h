/*
 * scope.h
 *	  The context of a run, which templates and conditions read: six named
 *	  values, and paths into them.
 */
#ifndef WF_SCOPE_H
#define WF_SCOPE_H

#include "postgres.h"
#include "base/problems.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
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
	SCOPE_NOW,					/* an ISO 8601 string */
	/* only in a section of a mail template, and no part of root[] below: */
	SCOPE_ITEM,					/* the element */
	SCOPE_INDEX					/* its number, from 0 */
} ScopeRoot;

#define SCOPE_NROOTS (SCOPE_NOW + 1)

/* An element that a section is rendered for. */
typedef struct ScopeItem
{
	const JsonbValue *value;
	int			index;			/* from 0; -1: the value is no element, but
								 * what the section names */
	const char *list;			/* the section's path, as written */
	const struct ScopeItem *outer;	/* of the section around; or NULL */
} ScopeItem;

typedef struct Scope
{
	Jsonb	   *root[SCOPE_NROOTS]; /* NULL: no path of the step reads it */
	/* Names (char *) of steps in a preview (run_preview.c): */
	List	   *unknown_steps;	/* not executed: their output is not known, */
	List	   *undecided_steps;	/* nor, of these, whether they would be */
	const ScopeItem *item;		/* of the innermost section; NULL: none */
} Scope;

/* One part of a path such as trigger.items[0].sku */
typedef struct PathPart
{
	char	   *name;			/* of a member; NULL: the part is an index */
	int			index;			/* of an element from 0, or from the end if it
								 * is negative */
} PathPart;

/*
 * A compiled path; parts[up].name is always the name of a root, and the parts
 * before it are "outer".
 */
typedef struct ScopePath
{
	ScopeRoot	root;
	int			up;				/* how many sections further out */
	int			nparts;
	PathPart   *parts;
	char	   *text;			/* as written, for messages */
	int			number_at;		/* offset in text of the first part that is
								 * all digits after a dot; 0: there is none */
} ScopePath;

/*
 * The names that a compiler knows: those of the steps before the one that is
 * compiled, so that a path to a later or unknown step is an error.
 */
typedef struct ScopeNames
{
	const char *const *earlier_steps;	/* steps before this one */
	int			nearlier;
	const char *const *all_steps;	/* every step of the definition */
	int			nall;
	bool		any_step;		/* steps are not checked */
	bool		sections;		/* the text may have sections */
	int			nitems;			/* the items that are there: one for each
								 * section around */
} ScopeNames;

/*
 * Parses a path, text[0..len), in the current memory context.  If it is none,
 * returns NULL after filling *mistake.  If names is NULL, steps are not
 * checked.
 */
extern ScopePath *scope_path_parse(const char *text, int len,
								   const ScopeNames *names,
								   Mistake *mistake);

/*
 * Adds a warning for a path such as trigger.items.0.sku, which reads a member
 * "0" and no element.
 */
extern void scope_path_warn(const ScopePath *scope_path, const char *path,
							Problems *problems);

/*
 * If text[0..len) begins with the name of a root, and a path may end or go on
 * after it, how many bytes has that name?  Otherwise 0.
 */
extern int	scope_root_length(const char *text, int len);

/*
 * If text[0..len), without a "$." at its beginning, is a valid path with more
 * than a root, returns the path, which points into text, and sets *length;
 * otherwise NULL.
 */
extern const char *scope_path_as_text(const char *text, int len,
									  const ScopeNames *names, int *length);

/*
 * Checks the names of the first parts of a path; a part that is an index is
 * NULL.  Returns NULL if all are known, otherwise a palloc'd message after
 * setting *bad_part to the number of the part, and *hint, which may become
 * NULL.
 */
extern char *scope_check_parts(const char *const *parts, int nparts,
							   const ScopeNames *names, int *bad_part,
							   char **hint);

/*
 * If the path begins with item, index or outer and names knows of items, sets
 * its root and returns true after filling the rest as scope_check_parts does:
 * *message is NULL if all is well.  Otherwise false.
 */
extern bool scope_check_item(ScopePath *path, const ScopeNames *names,
							 char **message, int *bad_part, char **hint);

/*
 * The hint for what is a block in the templates of other languages: what is
 * written here instead.  names may be NULL.
 */
extern const char *scope_block_hint(const ScopeNames *names);

/*
 * A hint that says how a path of another language is written here;
 * rest[0..len) is that path after its "$.", "@." or ".".  Palloc'd.
 */
extern char *scope_foreign_hint(const char *rest, int len);

/*
 * Reads a text in single or double quotes from text[pos], which is the opening
 * quote, into buf.  \n, \r and \t are control characters; after any other
 * backslash the next character is taken as it is.  Returns the position after
 * the closing quote, or -1 if there is none.
 */
extern int	scope_read_quoted(const char *text, int len, int pos,
							  StringInfo buf);

/*
 * The value at a path, which points into the scope; a container is jbvBinary.
 * If there is none, NULL after setting *missing_part to the number of the
 * first part that is missing, which is never 0.
 */
extern JsonbValue *scope_lookup(const Scope *scope, const ScopePath *path,
								int *missing_part);

/*
 * Says why the value at a path is missing, as in 'trigger.phone is missing:
 * trigger has no member "phone"'; palloc'd.  missing_part is as scope_lookup
 * has set it.
 */
extern char *scope_missing(const Scope *scope, const ScopePath *path,
						   int missing_part);

/*
 * The same if the path goes into an output of which only the beginning was
 * kept, so that it is not known whether the value is missing; otherwise NULL.
 */
extern char *scope_cut(const Scope *scope, const ScopePath *path,
					   int missing_part);

/*
 * Says that nobody knows what the path leads to, since it depends on a step
 * that is not executed; palloc'd.  NULL: it depends on none.
 */
extern char *scope_unknown(const Scope *scope, const ScopePath *path);

/* The SQLSTATE of an expression that is not known: of bad data, class 22. */
#define ERRCODE_SCOPE_UNKNOWN MAKE_SQLSTATE('2', '2', 'W', 'F', '1')

/* The text of a path's first parts: "trigger.items" for upto = 2; palloc'd. */
extern char *scope_path_prefix(const ScopePath *path, int upto);

/* Fills *value with that of a root; JSON null if the scope has none. */
extern void scope_root(const Scope *scope, ScopeRoot root, JsonbValue *value);

/*
 * The whole context as one object, which a jsonpath reads and a function gets;
 * palloc'd.
 */
extern Jsonb *scope_to_jsonb(const Scope *scope);

/* The name of each root in a path. */
extern const char *const scope_root_names[SCOPE_NROOTS];

#endif							/* WF_SCOPE_H */
