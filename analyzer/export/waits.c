/* A table of all waits, a row each, or each part of one, in the order in which they ended: as CSV,
 * and as JSON. */
#include "export/event_text.h"
#include "export/json_document.h"
#include "export/trace_format.h"
#include "text/safe_text.h"

#include <math.h>
#include <string.h>

struct row {
    const struct ct_export_input *input;
    struct ct_event_texts *texts;
    const struct ct_interval *interval;
    uint64_t begin_ns; /* of what lies in the window */
    uint64_t end_ns;
};

/* One of the two is there. Text is the caller's; a number that is not known is NAN. */
struct column {
    const char *name;
    char *(*text)(const struct row *row);
    double (*number)(const struct row *row);
};

static char *process(const struct row *row)
{
    return g_strdup(row->interval->thread->process->name);
}

static double pid(const struct row *row)
{
    return row->interval->thread->process->pid;
}

static char *thread(const struct row *row)
{
    return g_strdup(row->interval->thread->name);
}

static double tid(const struct row *row)
{
    return row->interval->thread->tid;
}

static char *class(const struct row *row)
{
    return g_strdup(ct_class_name(row->interval->class));
}

static char *operation(const struct row *row)
{
    return g_strdup(row->interval->op == CT_OP_NONE ? "" : ct_op_name(row->interval->op));
}

static char *call(const struct row *row)
{
    return g_strdup(row->interval->call_name ? row->interval->call_name : "");
}

static char *object(const struct row *row)
{
    return ct_event_object(row->texts, row->interval);
}

static double begin(const struct row *row)
{
    return (double)(row->begin_ns - row->input->model->begin_ns);
}

static double duration(const struct row *row)
{
    return (double)(row->end_ns - row->begin_ns);
}

static double weight(const struct row *row)
{
    return row->interval->weight;
}

static double wait_begin(const struct row *row)
{
    return (double)row->interval->wait_begin_ns - (double)row->input->model->begin_ns;
}

static double wait_duration(const struct row *row)
{
    return (double)ct_interval_wait_ns(row->interval);
}

static double is_open(const struct row *row)
{
    return row->interval->is_open ? 1 : 0;
}

static char *place(const struct row *row)
{
    return g_strdup(
        ct_event_place(row->texts, row->interval->thread->process, row->interval->stack_id));
}

static char *stack(const struct row *row)
{
    return ct_event_stack_line(row->texts, row->interval->thread->process, row->interval->stack_id);
}

static char *waker(const struct row *row)
{
    return g_strdup(row->interval->waker ? row->interval->waker->name : "");
}

static double waker_tid(const struct row *row)
{
    return row->interval->waker ? row->interval->waker->tid : NAN;
}

static double wake(const struct row *row)
{
    return row->interval->waker
               ? (double)row->interval->wake_ns - (double)row->input->model->begin_ns
               : NAN;
}

static char *waker_place(const struct row *row)
{
    const struct ct_interval *interval = row->interval;

    return g_strdup(interval->waker ? ct_event_place(row->texts, interval->waker->process,
                                                     interval->waker_stack_id)
                                    : "");
}

static char *preempted_by(const struct row *row)
{
    return g_strdup(row->interval->preempted_by ? row->interval->preempted_by : "");
}

/* Times are from the recording's begin. */
static const struct column columns[] = {
    {"process", process, NULL},
    {"pid", NULL, pid},
    {"thread", thread, NULL},
    {"tid", NULL, tid},
    {"class", class, NULL},
    {"operation", operation, NULL},
    {"call", call, NULL},
    {"object", object, NULL},
    {"begin_ns", NULL, begin},
    {"duration_ns", NULL, duration},
    {"weight", NULL, weight},
    {"wait_begin_ns", NULL, wait_begin},
    {"wait_duration_ns", NULL, wait_duration},
    {"is_open", NULL, is_open},
    {"place", place, NULL},
    {"stack", stack, NULL},
    {"waker", waker, NULL},
    {"waker_tid", NULL, waker_tid},
    {"wake_ns", NULL, wake},
    {"waker_place", waker_place, NULL},
    {"preempted_by", preempted_by, NULL},
};

/* ---- Going through them ---- */

struct table {
    const struct ct_export_input *input;
    struct ct_event_texts *texts;
    FILE *out;
    struct ct_json_document *document; /* NULL: it is CSV */
    void (*write)(struct table *table, const struct row *row);
};

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct table *table = user;
    const struct row row = {
        .input = table->input,
        .texts = table->texts,
        .interval = interval,
        .begin_ns = MAX(interval->begin_ns, table->input->begin_ns),
        .end_ns = MIN(interval->end_ns, table->input->end_ns),
    };

    if (row.begin_ns < row.end_ns)
        table->write(table, &row);
}

static gboolean write_rows(struct table *table, GError **error)
{
    g_autoptr(ct_event_texts) texts = ct_event_texts_new(table->input->symbolizer);
    const struct ct_sink sink = {.user = table, .on_interval = on_interval};

    table->texts = texts;
    return ct_store_replay(table->input->store, table->input->scope, &sink, error);
}

/* Whole ones are written as such. */
static char *number_text(double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (isnan(number))
        return g_strdup("");
    return g_strdup(
        g_ascii_formatd(text, sizeof(text), number == rint(number) ? "%.0f" : "%.6f", number));
}

/* ---- CSV ---- */

static void write_cells(struct table *table, const struct row *row)
{
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        g_autofree char *text =
            columns[i].text ? columns[i].text(row) : number_text(columns[i].number(row));
        g_autofree char *cell = columns[i].text ? ct_safe_csv(text) : g_strdup(text);

        fprintf(table->out, "%s%s", i > 0 ? "," : "", cell);
    }
    fputs("\r\n", table->out);
}

gboolean ct_export_write_csv(const struct ct_export_input *input, FILE *out, GError **error)
{
    struct table table = {.input = input, .out = out, .write = write_cells};

    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
        fprintf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
    fputs("\r\n", out);
    return write_rows(&table, error);
}

/* ---- JSON ---- */

static void write_object(struct table *table, const struct row *row)
{
    JsonBuilder *json = ct_json_begin_element(table->document);

    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        if (columns[i].text) {
            g_autofree char *text = columns[i].text(row);

            ct_json_add_string(json, columns[i].name, text);
            continue;
        }
        double number = columns[i].number(row);

        json_builder_set_member_name(json, columns[i].name);
        if (isnan(number))
            json_builder_add_null_value(json);
        else if (number == rint(number))
            json_builder_add_int_value(json, (gint64)number);
        else
            json_builder_add_double_value(json, number);
    }
    ct_json_end_element(table->document);
}

gboolean ct_export_write_json(const struct ct_export_input *input, FILE *out, GError **error)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};
    struct table table = {.input = input, .out = out, .document = &document, .write = write_object};

    fputs("{\n", out);
    ct_json_write_string(&document, "schema", "ctrace-waits-1");
    ct_json_write_number(&document, "duration_ns", input->model->end_ns - input->model->begin_ns);
    ct_json_begin_array(&document, "waits");
    gboolean is_written = write_rows(&table, error);
    ct_json_end_array(&document);
    fputs("\n}\n", out);
    return is_written;
}
