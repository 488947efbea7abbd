#include "machine.h"

#include "hotplug.h"
#include "idle.h"
#include "schema/capture_words.h"
#include "spooled.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/*
 * What a busy CPU writes in some 50 ms: the recorder is woken when it is half full, to disturb the
 * program seldom.
 */
#define RING_SIZE ((size_t)2 << 20)

struct machine {
    int hotplug_fd;             /* readable when a CPU came on-line; -1: nobody tells */
    struct ct_rings *rings;     /* owned; until opened; NULL: they cannot be had */
    char *why_not;              /* owned; then */
    struct ct_spooled *spooled; /* owned; once opened */
    GArray *came;               /* owned; uint32_t: CPUs that came on-line; the drainer's */
    GMutex lock;                /* of is_begun, and of rings that are opened again */
    gboolean is_begun;
};

/* Of lives only. */
#define LIVES_RING_SIZE ((size_t)256 << 10)

/* No tracepoints: somebody else tells when tasks are on a CPU, and nobody else what they map. */
static gboolean is_of_lives(const struct ct_formats *formats)
{
    return formats->switch_id == 0;
}

/* Names, forks and exits: what no tracepoint is needed for. */
static gboolean open_life(struct ct_ring *ring, gboolean with_mappings)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
        .mmap = with_mappings != 0,
        .mmap2 = with_mappings != 0,
    };

    return ct_ring_open(ring, &attributes, -1, with_mappings ? LIVES_RING_SIZE : RING_SIZE);
}

static gboolean add_tracepoint(struct ct_ring *ring, size_t index, uint64_t id)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_period = 1,
        .disabled = 1,
    };

    return ct_ring_add(ring, index, &attributes, -1);
}

/* Forks, names and exits come at once, the rest once they begin. */
static gboolean open_ring(void *user, struct ct_ring *ring)
{
    const struct ct_formats *formats = user;

    if (is_of_lives(formats))
        return open_life(ring, TRUE);
    return open_life(ring, FALSE) && add_tracepoint(ring, 1, formats->switch_id) &&
           add_tracepoint(ring, 2, formats->waking_id);
}

/* From now on, who comes on the ring's CPU is told once more: see idle.h. */
static gboolean add_arrivals(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .context_switch = 1,
    };

    return ct_ring_add(ring, CT_RING_FDS - 1, &attributes, -1);
}

static struct ct_rings *open_rings(gboolean with_tracepoints, char **why_not)
{
    struct ct_rings *rings = ct_rings_new(CT_RINGS_MACHINE);

    if (!with_tracepoints || ct_formats_read(&rings->formats, FALSE, why_not))
        return ct_rings_open_or_explain(rings, open_ring, &rings->formats, ct_rings_explain,
                                        why_not);
    ct_rings_free(rings);
    return NULL;
}

static struct machine *prepare(gboolean with_tracepoints)
{
    struct machine *machine = g_new0(struct machine, 1);

    /* Before the rings: no CPU comes unnoticed. */
    machine->hotplug_fd = ct_hotplug_open();
    machine->rings = open_rings(with_tracepoints, &machine->why_not);
    machine->came = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_mutex_init(&machine->lock);
    return machine;
}

static void *prepare_machine(unsigned *promised)
{
    struct machine *machine = prepare(TRUE);

    if (machine->rings != NULL)
        *promised |= ct_perf_machine.gives;
    return machine;
}

static void *prepare_lives(unsigned *promised)
{
    (void)promised;
    return prepare(FALSE);
}

static void free_machine(void *opened)
{
    struct machine *machine = opened;

    if (machine->spooled != NULL)
        ct_spooled_free(machine->spooled);
    ct_rings_free(machine->rings);
    if (machine->hotplug_fd >= 0)
        close(machine->hotplug_fd);
    g_array_unref(machine->came);
    g_mutex_clear(&machine->lock);
    g_free(machine->why_not);
    g_free(machine);
}

static void *open_machine(struct ct_capture_context *context, void *prepared, char **missing)
{
    struct machine *machine = prepared != NULL ? prepared : prepare(TRUE);

    if (machine->rings != NULL)
        machine->spooled =
            ct_spooled_new(g_steal_pointer(&machine->rings), context, &machine->why_not);
    if (machine->spooled == NULL) {
        *missing = g_steal_pointer(&machine->why_not);
        free_machine(machine);
        return NULL;
    }
    machine->is_begun = context->is_begun;
    if (machine->is_begun)
        ct_rings_begin(machine->spooled->rings);
    return machine;
}

