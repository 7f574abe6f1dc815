/*
 * token.c
 *	  Access tokens of OAuth 2: asked for, held, and given up.
 *
 * Runs in a worker.  A token is for one row of workflow_connections with the
 * contents that it had (TokenKey): if somebody changes the row, its next
 * request finds no token.  Each token is asked for once, however many wait for
 * it, and is held until it ends or is refused.  README.md has the states.
 *
 * Owns the list of tokens, each in a memory context of its own.  The text of a
 * token is overwritten before it is freed.  Nothing survives the process: the
 * next one asks for its own.
 */
#include "postgres.h"
#include "compat.h"

#include "base/wipe.h"
#include "config/clock.h"
#include "connection/token.h"
#include "lib/ilist.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MAX_HELD 1000			/* tokens, of so many connections */
#define MAX_ANSWER (64 * 1024)	/* bytes of a server's answer */
#define MAX_TOKEN (16 * 1024)	/* bytes: servers refuse longer headers */
#define MAX_WORDS 300			/* bytes of what a server says of an error */

/* A token is given up by a tenth of its time early, or by so many seconds. */
#define EARLY_SHARE 10
#define MAX_EARLY_S 60
#define MAX_LIFE_S (10 * 365 * 86400.0)

typedef enum TokenState
{
	TOKEN_ASKED,
	TOKEN_HELD,
	TOKEN_FAILED
} TokenState;

struct Token
{
	dlist_node	node;			/* in tokens */
	MemoryContext context;		/* holds this struct and what it points to */
	TokenKey	key;
	TokenState	state;
	int			nwaiting;
	bool		dropped;		/* found no more: freed when nobody waits */
	int64		serial;			/* never 0 */
	Transfer   *transfer;		/* ASKED, FAILED */
	char	   *text;			/* HELD; a secret */
	TimestampTz ends_at;		/* HELD; DT_NOEND: nobody has said when */
	bool		proven;			/* HELD: a server has taken it */
	const char *error;			/* FAILED */
};

/* Of this process. */
typedef struct TokenList
{
	dlist_head	all;			/* those used last come first */
	int			n;
	int			nasked;
	int64		last_serial;
} TokenList;

static TokenList tokens = {.all = DLIST_STATIC_INIT(tokens.all)};

static inline Token *
token_at(dlist_node *node)
{
	return dlist_container(Token, node, node);
}

/*--- finding ---*/

static bool
same_key(const TokenKey *a, const TokenKey *b)
{
	return memcmp(a, b, sizeof(TokenKey)) == 0;
}

/* The token of that key in that state, or NULL. */
static Token *
find(const TokenKey *key, TokenState state)
{
	dlist_iter	iter;

	dlist_foreach(iter, &tokens.all)
	{
		Token	   *token = token_at(iter.cur);

		if (token->state == state && !token->dropped &&
			same_key(&token->key, key))
			return token;
	}
	return NULL;
}

/* The token with which a request was sent, or NULL if it is gone. */
static Token *
find_used(const TokenUse *use)
{
	Token	   *token = use->serial != 0 ? find(&use->key, TOKEN_HELD) : NULL;

	return token != NULL && token->serial == use->serial ? token : NULL;
}

bool
token_find(TokenUse *use, int64 waited_for)
{
	Token	   *token = find(&use->key, TOKEN_HELD);

	use->serial = 0;
	use->proven = false;
	if (token == NULL ||
		(token->ends_at <= clock_now() && token->serial != waited_for))
		return false;
	dlist_move_head(&tokens.all, &token->node);
	use->serial = token->serial;
	use->proven = token->proven;
	return true;
}

bool
token_is_asked(const TokenKey *key)
{
	return tokens.nasked > 0 && find(key, TOKEN_ASKED) != NULL;
}

const char *
token_text(const TokenUse *use)
{
	const Token *token = find_used(use);

	return token != NULL ? token->text : NULL;
}

/*--- the end of a token ---*/

static void
free_token(Token *token)
{
	Assert(token->nwaiting == 0);
	dlist_delete(&token->node);
	tokens.n--;
	if (token->state == TOKEN_ASKED)
		tokens.nasked--;
	if (token->transfer != NULL)
		transfer_free(token->transfer);
	wipe_text(token->text);
	MemoryContextDelete(token->context);
}

/* It is not found any more, and goes when nobody waits for it. */
static void
drop(Token *token)
{
	token->dropped = true;
	wipe_text(token->text);
	if (token->nwaiting == 0)
		free_token(token);
}

/*
 * One that is under way stays if nobody waits for it any more.  A run that is
 * about to wait may have been told that it was asked for (token_is_asked), and
 * has made no request of its own.
 */
void
token_leave(Token *token)
{
	Assert(token->nwaiting > 0);
	token->nwaiting--;
	if (token->nwaiting == 0 &&
		(token->dropped || token->state == TOKEN_FAILED))
		free_token(token);
}

void
token_worked(const TokenUse *use)
{
	Token	   *token = find_used(use);

	if (token != NULL)
		token->proven = true;
}

void
token_refused(const TokenUse *use)
{
	Token	   *token = find_used(use);

	if (token != NULL)
		drop(token);
}

/*--- asking ---*/

/* Those of the same row go: they have ended, or the row was changed. */
static void
drop_older(const pg_uuid_t *connection)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &tokens.all)
	{
		Token	   *token = token_at(iter.cur);

		if (token->state == TOKEN_HELD && !token->dropped &&
			memcmp(&token->key.connection, connection, UUID_LEN) == 0)
			drop(token);
	}
}

