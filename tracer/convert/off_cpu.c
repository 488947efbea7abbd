#include "off_cpu.h"

#include "lasting.h"
#include "off_cpu_records.h"
#include "places.h"

#include <string.h>

/* Greater numbers are no CPUs. */
#define CPUS_MAX 4096

/* What one record tells of a moment, in the order of those that are at the same time. */
enum part {
    PART_BEGIN,
    PART_LOSS,
    PART_LAST_FIRST, /* it outlasts a loss: before what it is in, and after */
    PART_ABSENT,     /* what it is in, as that it left its CPU could not be told */
    PART_FD,
    PART_WAKING,
    PART_WAKER,
    PART_LEAVE,
    PART_BACK,
    PART_LAST
};

/* The record's place in the file, and what of it. */
struct moment {
    uint64_t time_ns;
    uint64_t offset : 56;
    uint64_t part : 8;
};
_Static_assert(sizeof(struct moment) == 16, "there are many of them");

/* What of a moment comes next: PART_LEAVE has all of these but the last, PART_ABSENT the first two,
 * PART_BACK the last two. */
enum step { STEP_ENTRY, STEP_CALLERS, STEP_SWITCH, STEP_EXIT };

struct cpu {
    GArray *moments; /* owned; struct moment */
    guint next;
    enum step step;
    uint64_t switch_ns; /* of the last switch that was told */
};

struct ct_off_cpu_reader {
    struct ct_spool *spool;     /* owned */
    GArray *cpus;               /* owned; struct cpu */
    struct ct_places *places;   /* owned; of records that have a stack, by their offset */
    struct ct_lasting *lasting; /* owned; NULL: nothing was lost */
};

/* ---- The file ---- */