static void begin_machine(void *opened, uint64_t time_ns)
{
    struct machine *machine = opened;

    g_mutex_lock(&machine->lock);
    machine->is_begun = TRUE;
    ct_spooled_begin(machine->spooled, time_ns);
    g_mutex_unlock(&machine->lock);
}

static void list_machine_fds(const void *opened, GArray *fds)
{
    const struct machine *machine = opened;
    const struct pollfd fd = {.fd = machine->hotplug_fd, .events = POLLIN};

    g_array_append_val(fds, fd);
    ct_spooled_list_fds(machine->spooled, fds);
}

static void note_came(struct machine *machine, uint32_t cpu)
{
    for (guint i = 0; i < machine->came->len; i++) {
        if (g_array_index(machine->came, uint32_t, i) == cpu)
            return;
    }
    g_array_append_val(machine->came, cpu);
}

/*
 * CPU `cpu` came on-line: it has lost the events of its ring, whose data were drained, or had none.
 * Its records go on in the file that it has, if it was there before. FALSE and errno if there can
 * be no file.
 */
static gboolean reopen_ring(struct machine *machine, uint32_t cpu)
{
    struct ct_rings *rings = machine->spooled->rings;
    guint count = rings->count;
    struct ct_ring *ring = ct_rings_find_or_add(rings, cpu);

    if (machine->is_begun)
        note_came(machine, cpu);
    if (ring == NULL)
        return TRUE;
    ct_ring_close(ring);
    if (open_ring(&rings->formats, ring)) {
        if (machine->is_begun)
            ct_ring_control(ring, PERF_EVENT_IOC_ENABLE);
    } else {
        ct_ring_close(ring);
    }
    return rings->count == count || ct_spooled_add(machine->spooled, ring);
}

static gboolean reopen_rings(struct machine *machine, gboolean *has_new_fds)
{
    gboolean is_written = TRUE;
    uint32_t cpu;

    while (is_written && ct_hotplug_read(machine->hotplug_fd, &cpu)) {
        g_mutex_lock(&machine->lock);
        is_written = reopen_ring(machine, cpu);
        g_mutex_unlock(&machine->lock);
        *has_new_fds = TRUE;
    }
    return is_written;
}

static gboolean drain_machine(void *opened, gboolean *has_new_fds)
{
    struct machine *machine = opened;
    struct ct_rings *rings = machine->spooled->rings;

    /* Without arrivals, the analysis makes guesses, and says so. */
    for (guint i = 0; i < rings->count && !is_of_lives(&rings->formats); i++) {
        if (ct_idle_is_silent(&rings->rings[i], &rings->formats))
            (void)add_arrivals(&rings->rings[i]);
    }
    return ct_spooled_drain(machine->spooled, has_new_fds) && reopen_rings(machine, has_new_fds);
}

static void end_machine(void *opened)
{
    const struct machine *machine = opened;

    ct_spooled_end(machine->spooled);
}

/* What comes on-line has run for some moments when its events are opened. */
static gboolean close_machine(void *opened, char **missing)
{
    struct machine *machine = opened;
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < machine->came->len; i++)
        g_string_append_printf(list, "%s%u", i > 0 ? ", " : "",
                               g_array_index(machine->came, uint32_t, i));
    if (list->len > 0)
        *missing = g_strdup_printf("CPUs came on-line while recording (%s): their first moments",
                                   list->str);
    return ct_spooled_close(machine->spooled, missing);
}

static void release_machine(void *opened)
{
    const struct machine *machine = opened;

    ct_spooled_release(machine->spooled);
}

const struct ct_capture_source ct_perf_lives = {
    .layer = CT_LAYER_KERNEL,
    .origin = CT_FROM_PERF,
    .prepare = prepare_lives,
    .open = open_machine,
    .begin = begin_machine,
    .list_fds = list_machine_fds,
    .drain = drain_machine,
    .end = end_machine,
    .close = close_machine,
    .release = release_machine,
    .free = free_machine,
};

const struct ct_capture_source ct_perf_machine = {
    .layer = CT_LAYER_KERNEL,
    .origin = CT_FROM_PERF,
    .tells = "wake-ups and who ran instead",
    .gives = CT_GIVES_SCHED,
    .prepare = prepare_machine,
    .open = open_machine,
    .begin = begin_machine,
    .list_fds = list_machine_fds,
    .drain = drain_machine,
    .end = end_machine,
    .close = close_machine,
    .release = release_machine,
    .free = free_machine,
};
