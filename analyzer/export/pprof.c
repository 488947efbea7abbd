#include "export/pprof.h"

#include "export/pprof_heap.h"
#include "export/pprof_tables.h"
#include "export/sample_stack.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "summary/heap_profile.h"
#include "symbols/go_stack.h"
#include "symbols/object_name.h"

#include <string.h>

#define MAX_LABELS 14

/* As protobuf writes the beginning of profile.proto's `repeated Sample sample = 2`. */
#define SAMPLE_FIELD (2 << 3 | 2)

struct encoder {
    const struct ct_pprof_input *input;
    struct ct_pprof_tables tables;
    GByteArray *bytes; /* owned; of the profile, as far as it is encoded */
    double heap_carried[CT_HEAP_VALUE_COUNT];
    /* Of the sample that is being encoded. */
    GArray *location_ids; /* owned; uint64_t */
    Pprof__Label labels[MAX_LABELS];
    Pprof__Label *label_list[MAX_LABELS];
};

static void add_location(struct encoder *encoder, uint64_t id)
{
    if (id)
        g_array_append_val(encoder->location_ids, id);
}

static void add_name(void *user, const char *name)
{
    struct encoder *encoder = user;

    add_location(encoder, ct_pprof_tables_add_name(&encoder->tables, name));
}

static void add_call(void *user, const struct ct_process *process, uint64_t return_address,
                     uint64_t time_ns)
{
    struct encoder *encoder = user;

    add_location(encoder,
                 ct_pprof_tables_add_call(&encoder->tables, process, return_address, time_ns));
}

static void set_stack(struct encoder *encoder, const struct ct_profile_sample *sample,
                      Pprof__Sample *message)
{
    const struct ct_sample_stack_visitor visitor = {encoder, add_name, add_call};

    g_array_set_size(encoder->location_ids, 0);
    ct_sample_stack_visit(encoder->tables.symbolizer, encoder->input->kind, sample, &visitor);
    message->n_location_id = encoder->location_ids->len;
    message->location_id = (uint64_t *)(void *)encoder->location_ids->data;
}

static Pprof__Label *add_label(struct encoder *encoder, Pprof__Sample *message, const char *key)
{
    Pprof__Label *label = &encoder->labels[message->n_label];

    pprof__label__init(label);
    label->key = ct_pprof_tables_string(&encoder->tables, key);
    encoder->label_list[message->n_label++] = label;
    return label;
}

static void add_text_label(struct encoder *encoder, Pprof__Sample *message, const char *key,
                           const char *text)
{
    if (*text)
        add_label(encoder, message, key)->str = ct_pprof_tables_string(&encoder->tables, text);
}

static void add_id_label(struct encoder *encoder, Pprof__Sample *message, const char *key,
                         int32_t id)
{
    add_label(encoder, message, key)->num = id;
}

/* A global lock is better known by its name than by its address. */
static char *describe_object(struct encoder *encoder, const struct ct_profile_sample *sample)
{
    const char *variable =
        ct_object_find_name(encoder->input->symbolizer, sample->process, sample->object_kind,
                            sample->object, sample->stack ? sample->stack->time_ns : UINT64_MAX);

    return variable ? g_strdup_printf("%s (%s)", sample->object_text, variable)
                    : g_strdup(sample->object_text);
}

/* Locks have holders; what a program uses as one has posters. */
static const char *role_of(const struct encoder *encoder, const struct ct_profile_sample *sample)
{
    if (!ct_profile_kind_is_of_holders(encoder->input->kind) || sample->is_others)
        return "";
    return ct_object_is_lock(sample->object_kind) ? "holder" : "poster";
}

/* "" where all of them are there. */
static const char *describe_callers(const struct ct_stack *stack)
{
    return stack == NULL                 ? ""
           : stack->is_partial           ? "missing"
           : stack->is_by_frame_pointers ? "by frame pointers"
                                         : "";
}

/* "" where it may have something to do. */
static const char *idleness_of(const struct encoder *encoder,
                               const struct ct_profile_sample *sample)
{
    if (ct_go_stack_look(encoder->tables.symbolizer, sample->process, sample->stack).is_idle)
        return CT_GO_IDLE;
    return sample->is_idle ? "waits for work" : "";
}