static const struct ct_off_cpu *off_at(const struct ct_off_cpu_reader *reader, uint64_t offset)
{
    return (const void *)(reader->spool->data + offset);
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

/* A record that has a stack, of the same place if the record itself has none. NULL: none has. */
static const struct ct_off_cpu *find_stack(struct ct_off_cpu_reader *reader,
                                           const struct ct_off_cpu *off, uint64_t offset)
{
    uint64_t known;

    if (off->flags & CT_OFF_CPU_HAS_STACK) {
        ct_places_note(reader->places, off, offset);
        return off;
    }
    return ct_places_find(reader->places, off, &known) ? off_at(reader, known) : NULL;
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
    if (!ct_off_cpu_is_whole(off))
        return;
    add_moment(reader, off->left_cpu, PART_LEAVE, off->left_ns, offset);
    add_moment(reader, off->woken_cpu, PART_WAKING, off->woken_ns, offset);
    add_moment(reader, off->back_cpu, PART_BACK, off->back_ns, offset);
    if (off->flags & CT_OFF_CPU_HAS_STACK)
        ct_places_note(reader->places, off, offset);
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

static void add_record(struct ct_off_cpu_reader *reader, uint64_t offset, GArray *losses)
{
    const struct ct_off_cpu *off = off_at(reader, offset);
    const struct ct_off_cpu_fd *fd = (const void *)off;
    const struct ct_off_cpu_loss *loss = (const void *)off;
    const struct ct_off_cpu_begin *begin = (const void *)off;

    if (off->header.size < ct_off_cpu_least_size(off->header.type))
        return;
    switch (off->header.type) {
    case CT_OFF_CPU_SPAN:
        add_span(reader, off, offset);
        break;
    case CT_OFF_CPU_STILL:
        break;
    case CT_OFF_CPU_WAKER:
        if (ct_off_cpu_is_whole(off) && off->flags & CT_OFF_CPU_HAS_STACK)
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

/* The record after that one; 0: there is no whole one. They are of whole words, as they are
 * written. */
static uint64_t whole_record(const struct ct_off_cpu_reader *reader, uint64_t offset)
{
    const struct ct_spool *spool = reader->spool;
    uint16_t size;

    if (offset + sizeof(struct ct_off_cpu_header) > spool->size)
        return 0;
    size = off_at(reader, offset)->header.size;
    return size < sizeof(struct ct_off_cpu_header) || size % sizeof(uint64_t) != 0 ||
                   size > spool->size - offset
               ? 0
               : offset + size;
}

/* What the CPU told as the task left it was dropped if that was in the time of a loss. */
static void add_lasting(void *user, uint64_t offset)
{
    struct ct_off_cpu_reader *reader = user;
    const struct ct_off_cpu *off = off_at(reader, offset);
    uint64_t time_ns = ct_lasting_told_from(reader->lasting, off);

    if (time_ns >= ct_lasting_until(reader->lasting, offset))
        return;
    if (off->left_ns != 0 && time_ns > off->left_ns) {
        add_moment(reader, off->left_cpu, PART_LAST_FIRST, time_ns, offset);
        add_moment(reader, off->left_cpu, PART_ABSENT, time_ns, offset);
    }
    add_moment(reader, off->left_cpu, PART_LAST, time_ns, offset);
}

static void find_lasting(struct ct_off_cpu_reader *reader)
{
    uint64_t next;

    reader->lasting = ct_lasting_new();
    for (uint64_t offset = reader->spool->next; (next = whole_record(reader, offset)) != 0;
         offset = next) {
        const struct ct_off_cpu *off = off_at(reader, offset);

        if (off->header.size < ct_off_cpu_least_size(off->header.type))
            continue;
        if (off->header.type == CT_OFF_CPU_STILL ||
            (off->header.type == CT_OFF_CPU_SPAN && ct_off_cpu_is_whole(off)))
            ct_lasting_add(reader->lasting, off, offset);
        else if (off->header.type == CT_OFF_CPU_LOSS)
            ct_lasting_add_loss(reader->lasting, (const void *)off);
    }
    ct_lasting_settle(reader->lasting, add_lasting, reader);
}

static void mend_losses(struct ct_off_cpu_reader *reader, const GArray *losses)
{
    for (guint i = 0; i < losses->len; i++) {
        const struct ct_off_cpu_loss *loss =
            g_array_index(losses, const struct ct_off_cpu_loss *, i);
        const struct cpu *cpu = get_cpu(reader, loss->cpu);

        if (cpu != NULL)
            drop_lossy(cpu, loss);
    }
    if (losses->len > 0)
        find_lasting(reader);
}

struct ct_off_cpu_reader *ct_off_cpu_reader_new(struct ct_spool *spool)
{
    struct ct_off_cpu_reader *reader = g_rc_box_new0(struct ct_off_cpu_reader);
    g_autoptr(GArray) losses = g_array_new(FALSE, FALSE, sizeof(struct ct_off_cpu_loss *));

    reader->spool = spool;
    reader->cpus = g_array_new(FALSE, FALSE, sizeof(struct cpu));
    reader->places = ct_places_new();
    for (uint64_t offset = spool->next, next; (next = whole_record(reader, offset)) != 0;
         offset = next)
        add_record(reader, offset, losses);
    mend_losses(reader, losses);
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
    ct_places_free(reader->places);
    ct_lasting_free(reader->lasting);
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

/* What the task is in, and from where. FALSE: there is nothing (more) to tell. */
static gboolean tell_place(struct ct_off_cpu_reader *reader, struct cpu *cpu,
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
        return TRUE;
    }
    if (cpu->step == STEP_CALLERS)
        with_stack = find_stack(reader, off, moment->offset);
    if (with_stack == NULL)
        return FALSE;
    ct_off_cpu_fill_callers(record, off, with_stack);
    cpu->step = STEP_SWITCH;
    return TRUE;
}

/* The task loses its CPU, and who gets it. */
static void tell_leave(struct ct_off_cpu_reader *reader, struct cpu *cpu,
                       const struct moment *moment, struct ct_raw_record *record)
{
    if (tell_place(reader, cpu, moment, record))
        return;
    ct_off_cpu_fill_leave(record, off_at(reader, moment->offset));
    cpu->switch_ns = moment->time_ns;
    cpu->next++;
    cpu->step = STEP_ENTRY;
}

static gboolean tell_absent(struct ct_off_cpu_reader *reader, struct cpu *cpu,
                            const struct moment *moment, struct ct_raw_record *record)
{
    if (tell_place(reader, cpu, moment, record))
        return TRUE;
    cpu->next++;
    cpu->step = STEP_ENTRY;
    return FALSE;
}

static void tell_lasting(const struct ct_off_cpu_reader *reader, const struct moment *moment,
                         struct ct_raw_record *record)
{
    const struct ct_off_cpu *off = off_at(reader, moment->offset);

    record->kind = CT_RAW_LASTING;
    record->pid = off->pid;
    record->tid = off->task.tid;
    record->as.lasting.until_ns = ct_lasting_until(reader->lasting, moment->offset);
    record->as.lasting.is_blocked = ct_lasting_is_blocked(off);
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
    case PART_ABSENT:
        return tell_absent(reader, cpu, moment, record);
    case PART_LAST_FIRST:
    case PART_LAST:
        tell_lasting(reader, moment, record);
        break;
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
