#include "text/names.h"

#include <glib.h>
#include <string.h>

char *ct_names_list(char *const *names, const char *last_separator)
{
    GString *list = g_string_new(NULL);

    for (char *const *name = names; *name; name++) {
        if (name > names)
            g_string_append(list, name[1] ? ", " : last_separator);
        g_string_append_len(list, *name, (gssize)strcspn(*name, "\t"));
    }
    return g_string_free(list, FALSE);
}
