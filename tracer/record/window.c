#include "window.h"

#include "asked.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int left_ms(gint64 until_us)
{
    gint64 left_us = until_us - g_get_monotonic_time();

    return left_us > 0 ? (int)MIN((left_us + 999) / 1000, INT_MAX) : 0;
}

/* A recorder that ends hangs up. */
static void await_end(int recorder_fd, const struct ct_window_order *order)
{
    const gint64 until_us = g_get_monotonic_time() + (gint64)(order->duration_ns / 1000);
    int ending_fd = signalfd(-1, order->endings, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pollfd polled[] = {{recorder_fd, POLLIN, 0}, {ending_fd, POLLIN, 0}};
    struct signalfd_siginfo ending;

    while (left_ms(until_us) > 0) {
        int count = poll(polled, G_N_ELEMENTS(polled), left_ms(until_us));
        if (count > 0 || (count < 0 && errno != EINTR))
            break;
    }
    if (ending_fd < 0)
        return;
    while (read(ending_fd, &ending, sizeof(ending)) == sizeof(ending))
        continue;
    close(ending_fd);
}

enum ct_window_end ct_window_record(const struct ct_window_order *order, GError **error)
{
    g_autoptr(GError) refusal = NULL;
    enum ct_window_end end = CT_WINDOW_NONE;
    int fd = ct_asked_connect(order->socket, error);

    if (fd < 0)
        return CT_WINDOW_NONE;
    if (ct_asked_order(fd, "begin", error)) {
        await_end(fd, order);
        if (ct_asked_order(fd, "rest", &refusal))
            end = CT_WINDOW_RESTS;
        else if (!g_error_matches(refusal, G_FILE_ERROR, G_FILE_ERROR_FAILED))
            end = CT_WINDOW_WRITTEN;
        else
            g_propagate_error(error, g_steal_pointer(&refusal));
    }
    close(fd);
    return end;
}
