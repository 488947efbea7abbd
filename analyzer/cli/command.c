#include "cli/command.h"

#include "cli/recording.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH 100
#define WIDTH_MIN     40
#define WIDTH_MAX     1000

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

/* What $COLUMNS says counts for more than what the terminal is. */
guint ct_command_width(void)
{
    struct winsize size;
    guint64 columns;

    if (g_ascii_string_to_unsigned(g_getenv("COLUMNS") ? g_getenv("COLUMNS") : "", 10, 1, G_MAXUINT,
                                   &columns, NULL))
        return (guint)CLAMP(columns, WIDTH_MIN, WIDTH_MAX);
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return CLAMP(size.ws_col, WIDTH_MIN, WIDTH_MAX);
}

gboolean ct_command_check_width(int width, GError **error)
{
    if (width == 0 || (width >= WIDTH_MIN && width <= WIDTH_MAX))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--width=%d is not between %d and %d", width, WIDTH_MIN, WIDTH_MAX);
    return FALSE;
}

int ct_command_print_version(void)
{
    return printf("ctrace %s\n", CTRACE_VERSION) < 0 || fflush(stdout) != 0;
}
