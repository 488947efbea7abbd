/* ctrace-bench: runs a program several times, recorded, and compares with how it was. */
#include "cli/command.h"
#include "cli/say.h"
#include "cli/sibling.h"
#include "commands/bench_facts.h"
#include "commands/bench_options.h"
#include "commands/bench_run.h"
#include "commands/bench_store.h"
#include "diff/statistics.h"
#include "files/regular_file.h"
#include "model/format.h"
#include "system/monotonic.h"
#include "text/safe_text.h"
#include "text/shell_word.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0 to 3 are what ctrace diff says. */
#define EXIT_NOT_DONE 3
#define EXIT_FAILED   4
#define EXIT_HUNG     124

/* Shorter runs are mostly beginning and end; fewer samples say little. */
#define SHORT_NS    100000000
#define FEW_SAMPLES 100
#define WIDE_SPREAD 0.1

/* Of what a run said, as much is shown where it failed. */
#define LOG_LINES    10
#define LOG_SIZE_MAX (1 << 20)

#define RECORDER_SAYS "ctrace: "

/* It says so where it cannot record, or not run the program. */
#define RECORDER_STATUS     125
#define RECORDER_STATUS_MAX 127

struct bench {
    const struct ct_bench_options *options; /* borrowed */
    struct ct_bench_store store;
    char *recorder; /* owned */
};

/* The runs of a kind that count. */
struct series {
    const struct ct_bench_kind *kind; /* borrowed */
    char *folder;                     /* owned */
    struct ct_values durations_ns;
    struct ct_values waits;
    struct ct_values samples;
    double total_ns;
};

/* ---- A run ---- */

static char **make_words(const struct bench *bench, const struct ct_bench_kind *kind,
                         const char *directory)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    g_strv_builder_add(words, bench->recorder);
    for (const char *const *option = kind->options; *option; option++)
        g_strv_builder_add(words, *option);
    if (bench->options->record)
        g_strv_builder_addv(words, (const char **)bench->options->record);
    g_strv_builder_add_many(words, "-o", directory, "--", NULL);
    g_strv_builder_addv(words, (const char **)bench->options->program);
    return g_strv_builder_end(words);
}

/* The last of what it said; what the recorder said is left out, unless the fault is its own. */
static void show_log(const char *path, gboolean is_recorders)
{
    g_autofree char *text = NULL;
    gsize size;

    if (!ct_regular_file_read(path, LOG_SIZE_MAX, &text, &size))
        return;
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    g_autoptr(GPtrArray) shown = g_ptr_array_new();

    for (char **line = lines; *line; line++)
        if (**line && (is_recorders || !g_str_has_prefix(*line, RECORDER_SAYS)))
            g_ptr_array_add(shown, *line);
    for (guint i = shown->len > LOG_LINES ? shown->len - LOG_LINES : 0; i < shown->len; i++) {
        g_autofree char *safe = ct_safe_line(shown->pdata[i]);

        fprintf(stderr, "  | %s\n", safe);
    }
}

static void run_sibling(const char *command, char *const *words)
{
    g_autofree char *path = ct_sibling_find(command);
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();

    if (!path)
        return;
    g_strv_builder_add(all, path);
    g_strv_builder_addv(all, (const char **)words);
    g_auto(GStrv) argv = g_strv_builder_end(all);

    fflush(stdout);
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL, NULL,
                 NULL);
}

/* Kept beside the others, as it is worth a longer look. */
static void explain_hang(const struct bench *bench, const char *directory)
{
    g_autofree char *timeout = ct_format_duration(bench->options->timeout_ns);
    g_autofree char *name = g_strdup_printf("%s.hung", bench->options->save);
    g_autofree char *kept = g_build_filename(bench->store.folder, name, NULL);
    g_autofree char *word = ct_shell_path(kept);
    char *hangs[] = {(char *)"findings", kept, NULL};
    char *waits[] = {(char *)"waits", (char *)"--top=3", kept, NULL};

    ct_say("it still ran after %s, and was killed; where it hung:", timeout);
    if (!ct_bench_store_move(directory, kept)) {
        ct_say("its recording could not be kept");
        return;
    }
    run_sibling("report", hangs);
    run_sibling("report", waits);
    ct_say("more: ctrace report %s", word);
}

