#include "export/latency_records.h"

#include "export/json_stack.h"
#include "summary/latency.h"
#include "symbols/stack_text.h"
#include "text/safe_text.h"

static const struct {
    const char *name;
    double share;
} quantiles[] = {{"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p99_9_ns", 0.999}};

/* One row, and several. */
static const struct {
    const char *one;
    const char *several;
} table_names[CT_LATENCY_TABLE_COUNT] = {
    [CT_LATENCY_OPERATIONS] = {"operation", "operations"},
    [CT_LATENCY_OBJECTS] = {"object", "objects"},
    [CT_LATENCY_PLACES] = {"place", "places"},
};

static const char *op_name(const struct ct_latency_row *row)
{
    return row->call_name ? row->call_name : ct_op_name(row->op);
}

/* ---- JSON ---- */

/* Of the powers of two at which there are any. */
static void add_histogram(JsonBuilder *json, const struct ct_histogram *times)
{
    json_builder_set_member_name(json, "histogram");
    json_builder_begin_array(json);
    for (unsigned octave = 0; octave < CT_HISTOGRAM_OCTAVES; octave++) {
        double count = ct_histogram_octave(times, octave);

        if (count <= 0)
            continue;
        json_builder_begin_object(json);
        ct_json_add_number(json, "from_ns", octave > 0 ? UINT64_C(1) << octave : 0);
        ct_json_add_rounded(json, "count", count);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_times(JsonBuilder *json, const struct ct_histogram *times)
{
    ct_json_add_rounded(json, "count", ct_histogram_count(times));
    ct_json_add_rounded(json, "total_ns", ct_histogram_total_ns(times));
    ct_json_add_rounded(json, "mean_ns", ct_histogram_mean_ns(times));
    ct_json_add_number(json, "min_ns", ct_histogram_min_ns(times));
    for (size_t i = 0; i < G_N_ELEMENTS(quantiles); i++)
        ct_json_add_number(json, quantiles[i].name,
                           ct_histogram_quantile_ns(times, quantiles[i].share));
    ct_json_add_number(json, "max_ns", ct_histogram_max_ns(times));
    ct_json_add_boolean(json, "has_exact_percentiles", ct_histogram_is_exact(times));
    add_histogram(json, times);
}

static void add_slowest(JsonBuilder *json, const struct ct_latency_row *row)
{
    json_builder_set_member_name(json, "slowest");
    json_builder_begin_object(json);
    ct_json_add_number(json, "from_ns", row->slow_from_ns);
    ct_json_add_rounded(json, "count", row->slow_count);
    ct_json_add_rounded(json, "total_ns", row->slow_total_ns);
    ct_json_add_rounded(json, "runnable_ns", row->slow_runnable_ns);
    json_builder_set_member_name(json, "waited_for");
    json_builder_begin_array(json);
    for (guint i = 0; i < row->slow->len; i++) {
        const struct ct_latency_slow *slow = row->slow->pdata[i];

        json_builder_begin_object(json);
        ct_json_add_string(json, "class", ct_class_name(slow->class));
        ct_json_add_string(json, "object", slow->object);
        ct_json_add_string(json, "waker", slow->waker);
        ct_json_add_rounded(json, "count", slow->count);
        ct_json_add_rounded(json, "total_ns", slow->total_ns);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
    json_builder_end_object(json);
}

static void add_row(JsonBuilder *json, const struct ct_report *report,
                    const struct ct_latency_row *row, enum ct_latency_table table)
{
    json_builder_begin_object(json);
    ct_json_add_boolean(json, "is_others", row->is_others);
    if (table == CT_LATENCY_OBJECTS)
        ct_json_add_string(json, "object", row->object);
    else if (!row->is_others)
        ct_json_add_string(json, "operation", op_name(row));
    add_times(json, row->times);
    ct_json_add_rounded(json, "open_count", row->open_count);
    if (table == CT_LATENCY_PLACES && !row->is_others) {
        ct_json_add_signed(json, "pid", row->process->pid);
        ct_json_add_string(json, "process", row->process->name);
        ct_json_add_number(json, "processes", row->process_count);
        ct_json_add_stack(json, report, "stack", row->process, row->stack_id);
    }
    if (table == CT_LATENCY_PLACES)
        add_slowest(json, row);
    json_builder_end_object(json);
}

void ct_json_write_latency(struct ct_json_document *document, const struct ct_report *report)
{
    const struct ct_latency *latency = report->latency;
    JsonBuilder *json = document->json;

    if (!latency)
        return;
    ct_json_begin_member(document, "latency");
    json_builder_begin_object(json);
    add_times(json, latency->all);
    for (int table = 0; table < CT_LATENCY_TABLE_COUNT; table++) {
        json_builder_set_member_name(json, table_names[table].several);
        json_builder_begin_array(json);
        for (guint i = 0; i < latency->tables[table]->len; i++)
            add_row(json, report, latency->tables[table]->pdata[i], (enum ct_latency_table)table);
        json_builder_end_array(json);
    }
    json_builder_end_object(json);
    ct_json_end_member(document);
}

/* ---- CSV ---- */

static void write_cell(FILE *out, const char *text)
{
    g_autofree char *cell = ct_safe_csv(text);

    fprintf(out, ",%s", cell);
}

static void write_place(FILE *out, const struct ct_report *report, const struct ct_latency_row *row)
{
    const struct ct_symbol_frame *place =
        row->process ? ct_stack_place(report->symbolizer, row->process, row->stack_id) : NULL;

    write_cell(out, row->process ? row->process->name : "");
    write_cell(out, place ? place->function : "");
    write_cell(out, place ? place->file : "");
    if (place && place->line > 0)
        fprintf(out, ",%u", place->line);
    else
        fputc(',', out);
}

static void write_row(FILE *out, const struct ct_report *report, const struct ct_latency_row *row,
                      const char *table)
{
    const struct ct_histogram *times = row->times;

    fputs(table, out);
    write_cell(out, row->is_others || row->op == CT_OP_NONE ? "" : op_name(row));
    write_cell(out, row->is_others ? "others" : row->object);
    write_place(out, report, row);
    fprintf(out, ",%.0f,%.0f,%.0f", ct_histogram_count(times), ct_histogram_total_ns(times),
            ct_histogram_mean_ns(times));
    for (size_t i = 0; i < G_N_ELEMENTS(quantiles); i++)
        fprintf(out, ",%" G_GUINT64_FORMAT, ct_histogram_quantile_ns(times, quantiles[i].share));
    fprintf(out, ",%" G_GUINT64_FORMAT "\r\n", ct_histogram_max_ns(times));
}

void ct_csv_write_latency(const struct ct_report *report, FILE *out)
{
    const struct ct_latency *latency = report->latency;

    fputs("by,operation,object,process,function,file,line,count,total_ns,mean_ns", out);
    for (size_t i = 0; i < G_N_ELEMENTS(quantiles); i++)
        fprintf(out, ",%s", quantiles[i].name);
    fputs(",max_ns\r\n", out);
    for (int table = 0; latency && table < CT_LATENCY_TABLE_COUNT; table++) {
        for (guint i = 0; i < latency->tables[table]->len; i++)
            write_row(out, report, latency->tables[table]->pdata[i], table_names[table].one);
    }
}
