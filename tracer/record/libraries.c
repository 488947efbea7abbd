#include "libraries.h"

#include "system/monotonic.h"

#include <dlfcn.h>
#include <string.h>

/* Between the names in LD_PRELOAD; nothing quotes them. */
#define LOADER_SEPARATORS " :"

/* In a build tree, and in an installed one, seen from where this program is. */
static char *find_library(const char *name, GError **error)
{
    static const char *const places[] = {"../lib", CTRACE_LIBRARY_PLACE};
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *programs = self != NULL ? g_path_get_dirname(self) : g_strdup("/");

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *place = g_build_filename(programs, places[i], name, NULL);
        g_autofree char *path = g_canonicalize_filename(place, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                "%s is missing beside %s: install ctrace again", name, programs);
    return NULL;
}

static char *find_preloaded(const char *name, GError **error)
{
    g_autofree char *path = find_library(name, error);

    if (path == NULL || strpbrk(path, LOADER_SEPARATORS) == NULL)
        return g_steal_pointer(&path);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "the system's loader would take the space or colon in %s for the end of a name: "
                "install ctrace to another place",
                path);
    return NULL;
}

char *ct_preload_find(const char *heap_library, GError **error)
{
    g_autofree char *preload = find_preloaded(CT_PRELOAD_LIBRARY, error);

    if (preload == NULL || heap_library == NULL)
        return g_steal_pointer(&preload);
    g_autofree char *heap = find_preloaded(heap_library, error);
    return heap != NULL ? g_strdup_printf("%s:%s", heap, preload) : NULL;
}

char *ct_clock_find(void)
{
    return ct_monotonic_is_shifted() ? find_library(CT_CLOCK_LIBRARY, NULL) : NULL;
}

const struct ct_writer *ct_writer_load(GError **error)
{
    g_autofree char *path = find_library(CT_WRITER_LIBRARY, error);
    const struct ct_writer *writer = NULL;

    if (path == NULL)
        return NULL;
    /* Our own events may wait for buffer space. */
    g_setenv("LTTNG_UST_ALLOW_BLOCKING", "1", TRUE);
    /* LTTng would read all of our libraries' build ids, twice: 10 ms. */
    g_setenv("LTTNG_UST_WITHOUT_BADDR_STATEDUMP", "1", TRUE);
    /* Times are those of the traced programs. */
    g_unsetenv(CT_CLOCK_VARIABLE);
    g_unsetenv("LTTNG_UST_GETCPU_PLUGIN");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL)
        writer = dlsym(library, CT_WRITER_SYMBOL);
    if (writer == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot load %s: %s", path,
                    dlerror());
    } else if (!writer->set_clock(ct_monotonic_ns)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "LTTng does not take our clock");
        return NULL;
    }
    return writer;
}
