#include "shell_word.h"

#include <string.h>

/* Which mean themselves wherever they are in a word; so does what is not ASCII. */
static gboolean is_plain(const char *text)
{
    static const char safe[] = "/._-+=:,@%";

    if (!*text)
        return FALSE;
    for (; *text; text++) {
        if (!g_ascii_isalnum(*text) && (guchar)*text < 0x80 && !strchr(safe, *text))
            return FALSE;
    }
    return TRUE;
}

char *ct_shell_word(const char *text)
{
    return is_plain(text) ? g_strdup(text) : g_shell_quote(text);
}

char *ct_shell_path(const char *path)
{
    g_autofree char *plain = *path == '-' ? g_strconcat("./", path, NULL) : g_strdup(path);

    return ct_shell_word(plain);
}
