/*
 * secret.c
 *	  Secret texts: read, used for a signature, overwritten.
 *
 * Runs in workers and, for the check of a row's shape, in sessions.  Only
 * connection*.c includes it.  The memory of a secret has a callback, which
 * overwrites it before its context is reset or deleted: so an error leaves no
 * secret in freed memory.
 *
 * A tenant's files are in the directory of its id, below secrets_dir; those of
 * rows for all tenants are in secrets_dir itself.  A row names a file without
 * a directory.  So somebody who may write the connections of a tenant can name
 * neither a file of another tenant nor one that is for all.
 *
 * Files are opened relative to the directory's descriptor.  If the kernel has
 * openat2(), it refuses every path that leaves the directory, and links inside
 * it work (container platforms mount secrets with such links).  If not, no
 * link is followed.
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#include "base/json_value.h"
#include "base/uuid_list.h"
#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha1.h"
#include "common/sha2.h"
#include "config/settings.h"
#include "connection/secret.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define MAX_SECRET (64 * 1024)	/* bytes */
#define KEY_PREFIX "whsec_"

typedef struct SecretText
{
	MemoryContextCallback callback;
	size_t		len;
	char		text[FLEXIBLE_ARRAY_MEMBER];
} SecretText;

static void
wipe_callback(void *arg)
{
	SecretText *secret = arg;

	explicit_bzero(secret->text, secret->len);
}

char *
secret_alloc(size_t len)
{
	SecretText *secret = palloc0(offsetof(SecretText, text) + len + 1);

	secret->len = len;
	secret->callback.func = wipe_callback;
	secret->callback.arg = secret;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &secret->callback);
	return secret->text;
}

char *
secret_concat(const char *prefix, const char *secret)
{
	size_t		len = strlen(prefix) + strlen(secret);
	char	   *both = secret_alloc(len);

	strcpy(both, prefix);
	strcat(both, secret);
	return both;
}

/* A name without a directory, and neither "." nor "..". */
static bool
file_name_valid(const char *name, int len)
{
	if (len == 0 || len >= 256 || memchr(name, '/', len) != NULL)
		return false;
	return !(len <= 2 && name[0] == '.' && name[len - 1] == '.');
}

/* The name in {"file": name}, palloc'd; NULL if the value is none such. */
static char *
file_name(const JsonbValue *value)
{
	JsonbValue *name;

	if (!json_is_object(value) || json_count(value) != 1)
		return NULL;
	name = json_member(value, "file");
	if (name == NULL || name->type != jbvString ||
		!file_name_valid(name->val.string.val, name->val.string.len))
		return NULL;
	return json_cstring(name);
}

bool
secret_shape_valid(const JsonbValue *value)
{
	if (value->type != jbvString)
		return file_name(value) != NULL;
	if (value->val.string.len == 0 || value->val.string.len > MAX_SECRET)
		return false;
	for (int i = 0; i < value->val.string.len; i++)
	{
		if ((unsigned char) value->val.string.val[i] < ' ')
			return false;
	}
	return true;
}

/*
 * Opens the file of that name in the directory dir, with more flags added;
 * returns its descriptor, or -1 and errno.  It does not wait even if the file
 * is a FIFO.
 */
static int
open_below(int dir, const char *name, int more)
{
	int			flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | more;
#ifdef SYS_openat2
	struct open_how how = {
		.flags = flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int			fd;

	fd = (int) syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
#endif
	return openat(dir, name, flags | O_NOFOLLOW);
}

/* Reads up to size bytes from fd; returns their number, or -1 and errno. */
static ssize_t
read_all(int fd, char *into, size_t size)
{
	size_t		done = 0;

	while (done < size)
	{
		ssize_t		n = read(fd, into + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

static void
close_keeping_errno(int fd)
{
	int			save_errno = errno;

	if (fd >= 0)
		close(fd);
	errno = save_errno;
}

/*
 * Opens the directory of a tenant, or secrets_dir itself if tenant is NULL;
 * returns its descriptor, or -1 and errno.
 */
static int
open_directory(const char *tenant)
{
	int			flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int			all = open(wf_secrets_dir, flags);
	int			own;

	if (tenant == NULL || all < 0)
		return all;
	own = open_below(all, tenant, O_DIRECTORY);
	close_keeping_errno(all);
	return own;
}

/*
 * Opens the file of a secret and returns its descriptor; what names the secret
 * in errors.  Raises 22023 if secrets_dir is not set, and 58P01 if the file
 * cannot be opened or is no regular file.
 */
static int
open_secret(const char *tenant, const char *name, const char *what)
{
	const char *shown = tenant ? psprintf("%s/%s", tenant, name) : name;
	struct stat st;
	int			dir;
	int			fd;

	if (wf_secrets_dir == NULL || wf_secrets_dir[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is in a file, but \"%s\" is not set",
						what, "workflow_engine.secrets_dir")));
	dir = open_directory(tenant);
	fd = dir < 0 ? -1 : open_below(dir, name, 0);
	close_keeping_errno(dir);
	if (fd < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("could not open secret file \"%s\" of %s: %m",
						shown, what)));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
	{
		close(fd);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("secret file \"%s\" of %s is not a regular file",
						shown, what)));
	}
	return fd;
}

