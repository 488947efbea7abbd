#include "cli/debug_files.h"

#include "cli/progress.h"
#include "cli/say.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

/* elfutils' own library, by its stable interface: loaded only where it is needed, since it brings
 * an HTTP client of some thirty libraries with it. */
#define LIBRARY "libdebuginfod.so.1"

struct client_library {
    void *handle; /* owned */
    void *(*begin)(void);
    void (*end)(void *client);
    int (*find)(void *client, const unsigned char *build_id, int length, char **path);
};

void ct_debug_files_init(struct ct_debug_files *files)
{
    const char *servers = g_getenv("DEBUGINFOD_URLS");

    files->paths =
        servers && *servers ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free) : NULL;
}

void ct_debug_files_clear(struct ct_debug_files *files)
{
    g_clear_pointer(&files->paths, g_hash_table_unref);
}

static gboolean load(struct client_library *library)
{
    library->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library->handle)
        return FALSE;
    *(void **)&library->begin = dlsym(library->handle, "debuginfod_begin");
    *(void **)&library->end = dlsym(library->handle, "debuginfod_end");
    *(void **)&library->find = dlsym(library->handle, "debuginfod_find_debuginfo");
    return library->begin && library->end && library->find;
}

/* What the child says is not believed: it goes into a URL. */
static gboolean is_build_id(const char *text)
{
    size_t length = 0;

    while (length < CT_BUILD_ID_SIZE && g_ascii_isxdigit(text[length]))
        length++;
    return length >= 8 && length % 2 == 0 && length < CT_BUILD_ID_SIZE && text[length] == '\0';
}

/* struct of char *, borrowed from the activity: those that nobody has asked for. */
static GPtrArray *list_wanted(const struct ct_debug_files *files,
                              const struct ct_activity *activity)
{
    GPtrArray *wanted = g_ptr_array_new();

    for (guint i = 0; i < MIN(activity->lacking_count, CT_LACKING_MAX); i++) {
        const char *build_id = activity->lacking[i];

        if (is_build_id(build_id) && !g_hash_table_contains(files->paths, build_id))
            g_ptr_array_add(wanted, (void *)build_id);
    }
    return wanted;
}

/* With length 0 it is taken as hexadecimal. */
static gboolean ask(struct ct_debug_files *files, const struct client_library *library,
                    void *client, const char *build_id)
{
    char *path = NULL;
    int fd = library->find(client, (const unsigned char *)build_id, 0, &path);

    if (fd >= 0)
        close(fd);
    g_hash_table_insert(files->paths, g_strdup(build_id), g_strdup(fd >= 0 && path ? path : ""));
    free(path);
    return fd >= 0;
}

static gboolean ask_all(struct ct_debug_files *files, const struct client_library *library,
                        const GPtrArray *wanted)
{
    void *client = library->begin();
    struct ct_progress progress;
    guint found = 0;

    if (!client)
        return FALSE;
    ct_progress_begin(&progress);
    for (guint i = 0; i < wanted->len; i++) {
        ct_progress_show(&progress, "Asking for debug files", (double)i / wanted->len);
        found += ask(files, library, client, wanted->pdata[i]);
    }
    ct_progress_end(&progress);
    library->end(client);
    return found > 0;
}

gboolean ct_debug_files_fetch(struct ct_debug_files *files, const struct ct_activity *activity)
{
    struct client_library library = {0};

    if (!files->paths || activity->lacking_count == 0)
        return FALSE;
    g_autoptr(GPtrArray) wanted = list_wanted(files, activity);

    if (wanted->len == 0)
        return FALSE;
    if (load(&library))
        return ask_all(files, &library, wanted);
    ct_say("DEBUGINFOD_URLS is set, but no server is asked: " LIBRARY
           " is not here (package libdebuginfod1)");
    ct_debug_files_clear(files);
    return FALSE;
}
