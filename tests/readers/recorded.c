#include "recorded.h"

#include "source/traces.h"

#include <string.h>

#define FNV_BASIS G_GUINT64_CONSTANT(0xcbf29ce484222325)
#define FNV_PRIME G_GUINT64_CONSTANT(0x100000001b3)

static void add_bytes(guint64 *hash, const void *bytes, gsize size)
{
    for (gsize i = 0; i < size; i++)
        *hash = (*hash ^ ((const guint8 *)bytes)[i]) * FNV_PRIME;
}

static void add_number(struct recorded_event *event, guint64 number)
{
    add_bytes(&event->all, &number, sizeof(number));
    add_bytes(&event->but_strings, &number, sizeof(number));
}

static void add_string(struct recorded_event *event, const char *string)
{
    add_bytes(&event->all, string, strlen(string) + 1);
    event->has_empty |= *string == '\0';
}

static void add_sequence(struct recorded_event *event, struct ct_u64_sequence sequence)
{
    add_number(event, sequence.count);
    for (guint32 i = 0; i < sequence.count; i++)
        add_number(event, sequence.values[i]);
}

#define ADD_U8(value)        add_number(event, value)
#define ADD_U32(value)       add_number(event, value)
#define ADD_U64(value)       add_number(event, value)
#define ADD_I16(value)       add_number(event, (guint64)(value))
#define ADD_I32(value)       add_number(event, (guint64)(value))
#define ADD_I64(value)       add_number(event, (guint64)(value))
#define ADD_HEX64(value)     add_number(event, value)
#define ADD_OP(value)        add_number(event, value)
#define ADD_CLASS(value)     add_number(event, value)
#define ADD_FD_KIND(value)   add_number(event, value)
#define ADD_STRING(value)    add_string(event, value)
#define ADD_ADDRESSES(value) add_sequence(event, value)
#define ADD_HISTOGRAM(value) add_sequence(event, value)

/* Readers hand them on wait by wait. */
#define ADD_COLUMN(value)       add_number(event, (value).count)
#define ADD_I32_COLUMN(value)   ADD_COLUMN(value)
#define ADD_U32_COLUMN(value)   ADD_COLUMN(value)
#define ADD_HEX64_COLUMN(value) ADD_COLUMN(value)
#define ADD_I16_COLUMN(value)   ADD_COLUMN(value)
#define ADD_U8_COLUMN(value)    ADD_COLUMN(value)

#define ADD_FIELD(type, name) ADD_##type(from->name);

static void add_kernel(struct recorded_event *event, const struct ct_kernel_record *record)
{
    add_number(event, record->event);
    add_number(event, record->time_ns);
    add_number(event, record->cpu);
    add_number(event, (guint64)record->tid);
    add_number(event, record->in_interrupt);
    switch (record->event) {
#define ADD_CASE(symbol, name)                                  \
    case CT_KERNEL_ID_##symbol: {                               \
        const struct ct_kernel_##name *from = &record->as.name; \
        CT_KERNEL_##symbol(ADD_FIELD) break;                    \
    }
        CT_KERNEL_EVENTS(ADD_CASE)
#undef ADD_CASE
    case CT_KERNEL_ID_SYSCALL_ENTRY:
    case CT_KERNEL_ID_SYSCALL_EXIT:
        add_number(event, record->as.syscall.call);
        add_bytes(&event->but_strings, record->as.syscall.name, strlen(record->as.syscall.name));
        for (guint i = 0; i < CT_SYSCALL_ARGUMENTS; i++)
            add_number(event, record->as.syscall.arguments[i]);
        add_number(event, (guint64)record->as.syscall.result);
        break;
    }
}

static void add_own(struct recorded_event *event, const struct ct_record *record)
{
    add_number(event, record->time_ns);
    add_number(event, (guint64)record->pid);
    add_number(event, (guint64)record->tid);
    switch (record->event) {
#define ADD_CASE(symbol, name, channel)                        \
    case CT_EVENT_ID_##symbol: {                               \
        const struct ct_event_##name *from = &record->as.name; \
        CT_EVENT_##symbol(ADD_FIELD) break;                    \
    }
        CT_EVENTS(ADD_CASE)
#undef ADD_CASE
    case CT_EVENT_COUNT:
        break;
    }
}

static gboolean on_record(void *user, const struct ct_record *record)
{
    struct recorded *recorded = user;
    struct recorded_event event = {.all = FNV_BASIS, .but_strings = FNV_BASIS};

    add_number(&event, record->event);
    if (record->event == CT_EVENT_COUNT)
        add_kernel(&event, &record->as.kernel);
    else
        add_own(&event, record);
    g_array_append_val(recorded->events, event);
    return TRUE;
}

