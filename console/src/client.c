/*
 * client.c
 *	  One HTTP connection: its bytes in and out, and its time.
 *
 * A connection has one request at a time: read, handed to the handler,
 * answered; then the next.  Meanwhile its socket is only watched for the
 * other end going away.  What comes too slowly is answered 408, or closed.
 * An answer after which the connection closes is read on for a while, so that
 * it is not lost with what is still coming in.
 *
 * Runs in the loop; owns the sockets, the buffers and the list of all clients.
 * Buffers are overwritten before they are freed, since a sign-in is in them.
 * Every answer has the same headers, whatever went wrong.
 */
#include "client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buffer.h"
#include "clock.h"

#define LINGER_BYTES ((size_t) 8 * 1024 * 1024)
#define LINGER_SECONDS 5

/* The later in this list, the sooner a connection is closed for another. */
typedef enum ClientState
{
	HANDLING,					/* the handler has the request: never */
	WRITING,
	READING,
	LINGERING					/* answered, and closing */
} ClientState;

struct Client
{
	Client	   *next;
	Client	  **link;			/* what points to it */
	int			fd;
	ClientState state;
	struct event *readable;
	struct event *writable;
	struct event *closed;		/* the other end has gone */
	struct event *timer;
	char		peer[ADDRESS_SIZE];
	char		address[ADDRESS_SIZE];	/* who asks, as far as is believed */
	Buffer		in;
	HeadScan	scan;
	bool		has_head;
	Request		request;
	char		behind;			/* the byte that the NUL stands on */
	struct evbuffer *out;
	bool		keep;			/* for another request */
	size_t		lingered;
	ClientGone	gone;
	void	   *gone_arg;
	int64_t		since;			/* when its state began */
	int64_t		asked;			/* when the request was whole */
	LogLine		log;
	char		log_role[64];
	char		log_id[37];
};

/* What all clients share; set once, but for the list. */
static struct
{
	struct event_base *base;
	const Config *config;
	ClientAdmit admit;
	ClientHandler handler;
	Client	   *first;
	int			count;
}			clients;

void
clients_start(struct event_base *base, const Config *config,
			  ClientAdmit admit, ClientHandler handler)
{
	clients.base = base;
	clients.config = config;
	clients.admit = admit;
	clients.handler = handler;
}

/*--- beginning and end of a connection ---*/

/* Closes it.  Whoever works for it is told, and must not answer any more. */
static void
client_close(Client *client)
{
	if (client->gone != NULL)
		client->gone(client->gone_arg);
	*client->link = client->next;
	if (client->next != NULL)
		client->next->link = client->link;
	clients.count--;
	event_free(client->readable);
	event_free(client->writable);
	event_free(client->closed);
	event_free(client->timer);
	close(client->fd);
	evbuffer_free(client->out);
	buffer_free(&client->in);
	free(client);
}

static void
set_timer(Client *client, int seconds)
{
	struct timeval time = {seconds, 0};

	event_add(client->timer, &time);
}

