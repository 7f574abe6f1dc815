/*
 * mta_user.c
 *	  Exim runs as whoever started it (LD_PRELOAD).
 *
 * Debian's Exim looks for its own user and group before it reads its
 * configuration, and leaves where they are not there.  The program of the
 * tests is not installed: its user is the test's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define EXIM "Debian-exim"

struct passwd *
getpwnam(const char *name)
{
	struct passwd *(*real) (const char *) = dlsym(RTLD_NEXT, "getpwnam");

	return strcmp(name, EXIM) == 0 ? getpwuid(getuid()) : real(name);
}

struct group *
getgrnam(const char *name)
{
	struct group *(*real) (const char *) = dlsym(RTLD_NEXT, "getgrnam");

	return strcmp(name, EXIM) == 0 ? getgrgid(getgid()) : real(name);
}
