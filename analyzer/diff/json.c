/* A comparison for programs: all rows, with the value of each run. */
#include "diff/format.h"

#include "diff/changes.h"
#include "export/json_document.h"
#include "model/model.h"

#include <math.h>

#define SCHEMA "ctrace-diff-1"

static const char *const side_names[] = {"old", "new"};

static void add_value(JsonBuilder *json, double value)
{
    if (isfinite(value))
        json_builder_add_double_value(json, value);
    else
        json_builder_add_null_value(json);
}

static void add_double(JsonBuilder *json, const char *name, double value)
{
    json_builder_set_member_name(json, name);
    add_value(json, value);
}

static void write_runs(struct ct_json_document *document, const struct ct_diff *diff,
                       enum ct_side side)
{
    const GPtrArray *digests = diff->digests[side];

    ct_json_begin_array(document, side_names[side]);
    for (guint i = 0; i < digests->len; i++) {
        const struct ct_digest *digest = digests->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "directory", digest->directory);
        ct_json_add_number(json, "duration_ns", digest->duration_ns);
        ct_json_add_number(json, "rate_ns", digest->rate_ns);
        ct_json_add_string(json, "layers", digest->layers);
        add_double(json, "requests", digest->requests);
        add_double(json, "divisor", ct_per_divisor(&diff->per, side, digest));
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void add_change(JsonBuilder *json, const struct ct_change *change)
{
    add_double(json, "old", change->counts[CT_OLD] ? change->medians[CT_OLD] : NAN);
    add_double(json, "new", change->counts[CT_NEW] ? change->medians[CT_NEW] : NAN);
    ct_json_add_boolean(json, "is_tested", change->is_tested);
    if (!change->is_tested)
        return;
    add_double(json, "shift", change->shift.estimate);
    add_double(json, "shift_low", change->shift.low);
    add_double(json, "shift_high", change->shift.high);
    add_double(json, "p", change->p);
    ct_json_add_boolean(json, "is_proven", change->is_proven);
}

static void add_metric(JsonBuilder *json, const struct ct_diff *diff, const struct ct_diff_row *row,
                       enum ct_metric metric)
{
    json_builder_set_member_name(json, ct_metric_name(metric));
    json_builder_begin_object(json);
    add_change(json, &row->changes[metric]);
    for (int side = 0; side < CT_SIDES; side++) {
        guint runs = diff->digests[side]->len;

        json_builder_set_member_name(json, side == CT_OLD ? "old_runs" : "new_runs");
        json_builder_begin_array(json);
        for (guint run = 0; run < runs; run++)
            add_value(json, row->values[side][(guint)metric * runs + run]);
        json_builder_end_array(json);
    }
    json_builder_end_object(json);
}

static void write_rows(struct ct_json_document *document, const struct ct_diff *diff)
{
    ct_json_begin_array(document, "rows");
    for (int kind = 0; kind < CT_DIGEST_KIND_COUNT; kind++) {
        for (guint i = 0; i < diff->rows[kind]->len; i++) {
            const struct ct_diff_row *row = diff->rows[kind]->pdata[i];
            JsonBuilder *json = ct_json_begin_element(document);

            ct_json_add_string(json, "kind", ct_digest_kind_name(row->kind));
            ct_json_add_string(json, "state", ct_class_name(row->class));
            ct_json_add_string(json, "name", row->name);
            for (int metric = 0; metric < CT_METRIC_KIND_COUNT; metric++)
                add_metric(json, diff, row, (enum ct_metric)metric);
            ct_json_end_element(document);
        }
    }
    ct_json_end_array(document);
}

static void write_changes(struct ct_json_document *document, const struct ct_diff *diff)
{
    g_autoptr(GPtrArray) changes = ct_changes_find(diff);
    g_autofree char *remark = ct_changes_remark(diff, changes);

    ct_json_begin_array(document, "changes");
    for (guint i = 0; i < changes->len; i++) {
        const struct ct_told_change *change = changes->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "kind", ct_digest_kind_name(change->row->kind));
        ct_json_add_string(json, "state", ct_class_name(change->row->class));
        ct_json_add_string(json, "name", change->row->name);
        ct_json_add_boolean(json, "is_proven", change->is_proven);
        add_double(json, "cost", change->cost);
        ct_json_add_string(json, "text", change->text);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
    ct_json_write_string(document, "remark", remark ? remark : "");
}

static void write_verdicts(struct ct_json_document *document, const GPtrArray *verdicts)
{
    ct_json_begin_array(document, "fail_on");
    for (guint i = 0; i < verdicts->len; i++) {
        const struct ct_verdict *verdict = verdicts->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "gate", verdict->gate->text);
        ct_json_add_string(json, "outcome", ct_outcome_name(verdict->outcome));
        ct_json_add_string(json, "text", verdict->words);
        add_double(json, "p", verdict->p);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void write_notes(struct ct_json_document *document, const struct ct_diff *diff)
{
    ct_json_begin_member(document, "notes");
    json_builder_begin_array(document->json);
    for (guint i = 0; i < diff->notes->len; i++)
        ct_json_add_value(document->json, diff->notes->pdata[i]);
    json_builder_end_array(document->json);
    ct_json_end_member(document);
}

void ct_diff_write_json(const struct ct_diff *diff, const GPtrArray *verdicts,
                        const struct ct_diff_layout *layout, FILE *out)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};

    json_generator_set_pretty(generator, TRUE);
    fputs("{", out);
    ct_json_write_string(&document, "schema", SCHEMA);
    ct_json_write_string(&document, "per", ct_per_name(&diff->per));
    ct_json_write_string(&document, "scope", layout->only);
    for (int side = 0; side < CT_SIDES; side++)
        write_runs(&document, diff, (enum ct_side)side);
    write_notes(&document, diff);
    ct_json_begin_member(&document, "duration");
    json_builder_begin_object(json);
    add_change(json, &diff->duration);
    json_builder_end_object(json);
    ct_json_end_member(&document);
    write_changes(&document, diff);
    write_verdicts(&document, verdicts);
    write_rows(&document, diff);
    fputs("\n}\n", out);
}
