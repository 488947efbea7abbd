#include "shed.h"

#include <glib.h>
#include <unistd.h>

#define LOADER_VARIABLE "LD_PRELOAD"

/* Its value meanwhile. */
#define KEPT_VARIABLE "CTRACE_PROGRAM_PRELOAD"

void ct_shed_preloads(char **argv)
{
    g_autofree char *libraries = g_strdup(g_getenv(LOADER_VARIABLE));
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

    /* The second time: a recorder that is itself recorded has one again. */
    if (libraries == NULL || libraries[0] == '\0' || self == NULL ||
        g_getenv(KEPT_VARIABLE) != NULL)
        return;
    g_setenv(KEPT_VARIABLE, libraries, TRUE);
    g_unsetenv(LOADER_VARIABLE);
    execv(self, argv);
    g_setenv(LOADER_VARIABLE, libraries, TRUE);
    g_unsetenv(KEPT_VARIABLE);
}

char **ct_shed_environment(void)
{
    char **environment = g_get_environ();
    const char *libraries = g_environ_getenv(environment, KEPT_VARIABLE);

    if (libraries == NULL)
        return environment;
    environment = g_environ_setenv(environment, LOADER_VARIABLE, libraries, TRUE);
    return g_environ_unsetenv(environment, KEPT_VARIABLE);
}
