/*
 * output_settings.h
 *	  The settings that decide how a value is spelled as text.
 */
#ifndef WF_OUTPUT_SETTINGS_H
#define WF_OUTPUT_SETTINGS_H

#include "postgres.h"

/* What the text (or the JSON) of a type's values depends on. */
#define OUTPUT_DATESTYLE		(1 << 0)
#define OUTPUT_INTERVALSTYLE	(1 << 1)
#define OUTPUT_TIMEZONE			(1 << 2)
#define OUTPUT_FLOAT_DIGITS		(1 << 3)
#define OUTPUT_BYTEA			(1 << 4)
#define OUTPUT_MONETARY			(1 << 5)
#define OUTPUT_NAMES			(1 << 6)	/* search_path, and quotes */
#define OUTPUT_UNKNOWN_TYPE		(OUTPUT_NAMES - 1)	/* all but names */

/*
 * Not a setting: the conversion may execute code that is not the server's
 * own, or hold more than memory when it raises an error.
 */
#define OUTPUT_FOREIGN_CODE		(1 << 7)

/*
 * What to_jsonb of a value of that type depends on, as a mask of the above.
 * Looks into arrays, domains, ranges and composite types.
 */
extern int	output_settings_of_type(Oid type);

/*
 * Sets the settings of the mask to fixed values, unless they have them: ISO,
 * postgres, UTC, all digits, hex, C; names are written with their schema.
 * Returns a value for output_settings_leave(), which sets them back; 0 if
 * nothing had to be set.  After an error, the abort of the transaction or
 * subtransaction sets them back.
 */
extern int	output_settings_enter(int mask);
extern void output_settings_leave(int level);

#endif							/* WF_OUTPUT_SETTINGS_H */
