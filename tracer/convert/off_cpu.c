#include "off_cpu.h"

#include "off_cpu_records.h"

#include <string.h>

/* Greater numbers are no CPUs. */
#define CPUS_MAX 4096

/* So many places are known of whose stacks may stand for others'. */
#define PLACES_MAX (1U << 20)

/* What one record tells of a moment, in the order of those that are at the same time. */
enum part { PART_BEGIN, PART_LOSS, PART_FD, PART_WAKING, PART_WAKER, PART_LEAVE, PART_BACK };

/* The record's place in the file, and what of it. */
struct moment {
    uint64_t time_ns;
    uint64_t offset : 56;
    uint64_t part : 8;
};
_Static_assert(sizeof(struct moment) == 16, "there are many of them");

/* What of a moment comes next: PART_LEAVE has all of these but the last, PART_BACK the last two. */
enum step { STEP_ENTRY, STEP_CALLERS, STEP_SWITCH, STEP_EXIT };

struct cpu {
    GArray *moments; /* owned; struct moment */
    guint next;
    enum step step;
    uint64_t switch_ns; /* of the last switch that was told */
};

/* Where a thread was: twice at the same place, by the same way. */
struct place {
    int32_t tid;
    int32_t number;
    uint64_t argument;
    uint64_t instruction;
    uint64_t stack_pointer;
};

struct ct_off_cpu_reader {
    struct ct_spool *spool; /* owned */
    GArray *cpus;           /* owned; struct cpu */
    GHashTable *places;     /* owned; struct place * -> owned uint64_t *, offset of a record */
};

/* ---- The file ---- */

static const struct ct_off_cpu *off_at(const struct ct_off_cpu_reader *reader, uint64_t offset)
{
    return (const void *)(reader->spool->data + offset);
}

/* What its flags say is there, is. */
static gboolean is_whole(const struct ct_off_cpu *off)
{
    size_t size = offsetof(struct ct_off_cpu, number);

    if (off->flags & (CT_OFF_CPU_HAS_CALL | CT_OFF_CPU_HAS_REASON))
        size = offsetof(struct ct_off_cpu, registers);
    if (off->flags & CT_OFF_CPU_HAS_STACK)
        size = off->frame_count > 0 ? sizeof(*off)
                                    : offsetof(struct ct_off_cpu, stack) +
                                          MIN(off->stack_size, CT_OFF_CPU_STACK_SIZE);
    return off->header.size >= size && off->stack_size <= CT_OFF_CPU_STACK_SIZE;
}

static struct cpu *get_cpu(const struct ct_off_cpu_reader *reader, uint32_t number)
{
    if (number >= CPUS_MAX)
        return NULL;
    while (number >= reader->cpus->len) {
        const struct cpu cpu = {.moments = g_array_new(FALSE, FALSE, sizeof(struct moment))};

        g_array_append_val(reader->cpus, cpu);
    }
    return &g_array_index(reader->cpus, struct cpu, number);
}

static void add_moment(struct ct_off_cpu_reader *reader, uint32_t number, enum part part,
                       uint64_t time_ns, uint64_t offset)
{
    const struct cpu *cpu = get_cpu(reader, number);
    const struct moment moment = {.time_ns = time_ns, .offset = offset, .part = part};

    if (cpu != NULL && time_ns != 0)
        g_array_append_val(cpu->moments, moment);
}

/* ---- Places ---- */

static guint place_hash(const void *data)
{
    const struct place *place = data;
    uint64_t mixed = ((uint64_t)(uint32_t)place->tid << 32 | (uint32_t)place->number) * 31;

    mixed = ((mixed + place->argument) * 31 + place->instruction) * 31 + place->stack_pointer;
    return (guint)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static gboolean place_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct place)) == 0;
}

static struct place place_of(const struct ct_off_cpu *off)
{
    return (struct place){.tid = off->task.tid,
                          .number = (int32_t)off->number,
                          .argument = off->arguments[0],
                          .instruction = off->instruction,
                          .stack_pointer = off->stack_pointer};
}

static void note_place(struct ct_off_cpu_reader *reader, const struct ct_off_cpu *off,
                       uint64_t offset)
{
    const struct place place = place_of(off);
    uint64_t *known = g_hash_table_lookup(reader->places, &place);

    if (known != NULL)
        *known = offset;
    else if (g_hash_table_size(reader->places) < PLACES_MAX)
        g_hash_table_insert(reader->places, g_memdup2(&place, sizeof(place)),
                            g_memdup2(&offset, sizeof(offset)));
}

/* A record that has a stack, of the same place if the record itself has none. NULL: none has. */
static const struct ct_off_cpu *find_stack(struct ct_off_cpu_reader *reader,
                                           const struct ct_off_cpu *off, uint64_t offset)
{
    const struct place place = place_of(off);
    const uint64_t *known;

    if (off->flags & CT_OFF_CPU_HAS_STACK) {
        note_place(reader, off, offset);
        return off;
    }
    known = g_hash_table_lookup(reader->places, &place);
    return known != NULL ? off_at(reader, *known) : NULL;
}

/* ---- The order of time ---- */

