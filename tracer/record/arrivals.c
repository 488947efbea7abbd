#include "arrivals.h"

#include <sys/inotify.h>
#include <unistd.h>

struct ct_arrivals {
    int fd;
    gboolean has_missed;
    ssize_t at, size; /* of the events that were read */
    union {
        struct inotify_event align;
        char bytes[4096];
    } buffer;
};

struct ct_arrivals *ct_arrivals_new(const char *folder)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd < 0)
        return NULL;
    if (inotify_add_watch(fd, folder, IN_CREATE) < 0) {
        close(fd);
        return NULL;
    }
    struct ct_arrivals *arrivals = g_new0(struct ct_arrivals, 1);
    arrivals->fd = fd;
    return arrivals;
}

int ct_arrivals_fd(const struct ct_arrivals *arrivals)
{
    return arrivals->fd;
}

const char *ct_arrivals_next(struct ct_arrivals *arrivals)
{
    for (;;) {
        if (arrivals->at >= arrivals->size) {
            arrivals->at = 0;
            arrivals->size = read(arrivals->fd, &arrivals->buffer, sizeof(arrivals->buffer));
        }
        if (arrivals->size <= 0)
            return NULL;
        const struct inotify_event *event = (const void *)(arrivals->buffer.bytes + arrivals->at);
        arrivals->at += (ssize_t)(sizeof(*event) + event->len);
        if (event->mask & IN_Q_OVERFLOW)
            arrivals->has_missed = TRUE;
        if (event->len > 0)
            return event->name;
    }
}

gboolean ct_arrivals_missed_some(struct ct_arrivals *arrivals)
{
    gboolean has_missed = arrivals->has_missed;

    arrivals->has_missed = FALSE;
    return has_missed;
}

void ct_arrivals_free(struct ct_arrivals *arrivals)
{
    if (arrivals == NULL)
        return;
    close(arrivals->fd);
    g_free(arrivals);
}
