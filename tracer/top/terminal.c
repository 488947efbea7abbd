#include "terminal.h"

#include <term.h>
#include <unistd.h>

static gboolean can_move_cursor(void)
{
    int status;

    if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
        return FALSE;
    gboolean can = tigetstr("cup") != NULL;

    del_curterm(cur_term);
    return can;
}

SCREEN *ct_terminal_open(GError **error)
{
    const char *name = g_getenv("TERM");

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "there is no terminal to show the table in: --once prints a table");
        return NULL;
    }
    if (can_move_cursor()) {
        SCREEN *terminal = newterm(NULL, stdout, stdin);

        if (terminal != NULL)
            return terminal;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "TERM=%s is no terminal in which a table can be shown: --once prints a table",
                name != NULL ? name : "");
    return NULL;
}