static int compare_moments(const void *a, const void *b)
{
    const struct moment *first = a, *second = b;

    if (first->time_ns != second->time_ns)
        return first->time_ns < second->time_ns ? -1 : 1;
    if (first->part != second->part)
        return first->part < second->part ? -1 : 1;
    return (first->offset > second->offset) - (first->offset < second->offset);
}

static void add_span(struct ct_off_cpu_reader *reader, const struct ct_off_cpu *off,
                     uint64_t offset)
{
    if (!is_whole(off))
        return;
    add_moment(reader, off->left_cpu, PART_LEAVE, off->left_ns, offset);
    add_moment(reader, off->woken_cpu, PART_WAKING, off->woken_ns, offset);
    add_moment(reader, off->back_cpu, PART_BACK, off->back_ns, offset);
    if (off->flags & CT_OFF_CPU_HAS_STACK)
        note_place(reader, off, offset);
}

/* In the time of a loss, all that a CPU told is in doubt. */
static void drop_lossy(const struct cpu *cpu, const struct ct_off_cpu_loss *loss)
{
    guint kept = 0;

    for (guint i = 0; i < cpu->moments->len; i++) {
        const struct moment moment = g_array_index(cpu->moments, struct moment, i);

        if (moment.part >= PART_WAKING && moment.time_ns >= loss->since_ns &&
            moment.time_ns <= loss->until_ns)
            continue;
        g_array_index(cpu->moments, struct moment, kept++) = moment;
    }
    g_array_set_size(cpu->moments, kept);
}

/* A record of that type has at least so much. */
static size_t size_of_type(uint32_t type)
{
    switch (type) {
    case CT_OFF_CPU_SPAN:
    case CT_OFF_CPU_WAKER:
        return offsetof(struct ct_off_cpu, number);
    case CT_OFF_CPU_FD:
        return sizeof(struct ct_off_cpu_fd);
    case CT_OFF_CPU_LOSS:
        return sizeof(struct ct_off_cpu_loss);
    case CT_OFF_CPU_BEGIN:
        return sizeof(struct ct_off_cpu_begin);
    default:
        return SIZE_MAX;
    }
}

static void add_record(struct ct_off_cpu_reader *reader, uint64_t offset, GArray *losses)
{
    const struct ct_off_cpu *off = off_at(reader, offset);
    const struct ct_off_cpu_fd *fd = (const void *)off;
    const struct ct_off_cpu_loss *loss = (const void *)off;
    const struct ct_off_cpu_begin *begin = (const void *)off;

    if (off->header.size < size_of_type(off->header.type))
        return;
    switch (off->header.type) {
    case CT_OFF_CPU_SPAN:
        add_span(reader, off, offset);
        break;
    case CT_OFF_CPU_WAKER:
        if (is_whole(off) && off->flags & CT_OFF_CPU_HAS_STACK)
            add_moment(reader, off->left_cpu, PART_WAKER, off->left_ns, offset);
        break;
    case CT_OFF_CPU_FD:
        add_moment(reader, fd->cpu, PART_FD, fd->time_ns, offset);
        break;
    case CT_OFF_CPU_LOSS:
        add_moment(reader, loss->cpu, PART_LOSS, loss->until_ns, offset);
        g_array_append_val(losses, loss);
        break;
    default:
        add_moment(reader, 0, PART_BEGIN, begin->time_ns, offset);
        break;
    }
}

/* Of whole words, as they are written. */
static void index_records(struct ct_off_cpu_reader *reader, GArray *losses)
{
    const struct ct_spool *spool = reader->spool;
    uint64_t next = spool->next;

    while (next + sizeof(struct ct_off_cpu_header) <= spool->size) {
        uint16_t size = off_at(reader, next)->header.size;

        if (size < sizeof(struct ct_off_cpu_header) || size % sizeof(uint64_t) != 0 ||
            size > spool->size - next)
            break;
        add_record(reader, next, losses);
        next += size;
    }
}

struct ct_off_cpu_reader *ct_off_cpu_reader_new(struct ct_spool *spool)
{
    struct ct_off_cpu_reader *reader = g_rc_box_new0(struct ct_off_cpu_reader);
    g_autoptr(GArray) losses = g_array_new(FALSE, FALSE, sizeof(struct ct_off_cpu_loss *));

    reader->spool = spool;
    reader->cpus = g_array_new(FALSE, FALSE, sizeof(struct cpu));
    reader->places = g_hash_table_new_full(place_hash, place_equal, g_free, g_free);
    index_records(reader, losses);
    for (guint i = 0; i < losses->len; i++) {
        const struct ct_off_cpu_loss *loss =
            g_array_index(losses, const struct ct_off_cpu_loss *, i);
        const struct cpu *cpu = get_cpu(reader, loss->cpu);

        if (cpu != NULL)
            drop_lossy(cpu, loss);
    }
    for (guint i = 0; i < reader->cpus->len; i++)
        g_array_sort(get_cpu(reader, i)->moments, compare_moments);
    return reader;
}

struct ct_off_cpu_reader *ct_off_cpu_reader_ref(struct ct_off_cpu_reader *reader)
{
    return g_rc_box_acquire(reader);
}

