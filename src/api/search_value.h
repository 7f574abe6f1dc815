/*
 * search_value.h
 *	  The ways in which a value that people type may be written in a payload.
 */
#ifndef WF_SEARCH_VALUE_H
#define WF_SEARCH_VALUE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/*
 * text (UTF-8) as strings and numbers: a list of JsonbValue *, each once,
 * palloc'd.  tenant (NULL: all that the session sees) is whose connections say
 * which country's phone numbers are meant.  Connects to SPI if text looks like
 * a phone number.
 */
extern List *search_spellings(const char *text, const pg_uuid_t *tenant);

#endif							/* WF_SEARCH_VALUE_H */
