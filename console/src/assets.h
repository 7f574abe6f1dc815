/*
 * assets.h
 *	  The files of the page.
 */
#ifndef WF_ASSETS_H
#define WF_ASSETS_H

#include "embedded.h"
#include "request.h"

extern const Asset *asset_find(Span path);
extern bool asset_takes_gzip(const Request *request);

#endif							/* WF_ASSETS_H */
