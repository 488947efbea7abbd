#include "home.h"

#include "daemon_view.h"
#include "files/tree.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <lttng/lttng.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOME_VARIABLE    "LTTNG_HOME"
#define SYSTEM_DIRECTORY "/var/run/lttng"

/* LTTng takes the name for no group: nobody has it. */
#define NO_GROUP "ctrace:none"

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
    if (strlen(home->directory) + MAX_SOCKET_NAME > sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return fail(error, ENAMETOOLONG, home->directory);
    if (home->temporary != NULL && g_mkdir(home->temporary, 0700) != 0 && errno != EEXIST)
        return fail(error, errno, home->temporary);
    if (home->temporary != NULL && !is_private(home->temporary))
        return fail(error, EEXIST, home->temporary);
    if (g_mkdir(home->directory, geteuid() == 0 ? 0755 : 0700) != 0 && errno != EEXIST)
        return fail(error, errno, home->directory);
    return access(home->directory, R_OK | W_OK | X_OK) == 0 || fail(error, errno, home->directory);
}

/* Of a daemon that cannot work for us. */
static gboolean refuse(const char *directory, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PERM,
                "LTTng's session daemon in %s is outside of this container, or in another: it "
                "cannot see what runs here",
                directory);
    return FALSE;
}

gboolean ct_home_hide_others(struct ct_private_mounts *mounts, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (geteuid() != 0 || !ct_daemon_is_elsewhere(SYSTEM_DIRECTORY) ||
        ct_private_mounts_enter(mounts, SYSTEM_DIRECTORY, &cause))
        return TRUE;
    refuse(SYSTEM_DIRECTORY, error);
    g_prefix_error(error, "%s; ", cause->message);
    return FALSE;
}

static gboolean use(struct ct_home *home, const char *path, gboolean is_temporary, GError **error)
{
    home->directory = g_build_filename(path, ".lttng", NULL);
    home->temporary = is_temporary ? g_strdup(path) : NULL;
    gboolean is_usable = ct_home_make(home, error);
    if (is_usable && ct_daemon_is_elsewhere(home->directory))
        is_usable = refuse(home->directory, error);
    if (!is_usable) {
        ct_home_clear(home);
        return FALSE;
    }
    g_setenv(HOME_VARIABLE, path, TRUE);
    return TRUE;
}

/* A name that only our pid namespace has: other containers' are elsewhere. Caller frees. */
static char *make_container_home(const char *temporary)
{
    struct stat status = {.st_ino = 0};

    stat("/proc/self/ns/pid", &status);
    return g_strdup_printf("%s-%" G_GUINT64_FORMAT, temporary, (guint64)status.st_ino);
}

/* One with a random name, which an earlier recording of this user made there. */
static gboolean use_found(struct ct_home *home, const char *folder, const char *prefix)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_str_has_prefix(name, prefix) && is_private(path) && use(home, path, TRUE, NULL))
            return TRUE;
    }
    return FALSE;
}

/*
 * In a folder in which others may have taken whatever name they know; under the same name for all
 * recordings of the user if it can be: they share a daemon, and recover finds it.
 */
static gboolean use_temporary(struct ct_home *home, const char *folder, GError **error)
{
    g_autofree char *name = g_strdup_printf("ctrace-home-%u", (unsigned)geteuid());
    g_autofree char *prefix = g_strconcat(name, ".", NULL);
    g_autofree char *shared = g_build_filename(folder, name, NULL);
    g_autofree char *own = make_container_home(shared);
    g_autofree char *fresh = g_strconcat(shared, ".XXXXXX", NULL);

    if (use(home, shared, TRUE, NULL) || use(home, own, TRUE, NULL) ||
        use_found(home, folder, prefix))
        return TRUE;
    if (g_mkdtemp(fresh) == NULL)
        return fail(error, errno, fresh);
    if (use(home, fresh, TRUE, error))
        return TRUE;
    g_rmdir(fresh);
    return FALSE;
}

gboolean ct_home_find(struct ct_home *home, GError **error)
{
    const char *wanted = g_getenv(HOME_VARIABLE);
    g_autoptr(GError) cause = NULL;

    *home = (struct ct_home){0};
    if (geteuid() == 0) { /* LTTng's own rule */
        home->directory = g_strdup(SYSTEM_DIRECTORY);
        return ct_home_make(home, error);
    }
    /* By LTTng's own rule those of its group prefer root's. */
    if (ct_daemon_is_elsewhere(SYSTEM_DIRECTORY))
        lttng_set_tracing_group(NO_GROUP);
    if (use(home, wanted != NULL ? wanted : g_get_home_dir(), FALSE, &cause))
        return TRUE;
    if (wanted != NULL && !g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_PERM)) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return FALSE;
    }
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    return (runtime != NULL && is_private(runtime) && use_temporary(home, runtime, NULL)) ||
           use_temporary(home, g_get_tmp_dir(), error);
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
