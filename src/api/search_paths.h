/*
 * search_paths.h
 *	  Where values stand in payloads: the paths that a search tries.
 */
#ifndef WF_SEARCH_PATHS_H
#define WF_SEARCH_PATHS_H

#include "postgres.h"
#include "language/scope.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

/* A path into a payload, with the words by which people know it. */
typedef struct SearchPath
{
	List	   *parts;			/* of char *: the name of a member; NULL: any
								 * element of an array */
	List	   *words;			/* of char *, as search_words() has them */
} SearchPath;

/*
 * The paths of "search" of the definitions that the session sees, of one
 * tenant if that is not NULL, then those of scalars in their newest payloads:
 * a list of SearchPath *, palloc'd.  Connects to SPI itself.
 */
extern List *search_known_paths(const pg_uuid_t *tenant);

/* The path of an expression such as trigger.customer.phone. */
extern SearchPath *search_path_of(const ScopePath *path);

/* Is each of words one of the path's, and is there one? */
extern bool search_path_has(const SearchPath *path, const List *words);

/* What a payload contains that has the value at the path; palloc'd. */
extern Jsonb *search_path_match(const SearchPath *path, JsonbValue *value);

#endif							/* WF_SEARCH_PATHS_H */