/* Waits for the next request, which may be in the buffer already. */
static void
await_request(Client *client)
{
	client->state = READING;
	client->since = clock_ms();
	client->has_head = false;
	memset(&client->scan, 0, sizeof(client->scan));
	memset(&client->log, 0, sizeof(client->log));
	client->log_role[0] = client->log_id[0] = '\0';
	set_timer(client, clients.config->request_time);
	event_add(client->readable, NULL);
	if (client->in.length > 0)
		event_active(client->readable, EV_READ, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_closed(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);

static int
rank(const Client *client)
{
	return client->state + (client->state == READING &&
							client->in.length == 0);
}

/*
 * Closes the one of the highest rank that is in its state for longest: who
 * holds many connections loses them before others do.
 */
static bool
make_place(void)
{
	Client	   *chosen = NULL;

	for (Client *one = clients.first; one; one = one->next)
		if (one->state != HANDLING &&
			(chosen == NULL || rank(one) > rank(chosen) ||
			 (rank(one) == rank(chosen) && one->since < chosen->since)))
			chosen = one;
	if (chosen != NULL)
		client_close(chosen);
	return chosen != NULL;
}

/*
 * Takes a socket over, which does not block.  peer is its address, or "local"
 * of a Unix socket.  False: there are too many; the caller closes it.
 */
bool
client_begin(int fd, const char *peer)
{
	Client	   *client;

	if (clients.count >= CLIENTS && !make_place())
		return false;
	client = text_alloc(sizeof(Client));
	client->fd = fd;
	snprintf(client->peer, ADDRESS_SIZE, "%s", peer);
	snprintf(client->address, ADDRESS_SIZE, "%s", peer);
	buffer_init(&client->in);
	client->out = evbuffer_new();
	client->readable = event_new(clients.base, fd, EV_READ | EV_PERSIST,
								 on_readable, client);
	client->writable = event_new(clients.base, fd, EV_WRITE, on_writable,
								 client);
	client->closed = event_new(clients.base, fd, EV_CLOSED, on_closed,
							   client);
	client->timer = event_new(clients.base, -1, 0, on_timer, client);
	client->next = clients.first;
	client->link = &clients.first;
	if (client->next != NULL)
		client->next->link = &client->next;
	clients.first = client;
	clients.count++;
	await_request(client);
	return true;
}

void
clients_stop(void)
{
	while (clients.first != NULL)
		client_close(clients.first);
}

/*--- reading ---*/

/* The whole request is there: hands it on. */
static void
handle(Client *client)
{
	Request    *request = &client->request;
	size_t		total = request->head_length + request->body_length;

	event_del(client->readable);
	event_del(client->timer);
	client->behind = client->in.data[total];
	client->in.data[total] = '\0';
	client->state = HANDLING;
	client->keep = request->keep;
	client->asked = clock_ms();
	client->log.method = request->is_post ? "POST" : "GET";
	event_add(client->closed, NULL);
	clients.handler(client, request, client->in.data + request->head_length);
}

/*
 * The head is there: makes room for the body, if it is large, and if who asks
 * may send such a one.  False: the request was answered.
 */
static bool
make_room(Client *client)
{
	Request    *request = &client->request;
	size_t		size = request->head_length + request->body_length;
	Problem		problem = {.status = 503, .code = "memory", .retry_after = 2,
	.message = "Too much is under way."};

	client->has_head = true;
	guard_address(clients.config, request, client->peer, client->address);
	if (size <= client->in.size)
		return true;
	client->keep = false;
	if (!clients.admit(client, request))
		return false;
	if (!buffer_grow(&client->in, size))
	{
		client_fail(client, &problem);
		return false;
	}
	/* the spans point into the buffer, which has moved */
	memset(&client->scan, 0, sizeof(client->scan));
	request_read_head(&client->scan, client->in.data, client->in.length,
					  request, &problem);
	return true;
}

/* Reads the head and, once it is there, waits for the body. */
static void
process(Client *client)
{
	Problem		problem;

	if (!client->has_head)
	{
		ReadState	state = request_read_head(&client->scan, client->in.data,
											  client->in.length,
											  &client->request, &problem);

		if (state == READ_MORE)
			return;
		if (state == READ_BAD)
		{
			client->keep = false;
			client_fail(client, &problem);
			return;
		}
		if (!make_room(client))
			return;
	}
	if (client->in.length >= client->request.head_length +
		client->request.body_length)
		handle(client);
}

static void
linger(Client *client)
{
	char		waste[16384];
	ssize_t		n = read(client->fd, waste, sizeof(waste));

	if (n > 0)
		client->lingered += n;
	if (n == 0 || client->lingered > LINGER_BYTES ||
		(n < 0 && errno != EAGAIN && errno != EINTR))
		client_close(client);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	Client	   *client = arg;
	size_t		room = client->in.size - client->in.length;
	ssize_t		n = 0;

	(void) what;
	if (client->state == LINGERING)
	{
		linger(client);
		return;
	}
	if (room > 0)
		n = read(fd, client->in.data + client->in.length, room);
	if ((room > 0 && n == 0) || (n < 0 && errno != EAGAIN && errno != EINTR))
	{
		client_close(client);
		return;
	}
	if (n > 0)
		client->in.length += n;
	process(client);
}

/* The other end went away while the handler works. */
static void
on_closed(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	client_close(arg);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	Client	   *client = arg;

	(void) fd;
	(void) what;
	if (client->state == READING && client->in.length > 0)
	{
		client->keep = false;
		client_fail(client, &(Problem)
					{.status = 408, .code = "slow",
					.message = "The request did not arrive in time."});
	}
	else
		client_close(client);
}

/*--- answering ---*/

/* What the handler calls if it does not answer at once. */
void
client_wait(Client *client, ClientGone gone, void *arg)
{
	client->gone = gone;
	client->gone_arg = arg;
}

/* The request is answered: the next one, or the end. */
static void
answered(Client *client)
{
	size_t		total = client->request.head_length +
		client->request.body_length;

	if (!client->keep)
	{
		shutdown(client->fd, SHUT_WR);
		client->state = LINGERING;
		client->since = clock_ms();
		client->lingered = 0;
		set_timer(client, LINGER_SECONDS);
		event_add(client->readable, NULL);
		return;
	}
	client->in.data[total] = client->behind;
	buffer_drop(&client->in, total);
	await_request(client);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	Client	   *client = arg;
	int			n = evbuffer_write(client->out, fd);

	(void) what;
	if (n > 0)					/* slow is who takes nothing at all */
		set_timer(client, clients.config->request_time);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		client_close(client);
	else if (evbuffer_get_length(client->out) > 0)
		event_add(client->writable, NULL);
	else
		answered(client);
}

/*
 * Answers the request under way.  The client may be gone afterwards.
 */
void
client_answer(Client *client, const Answer *answer)
{
	client->gone = NULL;
	event_del(client->closed);
	event_del(client->readable);
	client->log.status = answer->status;
	client->log.code = answer->code;
	client->log.sqlstate = answer->sqlstate;
	client->log.address = client->address;
	client->log.role = client->log_role;
	client->log.id = client->log_id;
	client->log.ms = client->asked ? clock_ms() - client->asked : 0;
	log_request(&client->log);
	client->asked = 0;
	head_write(client->out, answer, client->keep);
	if (answer->length > 0)
		evbuffer_add_reference(client->out, answer->body, answer->length,
							   answer->done, answer->done_arg);
	else if (answer->done != NULL)
		answer->done(answer->body, 0, answer->done_arg);
	client->state = WRITING;
	client->since = clock_ms();
	set_timer(client, clients.config->request_time);
	on_writable(client->fd, EV_WRITE, client);
}

static void
free_text(const void *data, size_t len, void *arg)
{
	(void) len;
	(void) arg;
	free((void *) data);
}

/* The same with a text, which it takes over. */
void
client_answer_text(Client *client, int status, const char *headers,
				   Text *text)
{
	client_answer(client, &(Answer)
				  {.status = status, .headers = headers, .body = text->data,
				  .length = text->len, .done = free_text});
}

/* Answers with a problem; if it is one of the protocol, the last answer. */
void
client_fail(Client *client, const Problem *problem)
{
	char		headers[64] = "";
	Text		body;

	if (problem->status == 405)
		snprintf(headers, sizeof(headers), "Allow: GET, POST\r\n");
	if (problem->retry_after > 0)
		snprintf(headers, sizeof(headers), "Retry-After: %d\r\n",
				 problem->retry_after);
	text_init(&body);
	problem_write(&body, problem);
	client_answer(client, &(Answer)
				  {.status = problem->status, .headers = headers,
				  .body = body.data, .length = body.len, .done = free_text,
				  .code = problem->code, .sqlstate = problem->sqlstate});
}

/* Who asks. */
const char *
client_address(const Client *client)
{
	return client->address;
}

/* What will be logged; route may be set in it, to a constant. */
LogLine *
client_log(Client *client)
{
	return &client->log;
}

/* Sets role and id of what will be logged; either may be NULL. */
void
client_log_id(Client *client, const char *role, const char *id)
{
	if (role != NULL)
		snprintf(client->log_role, sizeof(client->log_role), "%s", role);
	if (id != NULL)
		snprintf(client->log_id, sizeof(client->log_id), "%s", id);
}

/* Overwrites the body of the request: it was a password. */
void
client_wipe(Client *client)
{
	explicit_bzero(client->in.data + client->request.head_length,
				   client->request.body_length);
}
