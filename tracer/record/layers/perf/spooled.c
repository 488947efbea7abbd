#include "spooled.h"

#include "spool/spool.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

gboolean ct_spooled_add(struct ct_spooled *spooled, const struct ct_ring *ring)
{
    const struct ct_rings *rings = spooled->rings;
    int fd = ct_spool_create(spooled->folder, rings->kind, &rings->formats, ring->cpu);

    spooled->spool_fds[ring - rings->rings] = fd;
    return fd >= 0;
}

static gboolean create_all(struct ct_spooled *spooled)
{
    for (guint i = 0; i < spooled->rings->capacity; i++)
        spooled->spool_fds[i] = -1;
    for (guint i = 0; i < spooled->rings->count; i++) {
        if (!ct_spooled_add(spooled, &spooled->rings->rings[i]))
            return FALSE;
    }
    return TRUE;
}

struct ct_spooled *ct_spooled_new(struct ct_rings *rings, struct ct_capture_context *context,
                                  char **why_not)
{
    struct ct_spooled *spooled = g_new0(struct ct_spooled, 1);

    spooled->rings = rings;
    spooled->folder = g_strdup(context->folder);
    spooled->spool_fds = g_new(int, rings->capacity);
    if (!create_all(spooled)) {
        *why_not = g_strdup_printf("cannot write to %s: %s", context->folder, g_strerror(errno));
        ct_spooled_free(spooled);
        return NULL;
    }
    if (context->given == 0 || rings->kind < context->kind) {
        context->kind = rings->kind;
        context->formats = rings->formats;
    }
    return spooled;
}

void ct_spooled_begin(void *opened, uint64_t time_ns)
{
    const struct ct_spooled *spooled = opened;

    (void)time_ns;
    ct_rings_begin(spooled->rings);
}

void ct_spooled_list_fds(const void *opened, GArray *fds)
{
    const struct ct_spooled *spooled = opened;

    for (guint i = 0; i < spooled->rings->count; i++) {
        struct pollfd fd = {.fd = spooled->rings->rings[i].fds[0], .events = POLLIN};

        g_array_append_val(fds, fd);
    }
}

gboolean ct_spooled_drain(void *opened, gboolean *has_new_fds)
{
    struct ct_spooled *spooled = opened;

    (void)has_new_fds;
    for (guint i = 0; i < spooled->rings->count; i++) {
        if (ct_ring_drain(&spooled->rings->rings[i], spooled->spool_fds[i]))
            continue;
        errno = errno != 0 ? errno : EIO;
        return FALSE;
    }
    return TRUE;
}

void ct_spooled_end(void *opened)
{
    const struct ct_spooled *spooled = opened;

    ct_rings_end(spooled->rings);
}

static gboolean close_files(struct ct_spooled *spooled)
{
    int error = 0;

    for (guint i = 0; spooled->spool_fds != NULL && i < spooled->rings->capacity; i++) {
        if (spooled->spool_fds[i] >= 0 && close(spooled->spool_fds[i]) != 0)
            error = errno;
    }
    g_clear_pointer(&spooled->spool_fds, g_free);
    errno = error;
    return error == 0;
}

gboolean ct_spooled_close(void *opened, char **missing)
{
    (void)missing;
    return close_files(opened);
}

void ct_spooled_release(void *opened)
{
    struct ct_spooled *spooled = opened;

    if (spooled->rings != NULL)
        ct_rings_free_aside(g_steal_pointer(&spooled->rings));
}

void ct_spooled_free(void *opened)
{
    struct ct_spooled *spooled = opened;

    if (spooled->rings != NULL)
        close_files(spooled);
    ct_rings_free(spooled->rings);
    g_free(spooled->spool_fds);
    g_free(spooled->folder);
    g_free(spooled);
}
