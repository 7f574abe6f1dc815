/*
 * token.h
 *	  Access tokens of OAuth 2 that this process has, or has asked for.
 *
 * README.md has the states.  A Token is valid as long as somebody waits for
 * it, or until the next call of a function that says that it may free one.
 */
#ifndef WF_TOKEN_H
#define WF_TOKEN_H

#include "common/sha2.h"
#include "transfer/transfer.h"
#include "utils/uuid.h"

/* What a token is for: a connection's row with these contents. */
typedef struct TokenKey
{
	pg_uuid_t	connection;
	uint8		contents[PG_SHA256_DIGEST_LENGTH];
} TokenKey;

/* With which token a request is sent. */
typedef struct TokenUse
{
	TokenKey	key;
	int64		serial;			/* of the token; 0: there is none */
	bool		proven;			/* it had been taken by the server before */
} TokenUse;

typedef struct Token Token;

/*--- in a transaction or outside of one ---*/

/*
 * Is there a token that can be used?  Fills use->serial and use->proven for
 * use->key.  The one with the number waited_for, which the caller has waited
 * for, can be used even if it has ended meanwhile.
 */
extern bool token_find(TokenUse *use, int64 waited_for);

/* Has such a token been asked for, and not come yet? */
extern bool token_is_asked(const TokenKey *key);

/*
 * The text of a token that token_find() has found; NULL if it is gone.  It is
 * valid until a token may be freed.
 */
extern const char *token_text(const TokenUse *use);

/* The server has taken a request with it. */
extern void token_worked(const TokenUse *use);

/* The server has not taken it: it is dropped.  May free it. */
extern void token_refused(const TokenUse *use);

/*--- outside of transactions ---*/

/*
 * One more waits for the token of that key: it is asked for by that request,
 * unless that was done already.  May free tokens that nobody waits for.
 */
extern Token *token_ask(const TokenKey *key, const Request *request);

/*
 * Was this transfer, which was collected, the request for a token?  Then it is
 * the token's.
 */
extern bool token_collect(Transfer *transfer);

/* Has it come, or come to nothing? */
extern bool token_is_settled(const Token *token);

/* One does not wait any more.  May free it. */
extern void token_leave(Token *token);

/*--- of one that is settled ---*/

/* Its number; 0 if it has come to nothing. */
extern int64 token_serial(const Token *token);

/* Why it has come to nothing: for people; and what the server answered. */
extern const char *token_error(const Token *token);
extern const Response *token_response(const Token *token);

/*--- token_answer.c ---*/

/* What a server answers; texts are palloc'd, or NULL. */
typedef struct TokenAnswer
{
	char	   *access_token;	/* a secret */
	char	   *token_type;
	char	   *error;
	char	   *error_description;
	double		expires_in;		/* seconds; -1: it does not say */
} TokenAnswer;

/* Reads the body of an answer.  False: it is no JSON object. */
extern bool token_answer_read(const char *body, size_t len,
							  TokenAnswer *answer);

/* Overwrites the secret. */
extern void token_answer_wipe(TokenAnswer *answer);

#endif							/* WF_TOKEN_H */
