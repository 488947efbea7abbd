#include "serve/say.h"

#include "text/safe_text.h"

void ct_serve_say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *safe = ct_safe_lines(text);

    g_printerr("ctrace serve: %s\n", safe);
}
