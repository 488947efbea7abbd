#include "cli/say.h"

#include "text/safe_text.h"

#include <stdio.h>

#define EXIT_USAGE 2

void ct_say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *safe = ct_safe_line(text);

    fprintf(stderr, "%s: %s\n", g_get_prgname(), safe);
}

int ct_say_usage(const GError *error)
{
    ct_say("%s (see %s --help)", error->message, g_get_prgname());
    return EXIT_USAGE;
}

void ct_say_bytes(GBytes *said)
{
    gsize size;
    const void *data = g_bytes_get_data(said, &size);

    if (size > 0)
        fwrite(data, 1, size, stderr);
}

void ct_say_all(const GPtrArray *lines)
{
    for (guint i = 0; i < lines->len; i++)
        ct_say("%s", (const char *)lines->pdata[i]);
}
