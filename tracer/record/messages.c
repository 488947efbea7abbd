#include "messages.h"

#include <fcntl.h>
#include <glib.h>
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
static void write_as_it_is(const char *text)
{
    fputs(text, stderr);
    fflush(stderr);
}

void ct_messages_init(void)
{
    fill_closed_streams();
    setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: times are read and written with a point */
    g_set_printerr_handler(write_as_it_is);
}
