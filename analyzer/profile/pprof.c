#include "profile/pprof.h"

#include "model/capture_notes.h"
#include "profile/pprof_tables.h"

#include <string.h>

struct encoder {
    const struct ct_pprof_input *input;
    struct ct_pprof_tables tables;
};

static void set_stack(struct encoder *encoder, const struct ct_profile_sample *sample,
                      Pprof__Sample *message)
{
    const struct ct_stack *stack = sample->stack;
    uint32_t count = stack ? stack->count : 0;

    message->location_id =
        ct_pprof_tables_allocate(&encoder->tables, (count + 2) * sizeof *message->location_id);
    if (!sample->thread) {
        message->location_id[message->n_location_id++] =
            ct_pprof_tables_add_name(&encoder->tables, "unknown waker");
        return;
    }
    message->location_id[message->n_location_id++] =
        ct_pprof_tables_add_name(&encoder->tables, ct_op_name(sample->op));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t id =
            ct_pprof_tables_add_call(&encoder->tables, sample->process, stack->addresses[i]);
        if (id)
            message->location_id[message->n_location_id++] = id;
    }
    if (message->n_location_id == 1)
        message->location_id[message->n_location_id++] =
            ct_pprof_tables_add_name(&encoder->tables, "unknown stack");
}

static Pprof__Label *add_label(struct encoder *encoder, Pprof__Sample *message, const char *key)
{
    Pprof__Label *label = ct_pprof_tables_allocate(&encoder->tables, sizeof *label);

    pprof__label__init(label);
    label->key = ct_pprof_tables_string(&encoder->tables, key);
    message->label[message->n_label++] = label;
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
    enum ct_object kind = sample->object_kind;
    const char *variable = NULL;

    if (ct_object_is_address(kind))
        variable =
            ct_symbolizer_resolve_data(encoder->input->symbolizer, sample->process, sample->object);
    return variable ? g_strdup_printf("%s (%s)", sample->object_text, variable)
                    : g_strdup(sample->object_text);
}

#define MAX_LABELS 9

static void set_labels(struct encoder *encoder, const struct ct_profile_sample *sample,
                       Pprof__Sample *message)
{
    gboolean is_mutex = encoder->input->kind == CT_PROFILE_KIND_MUTEX;
    g_autofree char *object = describe_object(encoder, sample);

    message->label =
        ct_pprof_tables_allocate(&encoder->tables, MAX_LABELS * sizeof *message->label);
    add_text_label(encoder, message, "process", sample->process->name);
    add_id_label(encoder, message, "pid", sample->process->pid);
    if (sample->thread) {
        add_text_label(encoder, message, "thread", sample->thread->name);
        add_id_label(encoder, message, "tid", sample->thread->tid);
        add_text_label(encoder, message, "op", ct_op_name(sample->op));
    }
    add_text_label(encoder, message, "object", object);
    add_text_label(encoder, message, "peer", sample->peer);
    add_text_label(encoder, message, is_mutex ? "waiter" : "waker",
                   sample->is_others ? "others"
                   : sample->other   ? sample->other->name
                                     : "");
    add_text_label(encoder, message, "open", sample->is_open ? "yes" : "");
}

static Pprof__Sample *make_sample(struct encoder *encoder, const struct ct_profile_sample *sample)
{
    Pprof__Sample *message = ct_pprof_tables_allocate(&encoder->tables, sizeof *message);

    pprof__sample__init(message);
    message->n_value = 2;
    message->value = ct_pprof_tables_allocate(&encoder->tables, 2 * sizeof *message->value);
    message->value[0] = sample->count;
    message->value[1] = sample->delay_ns;
    set_stack(encoder, sample, message);
    set_labels(encoder, sample, message);
    return message;
}

static Pprof__ValueType *make_value_type(struct encoder *encoder, const char *type,
                                         const char *unit)
{
    Pprof__ValueType *value_type = ct_pprof_tables_allocate(&encoder->tables, sizeof *value_type);

    pprof__value_type__init(value_type);
    value_type->type = ct_pprof_tables_string(&encoder->tables, type);
    value_type->unit = ct_pprof_tables_string(&encoder->tables, unit);
    return value_type;
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

static void set_samples(struct encoder *encoder, Pprof__Profile *message)
{
    const GArray *samples = encoder->input->samples;

    add_program(encoder);
    message->n_sample = samples->len;
    message->sample =
        ct_pprof_tables_allocate(&encoder->tables, samples->len * sizeof *message->sample);
    for (guint i = 0; i < samples->len; i++)
        message->sample[i] =
            make_sample(encoder, &g_array_index(samples, struct ct_profile_sample, i));
}

static void set_comments(struct encoder *encoder, Pprof__Profile *message)
{
    g_autoptr(GPtrArray) notes = ct_capture_notes(&encoder->input->model->capture);

    message->n_comment = notes->len;
    message->comment =
        ct_pprof_tables_allocate(&encoder->tables, notes->len * sizeof *message->comment);
    for (guint i = 0; i < notes->len; i++)
        message->comment[i] = ct_pprof_tables_string(&encoder->tables, notes->pdata[i]);
}

static void set_header(struct encoder *encoder, Pprof__Profile *message)
{
    const struct ct_pprof_input *input = encoder->input;

    message->n_sample_type = 2;
    message->sample_type =
        ct_pprof_tables_allocate(&encoder->tables, 2 * sizeof *message->sample_type);
    message->sample_type[0] = make_value_type(encoder, "contentions", "count");
    message->sample_type[1] = make_value_type(encoder, "delay", "nanoseconds");
    message->default_sample_type = ct_pprof_tables_string(&encoder->tables, "delay");
    message->period_type = make_value_type(encoder, "contentions", "count");
    message->period = 1;
    message->time_nanos = (int64_t)(input->begin_ns + (uint64_t)input->model->epoch_offset_ns);
    message->duration_nanos = (int64_t)(input->end_ns - input->begin_ns);
}

GBytes *ct_pprof_encode(const struct ct_pprof_input *input)
{
    struct encoder encoder = {.input = input};
    Pprof__Profile message = PPROF__PROFILE__INIT;

    ct_pprof_tables_init(&encoder.tables, input->symbolizer);
    set_header(&encoder, &message);
    set_comments(&encoder, &message);
    set_samples(&encoder, &message);

    message.n_mapping = encoder.tables.mappings->len;
    message.mapping = (Pprof__Mapping **)encoder.tables.mappings->pdata;
    message.n_location = encoder.tables.locations->len;
    message.location = (Pprof__Location **)encoder.tables.locations->pdata;
    message.n_function = encoder.tables.functions->len;
    message.function = (Pprof__Function **)encoder.tables.functions->pdata;
    message.n_string_table = encoder.tables.strings->len;
    message.string_table = (char **)encoder.tables.strings->pdata;

    size_t size = pprof__profile__get_packed_size(&message);
    uint8_t *bytes = g_malloc(size);
    pprof__profile__pack(&message, bytes);
    ct_pprof_tables_clear(&encoder.tables);
    return g_bytes_new_take(bytes, size);
}