/* EXIT_SUCCESS, or what the bench ends with: it said why. */
static int run_once(const struct bench *bench, const struct ct_bench_kind *kind,
                    const char *directory)
{
    g_auto(GStrv) words = make_words(bench, kind, directory);
    g_autofree char *log = g_strconcat(directory, ".log", NULL);
    const struct ct_bench_command command = {words, log, bench->options->timeout_ns};
    g_autoptr(GError) error = NULL;
    int status = 0;

    switch (ct_bench_run(&command, &status, &error)) {
    case CT_BENCH_DONE:
        return EXIT_SUCCESS;
    case CT_BENCH_FAILED:
        ct_say("a run ended with status %d", status);
        show_log(log, status >= RECORDER_STATUS && status <= RECORDER_STATUS_MAX);
        return EXIT_FAILED;
    case CT_BENCH_HUNG:
        explain_hang(bench, directory);
        return EXIT_HUNG;
    case CT_BENCH_INTERRUPTED:
        return 128 + ct_bench_interrupted_by();
    default:
        ct_say("%s", error->message);
        return EXIT_NOT_DONE;
    }
}

/* ---- The runs of a kind ---- */

/* Recorded as all are, so that one that hangs tells where; and forgotten. */
static int warm_up(const struct bench *bench, const struct series *series)
{
    const struct ct_bench_options *options = bench->options;
    g_autofree char *directory = g_build_filename(series->folder, "warmup", NULL);
    uint64_t until_ns = ct_monotonic_ns() + options->warmup_ns;
    int status = EXIT_SUCCESS;

    for (guint i = 0;
         status == EXIT_SUCCESS &&
         (options->warmup_ns > 0 ? ct_monotonic_ns() < until_ns : i < options->warmup_runs);
         i++) {
        status = run_once(bench, series->kind, directory);
        ct_bench_store_remove(directory);
    }
    return status;
}

static void add_value(struct ct_values *values, double value)
{
    values->values[values->count++] = value;
}

static gboolean is_enough(const struct bench *bench, const struct series *series)
{
    guint count = series->durations_ns.count;

    return count >= CT_VALUES_MAX || (count >= (guint)bench->options->runs &&
                                      series->total_ns >= (double)bench->options->benchtime_ns);
}

static int run_and_read(const struct bench *bench, struct series *series)
{
    g_autofree char *name = g_strdup_printf("run-%02u", series->durations_ns.count + 1);
    g_autofree char *directory = g_build_filename(series->folder, name, NULL);
    g_autoptr(GError) error = NULL;
    struct ct_bench_facts facts;
    int status = run_once(bench, series->kind, directory);

    if (status != EXIT_SUCCESS)
        return status;
    if (!ct_bench_facts_read(directory, &facts, &error)) {
        ct_say("%s", error->message);
        return EXIT_NOT_DONE;
    }
    g_autofree char *duration = ct_format_duration(facts.duration_ns);

    ct_say("%s %s: %s", series->kind->name, name, duration);
    add_value(&series->durations_ns, (double)facts.duration_ns);
    add_value(&series->waits, (double)facts.waits);
    add_value(&series->samples, (double)facts.samples);
    series->total_ns += (double)facts.duration_ns;
    return EXIT_SUCCESS;
}

static int run_series(const struct bench *bench, struct series *series)
{
    int status = warm_up(bench, series);

    while (status == EXIT_SUCCESS && !is_enough(bench, series))
        status = run_and_read(bench, series);
    return status;
}

/* ---- What is told ---- */

static void find_extremes(const struct ct_values *values, double *least, double *most)
{
    *least = *most = values->values[0];
    for (guint i = 1; i < values->count; i++) {
        *least = MIN(*least, values->values[i]);
        *most = MAX(*most, values->values[i]);
    }
}

static void print_series(const struct series *series)
{
    double median_ns = ct_values_median(&series->durations_ns);
    double least_ns, most_ns;
    g_autofree char *waits = ct_format_count((uint64_t)ct_values_median(&series->waits));
    g_autofree char *samples = ct_format_count((uint64_t)ct_values_median(&series->samples));
    gboolean has_samples =
        series->kind->options[0] && g_str_equal(series->kind->options[0], "--cpu");

    find_extremes(&series->durations_ns, &least_ns, &most_ns);
    g_autofree char *median = ct_format_duration((uint64_t)median_ns);
    g_autofree char *least = ct_format_duration((uint64_t)least_ns);
    g_autofree char *most = ct_format_duration((uint64_t)most_ns);

    printf("%s: %u run%s, median %s (%s to %s), %s waits", series->kind->name,
           series->durations_ns.count, series->durations_ns.count == 1 ? "" : "s", median, least,
           most, waits);
    printf(has_samples ? ", %s CPU samples\n" : "\n", samples);
    if (median_ns < SHORT_NS)
        printf("  too short to say much: let the program do more, or use --benchtime\n");
    if (most_ns - least_ns > WIDE_SPREAD * median_ns)
        printf(
            "  the runs differ by %.0f %%: small changes will not be proven; more runs help, and "
            "a machine that does nothing else\n",
            100 * (most_ns - least_ns) / median_ns);
    if (has_samples && ct_values_median(&series->samples) < FEW_SAMPLES)
        printf("  few CPU samples: shares of so few say little; --record=--cpu=999 takes more\n");
}

