/*
 * label.h
 *	  What the configuration calls a tenant.
 */
#ifndef WF_LABEL_H
#define WF_LABEL_H

#include "text.h"

extern bool label_add(Text *labels, char *one);

#endif							/* WF_LABEL_H */