/* The text of a file without the line end at its end. */
static char *
read_file(const char *tenant, const char *name, const char *what)
{
	int			fd;
	char	   *text = secret_alloc(MAX_SECRET + 1);
	ssize_t		len;

	fd = open_secret(tenant, name, what);
	len = read_all(fd, text, MAX_SECRET + 1);
	close(fd);
	if (len < 0 || len > MAX_SECRET || memchr(text, '\0', len) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("secret file \"%s\" of %s is not a text of at most %d bytes",
						name, what, MAX_SECRET)));
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';

	if (len > 0 && text[len - 1] == '\r')
		text[--len] = '\0';
	return text;
}

char *
secret_read(const JsonbValue *value, const pg_uuid_t *tenant,
			const char *what)
{
	char	   *text;
	char	   *name;

	if (value->type == jbvString)
	{
		text = secret_alloc(value->val.string.len);
		memcpy(text, value->val.string.val, value->val.string.len);
	}
	else if ((name = file_name(value)) != NULL)
		text = read_file(tenant != NULL ? id_text(tenant) : NULL, name, what);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is neither a text nor {\"file\": \"name\"}",
						what)));
	/* it may become a part of a header, which a line end would end */
	for (const char *p = text; *p; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s has a control character", what)));
	}
	if (text[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is empty", what)));
	return text;
}

/* Decodes a signing secret, *len bytes; NULL if it is no base64. */
static char *
decode_key(const char *secret, int *len)
{
	int			size;
	char	   *key;

	if (strncmp(secret, KEY_PREFIX, strlen(KEY_PREFIX)) == 0)
		secret += strlen(KEY_PREFIX);
	size = pg_b64_dec_len(strlen(secret)) + 1;
	key = secret_alloc(size);
	*len = pg_b64_decode(secret, strlen(secret), (void *) key, size);
	return *len > 0 ? key : NULL;
}

bool
secret_key_valid(const char *secret)
{
	int			len;

	return decode_key(secret, &len) != NULL;
}

/*
 * The HMAC of head and of body after it, in mac, which has mac_len bytes: as
 * many as the algorithm makes.  Raises XX000 if the server's cryptographic
 * library refuses it.
 */
static void
compute_hmac(pg_cryptohash_type algorithm, const char *key, size_t key_len,
			 const char *head, const char *body, size_t body_len,
			 uint8 *mac, size_t mac_len)
{
	pg_hmac_ctx *ctx = pg_hmac_create(algorithm);
	bool		done = ctx != NULL &&
		pg_hmac_init(ctx, (const uint8 *) key, key_len) >= 0 &&
		pg_hmac_update(ctx, (const uint8 *) head, strlen(head)) >= 0 &&
		pg_hmac_update(ctx, (const uint8 *) body, body_len) >= 0 &&
		pg_hmac_final(ctx, mac, mac_len) >= 0;

	pg_hmac_free(ctx);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a signature")));
}

/* Base64, palloc'd. */
static char *
encode_base64(const uint8 *bytes, size_t len)
{
	int			size = pg_b64_enc_len(len) + 1;
	char	   *text = palloc0(size);

	if (pg_b64_encode((const void *) bytes, len, (void *) text, size) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not encode a signature")));
	return text;
}

char *
secret_sign(const char *secret, const char *id, int64 timestamp,
			const char *body, size_t body_len)
{
	int			key_len;
	char	   *key = decode_key(secret, &key_len);
	char	   *head = psprintf("%s." INT64_FORMAT ".", id, timestamp);
	uint8		mac[PG_SHA256_DIGEST_LENGTH];

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("signing_secret is not base64")));
	compute_hmac(PG_SHA256, key, key_len, head, body, body_len, mac,
				 sizeof(mac));
	explicit_bzero(key, key_len);
	return psprintf("v1,%s", encode_base64(mac, sizeof(mac)));
}

typedef struct Algorithm
{
	const char *name;
	pg_cryptohash_type type;
	size_t		size;			/* bytes of a signature */
} Algorithm;

static const Algorithm algorithms[] = {
	{"sha256", PG_SHA256, PG_SHA256_DIGEST_LENGTH},
	{"sha512", PG_SHA512, PG_SHA512_DIGEST_LENGTH},
	{"sha1", PG_SHA1, SHA1_DIGEST_LENGTH},
};

/* NULL: there is none of that name. */
static const Algorithm *
find_algorithm(const char *name)
{
	for (int i = 0; i < lengthof(algorithms); i++)
	{
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	}
	return NULL;
}

bool
secret_algorithm_valid(const char *name)
{
	return find_algorithm(name) != NULL;
}

char *
secret_sign_body(const char *secret, const char *algorithm, bool base64,
				 const char *body, size_t body_len)
{
	const Algorithm *how = find_algorithm(algorithm);
	uint8		mac[PG_SHA512_DIGEST_LENGTH];
	char	   *text;

	if (how == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("signature algorithm \"%s\" is not known",
						algorithm)));
	compute_hmac(how->type, secret, strlen(secret), "", body, body_len, mac,
				 how->size);
	if (base64)
		return encode_base64(mac, how->size);
	text = palloc0(how->size * 2 + 1);
	(void) hex_encode((const char *) mac, how->size, text);
	return text;
}