static void set_labels(struct encoder *encoder, const struct ct_profile_sample *sample,
                       Pprof__Sample *message)
{
    gboolean tells_waiter = ct_profile_kind_tells_waiter(encoder->input->kind);
    g_autofree char *object = describe_object(encoder, sample);

    message->label = encoder->label_list;
    add_text_label(encoder, message, "process", sample->process->name);
    add_id_label(encoder, message, "pid", sample->process->pid);
    if (sample->thread) {
        add_text_label(encoder, message, "thread", sample->thread->name);
        add_id_label(encoder, message, "tid", sample->thread->tid);
        if (sample->op != CT_OP_NONE)
            add_text_label(encoder, message, "op", ct_op_name(sample->op));
        add_text_label(encoder, message, "role", role_of(encoder, sample));
    }
    if (ct_profile_kind_tells_state(encoder->input->kind))
        add_text_label(encoder, message, "state",
                       sample->is_hand_off ? "hand-off" : ct_class_name(sample->state));
    add_text_label(encoder, message, "object", object);
    add_text_label(encoder, message, "peer", sample->peer);
    add_text_label(encoder, message, tells_waiter ? "waiter" : "waker",
                   sample->is_others ? "others"
                   : sample->other   ? sample->other->name
                                     : "");
    add_text_label(encoder, message, "open", sample->is_open ? "yes" : "");
    if (sample->stack && sample->stack->omitted > 0)
        add_label(encoder, message, "frames_omitted")->num = sample->stack->omitted;
    if (sample->heap_site)
        add_label(encoder, message, "bytes")->num = (int64_t)sample->heap_site->size;
    add_text_label(encoder, message, "idle", idleness_of(encoder, sample));
    add_text_label(encoder, message, "callers", describe_callers(sample->stack));
}

static void append_length(GByteArray *bytes, size_t length)
{
    guint8 byte;

    for (; length >= 0x80; length >>= 7) {
        byte = (guint8)(length & 0x7f) | 0x80;
        g_byte_array_append(bytes, &byte, 1);
    }
    byte = (guint8)length;
    g_byte_array_append(bytes, &byte, 1);
}

/* Samples are encoded one by one: all at once they would take many times the room of the bytes. */
static void append_sample(struct encoder *encoder, const struct ct_profile_sample *sample)
{
    Pprof__Sample message = PPROF__SAMPLE__INIT;
    int64_t values[CT_HEAP_VALUE_COUNT] = {sample->count, sample->delay_ns};
    static const guint8 field = SAMPLE_FIELD;

    message.n_value = sample->heap_site ? CT_HEAP_VALUE_COUNT : 2;
    message.value = values;
    if (sample->heap_site)
        ct_heap_profile_values(sample->heap_site, sample->heap_live, encoder->heap_carried, values);
    set_stack(encoder, sample, &message);
    set_labels(encoder, sample, &message);

    size_t length = pprof__sample__get_packed_size(&message);

    g_byte_array_append(encoder->bytes, &field, 1);
    append_length(encoder->bytes, length);
    guint at = encoder->bytes->len;

    g_byte_array_set_size(encoder->bytes, at + (guint)length);
    pprof__sample__pack(&message, encoder->bytes->data + at);
}

static void add_program(struct encoder *encoder)
{
    const GArray *samples = encoder->input->samples;
    const GPtrArray *processes = encoder->input->model->processes;
    const struct ct_process *process =
        samples->len > 0     ? g_array_index(samples, struct ct_profile_sample, 0).process
        : processes->len > 0 ? processes->pdata[0]
                             : NULL;

    for (guint i = 0; process && i < process->modules->len; i++) {
        const struct ct_module *module = process->modules->pdata[i];
        if (strcmp(module->path, process->exe) == 0) {
            ct_pprof_tables_add_program(&encoder->tables, module);
            return;
        }
    }
}

static void append_samples(struct encoder *encoder)
{
    const GArray *samples = encoder->input->samples;

    add_program(encoder);
    encoder->location_ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (guint i = 0; i < samples->len; i++)
        append_sample(encoder, &g_array_index(samples, struct ct_profile_sample, i));
    g_array_unref(encoder->location_ids);
}

