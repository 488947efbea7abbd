#include "cli/sibling.h"

#include <unistd.h>

char *ct_sibling_find(const char *command)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname(self) : NULL;
    g_autofree char *name = g_strdup_printf("ctrace-%s", command);
    char *path = folder ? g_build_filename(folder, name, NULL) : NULL;

    if (path && access(path, X_OK) == 0)
        return path;
    g_free(path);
    return NULL;
}
