/*
 * Records of an input -> the model, and all that is made of it: reports, profiles and timelines.
 * Whatever the records say, a thread's times add up to its life and nothing lies outside of it.
 */
#include "assemble/assemble.h"
#include "export/pprof.h"
#include "export/report_format.h"
#include "fuzz.h"
#include "model/timeline.h"
#include "records.h"
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>

/* What was handed on. */
struct seen {
    GHashTable *threads; /* owned; const struct ct_thread * -> where its last wait ended */
};

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct seen *seen = user;

    FUZZ_REQUIRE(interval->thread != NULL);
    FUZZ_REQUIRE(interval->begin_ns <= interval->end_ns);
    FUZZ_REQUIRE(interval->wait_begin_ns <= interval->begin_ns);
    FUZZ_REQUIRE(interval->end_ns <= interval->wait_end_ns);
    FUZZ_REQUIRE(interval->weight >= 1);
    FUZZ_REQUIRE(interval->op < CT_OP_COUNT && interval->class < CT_CLASS_COUNT);
    for (size_t i = 0; i < interval->release_count; i++) {
        FUZZ_REQUIRE(interval->releases[i].thread != NULL);
        FUZZ_REQUIRE(i == 0 || interval->releases[i - 1].time_ns <= interval->releases[i].time_ns);
    }
    g_hash_table_add(seen->threads, interval->thread);
    if (interval->waker)
        g_hash_table_add(seen->threads, interval->waker);
}

static void on_run(void *user, const struct ct_run *run)
{
    struct seen *seen = user;

    FUZZ_REQUIRE(run->begin_ns <= run->end_ns);
    g_hash_table_add(seen->threads, run->thread);
}

static void on_sample(void *user, const struct ct_sample *sample)
{
    struct seen *seen = user;

    g_hash_table_add(seen->threads, sample->thread);
}

static void check_thread(const struct ct_thread *thread)
{
    uint64_t sum_ns = 0;

    FUZZ_REQUIRE(thread->start_ns <= thread->end_ns);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        FUZZ_REQUIRE(thread->class_ns[class] <= thread->end_ns - thread->start_ns);
        sum_ns += thread->class_ns[class];
    }
    FUZZ_REQUIRE(sum_ns == thread->end_ns - thread->start_ns);
}

/* Also: whoever was handed on is still there, though not listed if it was over before the recording
 * began. */
static void check(const struct ct_model *model, const struct seen *seen)
{
    GHashTableIter iter;
    void *thread;

    for (guint i = 0; i < model->threads->len; i++)
        check_thread(model->threads->pdata[i]);
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        FUZZ_REQUIRE(process->start_ns <= process->end_ns);
    }
    g_hash_table_iter_init(&iter, seen->threads);
    while (g_hash_table_iter_next(&iter, &thread, NULL))
        FUZZ_REQUIRE(((const struct ct_thread *)thread)->process != NULL);
}

/* ---- What is made of it ---- */

static void write_report(struct ct_report *report)
{
    static void (*const writers[])(const struct ct_report *, const struct ct_report_layout *,
                                   FILE *) = {ct_report_write_text, ct_report_write_json,
                                              ct_report_write_csv};
    const struct ct_report_layout layout = {
        .width = 80, .depth = 4, .top = 5, .extent = CT_REPORT_ALL};

    ct_report_finish(report);
    ct_report_fold_places(report);
    ct_report_find_inversions(report);
    ct_report_look(report);
    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        writers[i](report, &layout, out);
        fclose(out);
        free(text);
    }
}

/* Whoever waited, or ran, is a thread of the recording; of several, it is not told who. */
static void check_sample(const struct ct_profile_sample *sample, enum ct_profile_kind kind,
                         const struct ct_model *model)
{
    struct ct_thread *subject = ct_profile_kind_tells_waiter(kind) ? sample->other : sample->thread;

    FUZZ_REQUIRE(subject == NULL || g_ptr_array_find(model->threads, subject, NULL));
}

static void write_profile(const struct ct_profile *profile, enum ct_profile_kind kind,
                          const struct ct_model *model)
{
    static const struct ct_selection everyone;
    g_autoptr(GArray) samples = ct_profile_samples(profile, model, &everyone);
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    const struct ct_pprof_input input = {
        .samples = samples,
        .model = model,
        .symbolizer = symbolizer,
        .kind = kind,
        .begin_ns = model->begin_ns,
        .end_ns = model->end_ns,
    };

    for (guint i = 0; i < samples->len; i++)
        check_sample(&g_array_index(samples, struct ct_profile_sample, i), kind, model);

    g_bytes_unref(ct_pprof_encode(&input));
}

static void verify_model(const struct ct_verify *verify, const struct ct_model *model)
{
    struct ct_verify_result result;

    ct_verify_finish(verify, model, &result);
    ct_verify_result_clear(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ct_profile_limits limits = {.end_ns = UINT64_MAX};
    static const struct ct_report_scope whole = {.is_whole_time = TRUE};
    struct fuzz_records records;
    struct ct_record record;

    if (size < 2)
        return 0;
    enum ct_profile_kind kind = data[0] % CT_PROFILE_KIND_COUNT;
    gboolean has_window = data[1] > 127;
    const struct ct_window window = {FUZZ_BEGIN_NS + (data[1] & 15) * UINT64_C(1000000),
                                     FUZZ_BEGIN_NS + UINT64_C(200000000)};
    struct ct_report_scope scope = whole;

    if (has_window)
        scope = (struct ct_report_scope){.window = window};
    fuzz_records_begin(&records, data + 2, size - 2);

    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_report) report = ct_report_new(model, &scope, 5);
    g_autoptr(ct_profile) profile = ct_profile_new(kind, &limits);
    g_autoptr(ct_timeline) timeline = ct_timeline_new(has_window ? &window : NULL);
    g_autoptr(ct_verify) verify = ct_verify_new();
    g_autoptr(GHashTable) threads = g_hash_table_new(NULL, NULL);
    g_autoptr(GError) error = NULL;
    struct seen seen = {threads};
    const struct ct_sink sinks[] = {
        {.user = &seen, .on_interval = on_interval, .on_run = on_run, .on_sample = on_sample},
        ct_report_sink(report),
        ct_profile_sink(profile),
        ct_timeline_sink(timeline),
        ct_verify_sink(verify),
    };
    struct ct_assembler *assembler = ct_assembler_new(model, sinks, G_N_ELEMENTS(sinks));

    while (!error && fuzz_records_next(&records, &record))
        ct_assembler_add(assembler, &record, &error);
    if (!error)
        ct_assembler_finish(assembler);
    ct_assembler_free(assembler);
    if (error) /* a newer ctrace's: nothing is made of it */
        return 0;
    check(model, &seen);
    ct_timeline_finish(timeline);
    verify_model(verify, model);
    write_profile(profile, kind, model);
    write_report(report);
    return 0;
}