static void on_loss(void *user, const struct ct_kernel_loss *loss)
{
    struct recorded *recorded = user;
    struct recorded_event event = {.all = FNV_BASIS, .but_strings = FNV_BASIS};

    add_number(&event, G_MAXUINT64);
    add_number(&event, loss->begin_ns);
    add_number(&event, loss->end_ns);
    add_number(&event, loss->cpu);
    add_number(&event, (guint64)loss->has_calls * 2 + (guint64)loss->has_switches);
    g_array_append_val(recorded->events, event);
}

static void on_packet(void *user, uint64_t packets_read)
{
    (void)user;
    (void)packets_read;
}

static void on_trace(void *user, const char *path)
{
    (void)user;
    (void)path;
}

void recorded_read(struct recorded *recorded, const struct ct_source_reader *reader,
                   const char *directory)
{
    const struct ct_source_events events = {.user = recorded,
                                            .on_record = on_record,
                                            .on_loss = on_loss,
                                            .on_packet = on_packet,
                                            .on_trace = on_trace};
    struct ct_source *source;
    struct ct_traces traces;

    *recorded = (struct recorded){0};
    recorded->events = g_array_new(FALSE, FALSE, sizeof(struct recorded_event));
    if (!ct_traces_find(directory, &traces, NULL))
        return;
    source = ct_source_open(reader, traces.paths, &events, NULL);
    recorded->is_read = source && ct_source_read(source, NULL);
    if (source) {
        recorded->result = *ct_source_result(source);
        recorded->result.damage = g_strdup(recorded->result.damage);
    }
    ct_source_free(source);
    ct_traces_clear(&traces);
}

void recorded_clear(struct recorded *recorded)
{
    g_array_unref(recorded->events);
    g_free(recorded->result.damage);
}

/* babeltrace2 2.0 has an earlier event's string where one is empty. */
static gboolean is_same(const struct recorded_event *direct, const struct recorded_event *oracle)
{
    return direct->all == oracle->all ||
           (direct->has_empty && direct->but_strings == oracle->but_strings);
}

/* Everything of the one is there in the other, in the same order. */
static char *compare_part(const struct recorded *direct, const struct recorded *oracle)
{
    guint at = 0;

    for (guint i = 0; i < direct->events->len; i++, at++) {
        const struct recorded_event *event =
            &g_array_index(direct->events, struct recorded_event, i);

        while (at < oracle->events->len &&
               !is_same(event, &g_array_index(oracle->events, struct recorded_event, at)))
            at++;
        if (at == oracle->events->len)
            return g_strdup_printf("event %u of %u is none of babeltrace2's %u", i,
                                   direct->events->len, oracle->events->len);
    }
    return NULL;
}

static char *compare_all(const struct recorded *direct, const struct recorded *oracle)
{
    for (guint i = 0; i < MIN(direct->events->len, oracle->events->len); i++) {
        if (!is_same(&g_array_index(direct->events, struct recorded_event, i),
                     &g_array_index(oracle->events, struct recorded_event, i)))
            return g_strdup_printf("event %u is another", i);
    }
    if (direct->events->len != oracle->events->len)
        return g_strdup_printf("%u events instead of %u", direct->events->len, oracle->events->len);
    return NULL;
}

/* How many events are lost before a first packet babeltrace2 does not say: it is one for it. */
static char *compare_results(const struct ct_source_result *direct,
                             const struct ct_source_result *oracle)
{
    const struct {
        const char *what;
        guint64 direct, oracle;
        gboolean may_be_more;
    } rows[] = {
        {"events", direct->event_count, oracle->event_count, FALSE},
        {"unknown events", direct->unknown_events, oracle->unknown_events, FALSE},
        {"events lost", direct->events_lost, oracle->events_lost, TRUE},
        {"packets lost", direct->packets_lost, oracle->packets_lost, FALSE},
        {"kernel events lost", direct->kernel_events_lost, oracle->kernel_events_lost, TRUE},
        {"samples lost", direct->samples_lost, oracle->samples_lost, TRUE},
        {"first time", direct->first_ns, oracle->first_ns, FALSE},
        {"last time", direct->last_ns, oracle->last_ns, FALSE},
        {"epoch", (guint64)direct->epoch_offset_ns, (guint64)oracle->epoch_offset_ns, FALSE},
        {"packets read", direct->packets_read, oracle->packets_read, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].direct != rows[i].oracle &&
            !(rows[i].may_be_more && rows[i].oracle > 0 && rows[i].direct > rows[i].oracle))
            return g_strdup_printf("%s: %" G_GUINT64_FORMAT " instead of %" G_GUINT64_FORMAT,
                                   rows[i].what, rows[i].direct, rows[i].oracle);
    }
    return NULL;
}

char *recorded_compare(const struct recorded *direct, const struct recorded *oracle)
{
    char *difference;

    if (oracle->result.damage && !direct->result.damage)
        return g_strdup_printf("damage '%s' instead of '%s'", direct->result.damage,
                               oracle->result.damage);
    if (direct->result.damage)
        return compare_part(direct, oracle);
    difference = compare_all(direct, oracle);
    return difference ? difference : compare_results(&direct->result, &oracle->result);
}
