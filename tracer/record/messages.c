#include "messages.h"

#include "text/safe_text.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

/* A file of ours with stderr's number would get the messages. Closed on exec: the program finds the
 * stream as closed as it would without us. */
static void fill_closed_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* GLib would write a ? for what the locale cannot say, and LANG is often not set at all. */
static void write_safely(const char *text)
{
    g_autofree char *safe = ct_safe_lines(text);

    fputs(safe, stderr);
    fflush(stderr);
}

void ct_message(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *safe = ct_safe_line(text);

    g_printerr("%s\n", safe);
}

void ct_messages_init(void)
{
    fill_closed_streams();
    setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: times are read and written with a point */
    g_set_printerr_handler(write_safely);
}
