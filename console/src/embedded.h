/*
 * embedded.h
 *	  What embed.sh puts into the program: files of the page, and statements.
 *	  Both tables end with zeros.
 */
#ifndef WF_EMBEDDED_H
#define WF_EMBEDDED_H

#include <stddef.h>

typedef struct Asset
{
	const char *path;			/* "/", or "/a/<hash>/..." */
	const char *type;
	const unsigned char *raw;
	size_t		raw_length;
	const unsigned char *gzip;
	size_t		gzip_length;
} Asset;

typedef struct Statement
{
	const char *name;
	const char *text;
} Statement;

extern const Asset embedded_assets[];
extern const Statement embedded_statements[];

#endif							/* WF_EMBEDDED_H */