/* If there are too many, the one that was not used for longest goes. */
static void
make_room(void)
{
	dlist_iter	iter;

	if (tokens.n < MAX_HELD)
		return;
	dlist_reverse_foreach(iter, &tokens.all)
	{
		Token	   *token = token_at(iter.cur);

		if (token->state == TOKEN_HELD && token->nwaiting == 0)
		{
			free_token(token);
			return;
		}
	}
}

Token *
token_ask(const TokenKey *key, const Request *request)
{
	MemoryContext context;
	Token	   *token = find(key, TOKEN_ASKED);

	if (token != NULL)
	{
		token->nwaiting++;
		return token;
	}
	drop_older(&key->connection);
	make_room();
	context = AllocSetContextCreate(TopMemoryContext, "workflow_engine token",
									ALLOCSET_SMALL_SIZES);
	token = MemoryContextAllocZero(context, sizeof(Token));
	token->context = context;
	token->key = *key;
	token->state = TOKEN_ASKED;
	token->nwaiting = 1;
	token->serial = ++tokens.last_serial;
	token->transfer = transfer_submit(request, NULL);
	dlist_push_head(&tokens.all, &token->node);
	tokens.n++;
	tokens.nasked++;
	return token;
}

/*--- the answer ---*/

/* A text of the server's, as it may be shown; NULL of NULL. */
static const char *
shown(const Token *token, const char *text)
{
	char	   *masked;
	int			len;

	if (text == NULL || text[0] == '\0')
		return NULL;
	/* before it is cut, which could leave a part of a secret */
	masked = transfer_show_text(token->transfer, text, strlen(text));
	len = strlen(masked);
	masked[pg_mbcliplen(masked, len, MAX_WORDS)] = '\0';
	return masked;
}

/* "HTTP 401: invalid_client: no such client"; in the current context. */
static const char *
refusal_text(const Token *token, const Response *response,
			 const TokenAnswer *answer)
{
	const char *error = shown(token, answer->error);
	const char *more = shown(token, answer->error_description);
	char	   *text = psprintf("HTTP %d", response->status);

	if (response->redirect != NULL)
		text = psprintf("%s: %s", text, response->redirect);
	if (error != NULL)
		text = psprintf("%s: %s", text, error);
	if (more != NULL)
		text = psprintf("%s: %s", text, more);
	return text;
}

/* May the text stand in a header as a token? */
static bool
token_valid(const char *text)
{
	for (const char *p = text; *p; p++)
	{
		if (*p <= ' ' || *p > '~')
			return false;
	}
	return text[0] != '\0' && strlen(text) <= MAX_TOKEN;
}

/* What is wrong with an answer of success, or NULL. */
static const char *
answer_problem(const TokenAnswer *answer)
{
	if (answer->access_token == NULL)
		return "the answer has no access_token";
	if (!token_valid(answer->access_token))
		return "the access_token in the answer is malformed";
	if (answer->token_type == NULL)
		return "the answer has no token_type";
	if (pg_strcasecmp(answer->token_type, "bearer") != 0)
		return "the token_type in the answer is not Bearer";
	return NULL;
}

/* When the token is to be given up. */
static TimestampTz
end_of(double expires_in)
{
	double		early = Min(expires_in / EARLY_SHARE, MAX_EARLY_S);

	if (expires_in < 0)
		return DT_NOEND;
	return clock_now() +
		(int64) ((Min(expires_in, MAX_LIFE_S) - early) * USECS_PER_SEC);
}

/*
 * Reads the answer.  Returns NULL, and the token has its text; or why there is
 * none.  The current context is the token's.
 */
static const char *
read_answer(Token *token)
{
	const Response *response = transfer_response(token->transfer);
	TokenAnswer answer = {0};
	const char *problem;
	bool		read;

	if (response->failure != FAILURE_NONE)
		return response->error;
	if (response->body_len > MAX_ANSWER)
		return psprintf("HTTP %d, and an answer of over %d bytes",
						response->status, MAX_ANSWER);
	read = token_answer_read(response->body, response->body_len, &answer);
	if (response->status / 100 != 2 || answer.error != NULL)
		problem = refusal_text(token, response, &answer);
	else
		problem = read ? answer_problem(&answer)
			: "the answer is no JSON object";
	if (problem != NULL)
	{
		token_answer_wipe(&answer);
		return problem;
	}
	token->text = answer.access_token;
	token->ends_at = end_of(answer.expires_in);
	return NULL;
}

static void
settle(Token *token)
{
	MemoryContext old = MemoryContextSwitchTo(token->context);
	const char *why = read_answer(token);

	tokens.nasked--;
	if (why != NULL)
	{
		token->state = TOKEN_FAILED;
		token->error = psprintf("token request: %s", why);
	}
	else
	{
		token->state = TOKEN_HELD;
		transfer_free(token->transfer);
		token->transfer = NULL;
	}
	MemoryContextSwitchTo(old);
	if (token->state == TOKEN_FAILED && token->nwaiting == 0)
		free_token(token);
}

bool
token_collect(Transfer *transfer)
{
	dlist_iter	iter;

	if (tokens.nasked == 0)
		return false;
	dlist_foreach(iter, &tokens.all)
	{
		Token	   *token = token_at(iter.cur);

		if (token->state == TOKEN_ASKED && token->transfer == transfer)
		{
			settle(token);
			return true;
		}
	}
	return false;
}

/*--- what has settled ---*/

bool
token_is_settled(const Token *token)
{
	return token->state != TOKEN_ASKED;
}

int64
token_serial(const Token *token)
{
	return token->state == TOKEN_HELD ? token->serial : 0;
}

const char *
token_error(const Token *token)
{
	Assert(token->state == TOKEN_FAILED);
	return token->error;
}

const Response *
token_response(const Token *token)
{
	Assert(token->state == TOKEN_FAILED);
	return transfer_response(token->transfer);
}
