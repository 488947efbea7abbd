#include "home.h"

#include "tree.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOME_VARIABLE    "LTTNG_HOME"
#define SYSTEM_DIRECTORY "/var/run/lttng"

/* What LTTng appends to the directory for its sockets, at most. */
#define MAX_SOCKET_NAME 40

static gboolean fail(GError **error, int code, const char *path)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code),
                "cannot make %s, where LTTng's session daemon has its sockets: %s", path,
                g_strerror(code));
    return FALSE;
}

/* Somebody else may have put something there. */
static gboolean is_private(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

gboolean ct_home_make(const struct ct_home *home, GError **error)
{
    if (home->temporary != NULL && g_mkdir(home->temporary, 0700) != 0 && errno != EEXIST)
        return fail(error, errno, home->temporary);
    if (home->temporary != NULL && !is_private(home->temporary))
        return fail(error, EEXIST, home->temporary);
    if (strlen(home->directory) + MAX_SOCKET_NAME > sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return fail(error, ENAMETOOLONG, home->directory);
    if (g_mkdir(home->directory, geteuid() == 0 ? 0755 : 0700) != 0 && errno != EEXIST)
        return fail(error, errno, home->directory);
    return access(home->directory, R_OK | W_OK | X_OK) == 0 || fail(error, errno, home->directory);
}

static gboolean use(struct ct_home *home, const char *path, gboolean is_temporary, GError **error)
{
    home->directory = g_build_filename(path, ".lttng", NULL);
    home->temporary = is_temporary ? g_strdup(path) : NULL;
    if (!ct_home_make(home, error)) {
        ct_home_clear(home);
        return FALSE;
    }
    g_setenv(HOME_VARIABLE, path, TRUE);
    return TRUE;
}

gboolean ct_home_find(struct ct_home *home, GError **error)
{
    const char *wanted = g_getenv(HOME_VARIABLE);

    *home = (struct ct_home){0};
    if (geteuid() == 0) { /* LTTng's own rule */
        home->directory = g_strdup(SYSTEM_DIRECTORY);
        return ct_home_make(home, error);
    }
    if (wanted != NULL)
        return use(home, wanted, FALSE, error);
    if (use(home, g_get_home_dir(), FALSE, NULL))
        return TRUE;
    /* The same one for all recordings of the user: they share a daemon, and recover finds it. */
    g_autofree char *temporary =
        g_strdup_printf("%s/ctrace-home-%u", g_get_tmp_dir(), (unsigned)geteuid());
    return use(home, temporary, TRUE, error);
}

void ct_home_remove(const struct ct_home *home)
{
    if (home->temporary != NULL)
        ct_tree_remove(home->temporary);
}

void ct_home_clear(struct ct_home *home)
{
    g_clear_pointer(&home->directory, g_free);
    g_clear_pointer(&home->temporary, g_free);
}
