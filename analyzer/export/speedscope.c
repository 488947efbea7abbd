/* A profile as speedscope reads it: of all threads, then of each. See
 * https://www.speedscope.app/file-format-schema.json. */
#include "export/json_document.h"
#include "export/sample_stack.h"
#include "export/trace_format.h"
#include "model/format.h"

/* A sample: its frames by number. */
struct stack {
    GArray *frames; /* owned; guint, the outermost first */
    const struct ct_profile_sample *sample;
};

struct writer {
    const struct ct_export_input *input;
    GStringChunk *names;  /* owned */
    GHashTable *numbers;  /* owned; of functions: struct ct_sample_frame *, owned, by what it is */
    GPtrArray *functions; /* owned; the same, borrowed, by number */
    GPtrArray *stacks;    /* owned; struct stack *, owned */
};

static guint frame_hash(const void *data)
{
    const struct ct_sample_frame *frame = data;

    return (g_str_hash(frame->function) * 31 + g_str_hash(frame->file)) * 31 + frame->line;
}

static gboolean frame_equal(const void *a, const void *b)
{
    const struct ct_sample_frame *first = a, *second = b;

    return first->line == second->line && g_str_equal(first->function, second->function) &&
           g_str_equal(first->file, second->file);
}

static void stack_free(void *data)
{
    struct stack *stack = data;

    g_array_unref(stack->frames);
    g_free(stack);
}

static guint number_of(struct writer *writer, const struct ct_sample_frame *frame)
{
    void *known;

    if (g_hash_table_lookup_extended(writer->numbers, frame, NULL, &known))
        return GPOINTER_TO_UINT(known);
    struct ct_sample_frame *kept = g_memdup2(frame, sizeof(*frame));

    g_ptr_array_add(writer->functions, kept);
    g_hash_table_insert(writer->numbers, kept, GUINT_TO_POINTER(writer->functions->len - 1));
    return writer->functions->len - 1;
}

static void number_stacks(struct writer *writer)
{
    const struct ct_export_input *input = writer->input;

    for (guint i = 0; i < input->samples->len; i++) {
        struct stack *stack = g_new0(struct stack, 1);

        stack->sample = &g_array_index(input->samples, struct ct_profile_sample, i);
        stack->frames = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(GArray) frames =
            ct_sample_stack_list(input->symbolizer, input->kind, stack->sample, writer->names);

        for (guint j = 0; j < frames->len; j++) {
            guint number = number_of(writer, &g_array_index(frames, struct ct_sample_frame, j));

            g_array_append_val(stack->frames, number);
        }
        g_ptr_array_add(writer->stacks, stack);
    }
}

static void add_functions(struct writer *writer, JsonBuilder *json)
{
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "frames");
    json_builder_begin_array(json);
    for (guint i = 0; i < writer->functions->len; i++) {
        const struct ct_sample_frame *frame = writer->functions->pdata[i];

        json_builder_begin_object(json);
        ct_json_add_string(json, "name", frame->function);
        if (*frame->file)
            ct_json_add_string(json, "file", frame->file);
        if (frame->line > 0)
            ct_json_add_number(json, "line", frame->line);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
}

static gboolean is_of(const struct stack *stack, const struct ct_thread *thread)
{
    return !thread || stack->sample->thread == thread;
}

static void add_samples(const struct writer *writer, JsonBuilder *json,
                        const struct ct_thread *thread)
{
    json_builder_set_member_name(json, "samples");
    json_builder_begin_array(json);
    for (guint i = 0; i < writer->stacks->len; i++) {
        const struct stack *stack = writer->stacks->pdata[i];

        if (!is_of(stack, thread))
            continue;
        json_builder_begin_array(json);
        for (guint j = 0; j < stack->frames->len; j++)
            json_builder_add_int_value(json, g_array_index(stack->frames, guint, j));
        json_builder_end_array(json);
    }
    json_builder_end_array(json);
}

/* Their sum. */
static int64_t add_weights(const struct writer *writer, JsonBuilder *json,
                           const struct ct_thread *thread)
{
    int64_t sum_ns = 0;

    json_builder_set_member_name(json, "weights");
    json_builder_begin_array(json);
    for (guint i = 0; i < writer->stacks->len; i++) {
        const struct stack *stack = writer->stacks->pdata[i];

        if (!is_of(stack, thread))
            continue;
        json_builder_add_int_value(json, stack->sample->delay_ns);
        sum_ns += stack->sample->delay_ns;
    }
    json_builder_end_array(json);
    return sum_ns;
}

/* `thread` NULL: of all. */
static void write_profile(const struct writer *writer, struct ct_json_document *document,
                          const struct ct_thread *thread)
{
    const char *kind = ct_profile_kind_name(writer->input->kind);
    g_autofree char *name =
        thread ? g_strdup_printf("%s: %s (%d) of %s (%d)", kind, thread->name, thread->tid,
                                 thread->process->name, thread->process->pid)
               : g_strdup_printf("%s: all threads", kind);
    JsonBuilder *json = ct_json_begin_element(document);

    ct_json_add_string(json, "type", "sampled");
    ct_json_add_string(json, "name", name);
    ct_json_add_string(json, "unit", "nanoseconds");
    ct_json_add_number(json, "startValue", 0);
    add_samples(writer, json, thread);
    ct_json_add_signed(json, "endValue", add_weights(writer, json, thread));
    ct_json_end_element(document);
}

static void write_profiles(const struct writer *writer, struct ct_json_document *document)
{
    const GPtrArray *threads = writer->input->model->threads;
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < writer->stacks->len; i++) {
        const struct stack *stack = writer->stacks->pdata[i];

        if (stack->sample->thread)
            g_hash_table_add(known, stack->sample->thread);
    }
    ct_json_begin_array(document, "profiles");
    write_profile(writer, document, NULL);
    for (guint i = 0; i < threads->len; i++) {
        if (g_hash_table_contains(known, threads->pdata[i]))
            write_profile(writer, document, threads->pdata[i]);
    }
    ct_json_end_array(document);
}

static void write_document(struct writer *writer, FILE *out)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};
    const char *command = writer->input->model->capture.command;

    fputs("{\n", out);
    ct_json_write_string(&document, "$schema",
                         "https://www.speedscope.app/file-format-schema.json");
    ct_json_write_string(&document, "name",
                         command && *command ? command : writer->input->directory);
    ct_json_write_string(&document, "exporter", "ctrace");
    ct_json_begin_member(&document, "shared");
    add_functions(writer, json);
    ct_json_end_member(&document);
    write_profiles(writer, &document);
    fputs("\n}\n", out);
}

gboolean ct_export_write_speedscope(const struct ct_export_input *input, FILE *out, GError **error)
{
    struct writer writer = {
        .input = input,
        .names = g_string_chunk_new(1024),
        .numbers = g_hash_table_new_full(frame_hash, frame_equal, g_free, NULL),
        .functions = g_ptr_array_new(),
        .stacks = g_ptr_array_new_with_free_func(stack_free),
    };

    (void)error;
    number_stacks(&writer);
    write_document(&writer, out);
    g_ptr_array_unref(writer.stacks);
    g_ptr_array_unref(writer.functions);
    g_hash_table_unref(writer.numbers);
    g_string_chunk_free(writer.names);
    return TRUE;
}