static void clear(void *data)
{
    struct ct_off_cpu_reader *reader = data;

    for (guint i = 0; i < reader->cpus->len; i++)
        g_array_unref(get_cpu(reader, i)->moments);
    g_array_unref(reader->cpus);
    g_hash_table_unref(reader->places);
    ct_spool_free(reader->spool);
}

void ct_off_cpu_reader_unref(struct ct_off_cpu_reader *reader)
{
    g_rc_box_release_full(reader, clear);
}

struct ct_spool *ct_off_cpu_reader_spool(const struct ct_off_cpu_reader *reader)
{
    return reader->spool;
}

guint ct_off_cpu_reader_cpu_count(const struct ct_off_cpu_reader *reader)
{
    return reader->cpus->len;
}

/* ---- Records ---- */

/* The task loses its CPU: what it is in, from where, and who gets the CPU. */
static void tell_leave(struct ct_off_cpu_reader *reader, struct cpu *cpu,
                       const struct moment *moment, struct ct_raw_record *record)
{
    const struct ct_off_cpu *off = off_at(reader, moment->offset);
    gboolean has_call = (off->flags & CT_OFF_CPU_HAS_CALL) != 0;
    gboolean has_reason = (off->flags & CT_OFF_CPU_HAS_REASON) != 0;
    const struct ct_off_cpu *with_stack = NULL;

    record->pid = off->pid;
    record->tid = off->task.tid;
    if (cpu->step == STEP_ENTRY && (has_call || has_reason)) {
        if (has_reason)
            ct_off_cpu_fill_reason(record, off);
        else
            ct_off_cpu_fill_call(record, off, TRUE);
        cpu->step = STEP_CALLERS;
        return;
    }
    if (cpu->step == STEP_CALLERS)
        with_stack = find_stack(reader, off, moment->offset);
    if (with_stack != NULL) {
        ct_off_cpu_fill_callers(record, off, with_stack);
        cpu->step = STEP_SWITCH;
        return;
    }
    ct_off_cpu_fill_leave(record, off);
    cpu->switch_ns = moment->time_ns;
    cpu->next++;
    cpu->step = STEP_ENTRY;
}

/* Where the task is that wakes another one. */
static void tell_waker(const struct ct_off_cpu_reader *reader, const struct moment *moment,
                       struct ct_raw_record *record)
{
    const struct ct_off_cpu *off = off_at(reader, moment->offset);

    ct_off_cpu_fill_callers(record, off, off);
    record->kind = CT_RAW_WAKER;
    record->pid = off->pid;
    record->tid = off->task.tid;
}

/* The task gets a CPU, unless that was told by whom it follows, and its call is over. FALSE: there
 * is nothing (more) to tell. */
static gboolean tell_back(const struct ct_off_cpu_reader *reader, struct cpu *cpu,
                          const struct moment *moment, struct ct_raw_record *record)
{
    const struct ct_off_cpu *off = off_at(reader, moment->offset);

    record->pid = off->pid;
    record->tid = off->task.tid;
    if (cpu->step == STEP_ENTRY && cpu->switch_ns != moment->time_ns) {
        ct_off_cpu_fill_back(record, off);
        cpu->switch_ns = moment->time_ns;
        cpu->step = STEP_EXIT;
        return TRUE;
    }
    cpu->next++;
    cpu->step = STEP_ENTRY;
    if (!(off->flags & CT_OFF_CPU_HAS_CALL))
        return FALSE;
    ct_off_cpu_fill_call(record, off, FALSE);
    return TRUE;
}

static gboolean tell(struct ct_off_cpu_reader *reader, struct cpu *cpu, const struct moment *moment,
                     struct ct_raw_record *record)
{
    switch ((enum part)moment->part) {
    case PART_LEAVE:
        tell_leave(reader, cpu, moment, record);
        return TRUE;
    case PART_BACK:
        return tell_back(reader, cpu, moment, record);
    case PART_WAKING:
        ct_off_cpu_fill_waking(record, off_at(reader, moment->offset));
        break;
    case PART_WAKER:
        tell_waker(reader, moment, record);
        break;
    case PART_FD:
        ct_off_cpu_fill_fd(record, (const void *)off_at(reader, moment->offset));
        break;
    case PART_LOSS:
        record->kind = CT_RAW_LOST;
        record->as.lost = ((const struct ct_off_cpu_loss *)off_at(reader, moment->offset))->count;
        break;
    case PART_BEGIN:
        record->kind = CT_RAW_BEGIN;
        break;
    }
    cpu->next++;
    return TRUE;
}

gboolean ct_off_cpu_reader_next(struct ct_off_cpu_reader *reader, guint number,
                                struct ct_raw_record *record)
{
    struct cpu *cpu = get_cpu(reader, number);

    while (cpu != NULL && cpu->next < cpu->moments->len) {
        const struct moment *moment = &g_array_index(cpu->moments, struct moment, cpu->next);

        *record = (struct ct_raw_record){.time_ns = moment->time_ns, .cpu = number};
        if (tell(reader, cpu, moment, record))
            return TRUE;
    }
    return FALSE;
}
