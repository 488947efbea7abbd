#include "cli/command.h"

#include "cli/recording.h"

#include <stdio.h>

const char *ct_command_directory(char *const *named, GError **error)
{
    if (!named || !named[0])
        return CT_DEFAULT_DIRECTORY;
    if (!named[1])
        return named[0];
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "more than one directory is named: '%s'", named[1]);
    return NULL;
}

int ct_command_print_version(void)
{
    return printf("ctrace %s\n", CTRACE_VERSION) < 0 || fflush(stdout) != 0;
}
