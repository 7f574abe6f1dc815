/*
 * guard.h
 *	  Who asks, and whether the browser asks on behalf of our page.
 */
#ifndef WF_GUARD_H
#define WF_GUARD_H

#include "config.h"
#include "request.h"

#define ADDRESS_SIZE 64

extern bool guard_host(const Config *config, const Request *request);
extern bool guard_origin(const Config *config, const Request *request);
extern bool guard_type(const Request *request, const char *type);
extern void guard_address(const Config *config, const Request *request,
						  const char *peer, char *address);
extern bool guard_cookie(const Request *request, unsigned char *id);
extern bool guard_token(const Request *request, unsigned char *token);
extern bool guard_order(Span span, size_t *order);
extern bool guard_word(Span span, char *word);

#define GUARD_WORD 33			/* of X-WF-Tab and X-WF-Slot, with the NUL */
#define SECRET_SIZE 32			/* bytes of a session's id and of its token */

#endif							/* WF_GUARD_H */