static void set_comments(struct encoder *encoder, Pprof__Profile *message)
{
    const struct ct_selection everybody = {0};
    g_autoptr(GPtrArray) notes = ct_capture_notes(&encoder->input->model->capture);

    if (encoder->input->only && encoder->input->only[0])
        g_ptr_array_add(notes, g_strdup_printf("only: %s", encoder->input->only));
    if (ct_go_is_in(encoder->tables.symbolizer, encoder->input->model))
        g_ptr_array_add(notes, g_strdup("Go: " CT_GO_NOTE));
    if (ct_profile_kind_is_heap(encoder->input->kind))
        g_ptr_array_extend_and_steal(notes, ct_heap_notes(encoder->input->model, &everybody));
    message->n_comment = notes->len;
    message->comment =
        ct_pprof_tables_allocate(&encoder->tables, notes->len * sizeof *message->comment);
    for (guint i = 0; i < notes->len; i++)
        message->comment[i] = ct_pprof_tables_string(&encoder->tables, notes->pdata[i]);
}

static void set_types(struct encoder *encoder, Pprof__Profile *message)
{
    const struct ct_pprof_input *input = encoder->input;
    const struct ct_profile_units *units = ct_profile_kind_units(input->kind);

    message->n_sample_type = 2;
    message->sample_type =
        ct_pprof_tables_allocate(&encoder->tables, 2 * sizeof *message->sample_type);
    message->sample_type[0] = ct_pprof_tables_value_type(&encoder->tables, units->count, "count");
    message->sample_type[1] =
        ct_pprof_tables_value_type(&encoder->tables, units->time, "nanoseconds");
    message->default_sample_type =
        ct_pprof_tables_string(&encoder->tables, units->is_of_count ? units->count : units->time);
    message->period_type =
        ct_pprof_tables_value_type(&encoder->tables, units->is_clocked ? units->time : units->count,
                                   units->is_clocked ? "nanoseconds" : "count");
    message->period = 1;
    if (units->is_clocked && input->model->capture.sample_period_ns > 0)
        message->period = (int64_t)input->model->capture.sample_period_ns;
}

static void set_header(struct encoder *encoder, Pprof__Profile *message)
{
    const struct ct_pprof_input *input = encoder->input;

    if (ct_profile_kind_is_heap(input->kind))
        ct_pprof_heap_set_header(&encoder->tables, input, message);
    else
        set_types(encoder, message);
    message->time_nanos = (int64_t)(input->begin_ns + (uint64_t)input->model->epoch_offset_ns);
    message->duration_nanos = (int64_t)(input->end_ns - input->begin_ns);
}

/* All but the samples, which these tables are for. */
static void append_tables(struct encoder *encoder, Pprof__Profile *message)
{
    message->n_mapping = encoder->tables.mappings->len;
    message->mapping = (Pprof__Mapping **)encoder->tables.mappings->pdata;
    message->n_location = encoder->tables.locations->len;
    message->location = (Pprof__Location **)encoder->tables.locations->pdata;
    message->n_function = encoder->tables.functions->len;
    message->function = (Pprof__Function **)encoder->tables.functions->pdata;
    message->n_string_table = encoder->tables.strings->len;
    message->string_table = (char **)encoder->tables.strings->pdata;

    guint at = encoder->bytes->len;

    g_byte_array_set_size(encoder->bytes, at + (guint)pprof__profile__get_packed_size(message));
    pprof__profile__pack(message, encoder->bytes->data + at);
}

GBytes *ct_pprof_encode(const struct ct_pprof_input *input)
{
    struct encoder encoder = {.input = input, .bytes = g_byte_array_new()};
    Pprof__Profile message = PPROF__PROFILE__INIT;

    ct_pprof_tables_init(&encoder.tables, input->symbolizer);
    set_header(&encoder, &message);
    set_comments(&encoder, &message);
    append_samples(&encoder);
    append_tables(&encoder, &message);
    ct_pprof_tables_clear(&encoder.tables);
    return g_byte_array_free_to_bytes(encoder.bytes);
}