/* As many as there are: sides are compared run by run. */
static int compare(const struct bench *bench, const struct ct_bench_kind *kind)
{
    const struct ct_bench_options *options = bench->options;
    g_autofree char *diff = ct_sibling_find("diff");
    g_autofree char *old = ct_bench_store_find(&bench->store, options->base, kind->name);
    g_autofree char *new = ct_bench_store_find(&bench->store, options->save, kind->name);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autoptr(GError) error = NULL;
    int status = 0;

    g_strv_builder_add_many(words, diff, "--per=run", NULL);
    for (char **check = options->fail_on; check && *check; check++) {
        g_autofree char *word = g_strdup_printf("--fail-on=%s", *check);

        g_strv_builder_add(words, word);
    }
    g_strv_builder_add_many(words, "--", old, new, NULL);
    g_auto(GStrv) argv = g_strv_builder_end(words);

    printf("\n%s: %s -> %s\n", kind->name, options->base, options->save);
    fflush(stdout);
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                      &status, &error)) {
        ct_say("%s", error->message);
        return EXIT_NOT_DONE;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_NOT_DONE;
}

/* ---- All of it ---- */

static gboolean check_base(const struct bench *bench)
{
    const struct ct_bench_options *options = bench->options;

    for (guint i = 0; options->base && i < options->kinds->len; i++) {
        const struct ct_bench_kind *kind = options->kinds->pdata[i];
        g_autofree char *path = ct_bench_store_find(&bench->store, options->base, kind->name);

        if (path)
            continue;
        ct_say("there are no runs of %s called %s in %s: make them first, with --save=%s "
               "--profile=%s",
               kind->name, options->base, options->folder, options->base, kind->name);
        return FALSE;
    }
    return TRUE;
}

static int make_runs(const struct bench *bench)
{
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;

    for (guint i = 0; i < bench->options->kinds->len && status == EXIT_SUCCESS; i++) {
        struct series series = {.kind = bench->options->kinds->pdata[i]};

        series.folder = ct_bench_store_make(&bench->store, series.kind->name, &error);
        status = series.folder ? run_series(bench, &series) : EXIT_NOT_DONE;
        if (status == EXIT_SUCCESS)
            print_series(&series);
        g_free(series.folder);
    }
    if (status == EXIT_SUCCESS && !ct_bench_store_keep(&bench->store, &error))
        status = EXIT_NOT_DONE;
    if (error)
        ct_say("%s", error->message);
    return status;
}

static int compare_all(const struct bench *bench)
{
    int worst = EXIT_SUCCESS;

    for (guint i = 0; i < bench->options->kinds->len; i++) {
        int status = compare(bench, bench->options->kinds->pdata[i]);

        worst = MAX(worst, status);
    }
    return worst;
}

static int run(const struct ct_bench_options *options)
{
    struct bench bench = {.options = options, .recorder = ct_sibling_find("record")};
    g_autoptr(GError) error = NULL;
    int status = EXIT_NOT_DONE;

    if (!bench.recorder) {
        ct_say("ctrace record is not installed: it runs the program (package ctrace-recorder)");
        return EXIT_NOT_DONE;
    }
    ct_bench_hold_signals();
    if (!ct_bench_store_open(&bench.store, options->folder, options->save, &error))
        ct_say("%s", error->message);
    else if (check_base(&bench))
        status = make_runs(&bench);
    if (status == EXIT_SUCCESS) {
        g_autofree char *kept = g_build_filename(options->folder, options->save, NULL);

        ct_say("kept as %s", kept);
        if (options->base)
            status = compare_all(&bench);
    }
    ct_bench_store_close(&bench.store);
    g_free(bench.recorder);
    return status;
}

int main(int argc, char **argv)
{
    struct ct_bench_options options;
    g_autoptr(GError) error = NULL;
    int status = EXIT_NOT_DONE;

    (void)argc;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("ctrace bench");
    if (!ct_bench_options_parse(&options, argv, &error)) {
        ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    ct_bench_options_clear(&options);
    return status;
}
