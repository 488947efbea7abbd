#include "commands/bench_options.h"

#include "cli/window.h"
#include "commands/bench_store.h"
#include "diff/statistics.h"
#include "options/parse.h"

#include <string.h>

#define USUAL_FOLDER "ctrace.bench"
#define USUAL_RUNS   5
#define WARMUP_MAX   1000

static const struct ct_bench_kind kinds[] = {
    {"waits", {NULL}, "what its threads wait for"},
    {"cpu", {"--cpu", NULL}, "and what they run, by samples"},
    {"heap", {"--heap", NULL}, "and what they allocate, by samples"},
    {"all", {"--cpu", "--heap", NULL}, "all of that at once"},
};

static const char description[] =
    "Each run is recorded. With several profiles, as in --profile=waits,cpu, each has runs of its\n"
    "own, so that none is in the way of another. Results lie in ctrace.bench/NAME/PROFILE/run-01\n"
    "and so on, plain recordings; without --save, NAME is last.\n"
    "\n"
    "The exit status is 0; with --base, it is that of ctrace diff, which is 1 where a check of\n"
    "--fail-on fails; 3 if nothing could be compared or the command line makes no sense, 4 if a\n"
    "run failed, 124 if one hung.\n"
    "\n"
    "Examples:\n"
    "  ctrace bench --save=baseline -- ./bench\n"
    "  ctrace bench --base=baseline --fail-on='duration>+5%' -- ./bench\n"
    "  ctrace bench --profile=waits,cpu --runs=8 --warmup=2s --timeout=1m -- ./bench --size=10";

/* For a shell. */
static char **list_kinds(void)
{
    char **rows = g_new0(char *, G_N_ELEMENTS(kinds) + 1);

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        rows[i] = g_strdup_printf("%s\t%s", kinds[i].name, kinds[i].what);
    return rows;
}

static gboolean fail(GError **error, const char *message)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
    return FALSE;
}

static const struct ct_bench_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static gboolean parse_kinds(struct ct_bench_options *options, GError **error)
{
    g_auto(GStrv) names =
        g_strsplit(options->kinds_typed ? options->kinds_typed : kinds[0].name, ",", -1);

    options->kinds = g_ptr_array_new();
    for (char **name = names; *name; name++) {
        const struct ct_bench_kind *kind = find_kind(*name);

        if (!kind) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--profile=%s is none of waits, cpu, heap and all", *name);
            return FALSE;
        }
        if (!g_ptr_array_find(options->kinds, kind, NULL))
            g_ptr_array_add(options->kinds, (void *)kind);
    }
    return TRUE;
}

/* "3" runs, or "2s". */
static gboolean parse_warmup(struct ct_bench_options *options, GError **error)
{
    const char *typed = options->warmup_typed ? options->warmup_typed : "1";
    guint64 runs;

    if (typed[strspn(typed, "0123456789")] != '\0')
        return ct_duration_parse(typed, &options->warmup_ns, error);
    if (!g_ascii_string_to_unsigned(typed, 10, 0, WARMUP_MAX, &runs, NULL))
        return fail(error, "--warmup is a number of runs of up to 1000, or a time, such as 2s");
    options->warmup_runs = (guint)runs;
    return TRUE;
}

static gboolean parse_time(const char *typed, uint64_t *time_ns, GError **error)
{
    *time_ns = 0;
    return !typed || ct_duration_parse(typed, time_ns, error);
}

static gboolean check(struct ct_bench_options *options, GError **error)
{
    if (options->is_version)
        return TRUE;
    if (!options->program || !options->program[0])
        return fail(error, "which program is to be run? As in: ctrace bench -- ./bench");
    if (options->runs < 1 || options->runs > CT_VALUES_MAX)
        return fail(error, "--runs is between 1 and 50");
    if (options->fail_on && !options->base)
        return fail(error, "--fail-on compares with --base=NAME, which is to be given, too");
    if (!options->save)
        options->save = g_strdup("last");
    if (g_strcmp0(options->save, options->base) == 0)
        return fail(error, "--save and --base are one name: a run cannot be compared with itself");
    if (!options->folder)
        options->folder = g_strdup(USUAL_FOLDER);
    return ct_bench_store_check_name(options->save, "--save", error) &&
           ct_bench_store_check_name(options->base, "--base", error) &&
           parse_kinds(options, error) && parse_warmup(options, error) &&
           parse_time(options->benchtime_typed, &options->benchtime_ns, error) &&
           parse_time(options->timeout_typed, &options->timeout_ns, error);
}

gboolean ct_bench_options_parse(struct ct_bench_options *options, char **argv, GError **error)
{
    *options = (struct ct_bench_options){.runs = USUAL_RUNS};
    const GOptionEntry entries[] = {
        {"warmup", 0, 0, G_OPTION_ARG_STRING, &options->warmup_typed,
         "Run it so often, or for so long, before it counts (1)", "N|T"},
        {"runs", 'n', 0, G_OPTION_ARG_INT, &options->runs, "Runs that count (5)", "N"},
        {"benchtime", 0, 0, G_OPTION_ARG_STRING, &options->benchtime_typed,
         "More runs, up to 50, until they took so long together", "T"},
        {"timeout", 0, 0, G_OPTION_ARG_STRING, &options->timeout_typed,
         "Kill a run that takes longer, and say where it hung", "T"},
        {"profile", 0, 0, G_OPTION_ARG_STRING, &options->kinds_typed,
         "What is recorded, one at a time: waits (the default), cpu, heap; or all at once",
         "PROFILE"},
        {"save", 0, 0, G_OPTION_ARG_STRING, &options->save,
         "Keep the runs by this name (last); those that have it are replaced", "NAME"},
        {"base", 0, 0, G_OPTION_ARG_STRING, &options->base, "Compare with those of that name",
         "NAME"},
        {"fail-on", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->fail_on,
         "Exit with 1 where this is proven, as ctrace diff has it; may be repeated", "CHECK"},
        {"record", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->record,
         "An option for ctrace record, such as --record=--rate=0; may be repeated", "OPTION"},
        {"folder", 0, 0, G_OPTION_ARG_FILENAME, &options->folder,
         "Where runs are kept (ctrace.bench)", "FOLDER"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->program, NULL,
         "[--] PROGRAM [ARG...]"},
        {0},
    };
    static const struct ct_option_values values[] = {{"PROFILE", list_kinds}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_set_summary(
        context,
        "Runs a program warm, several times, each time recorded; keeps the runs by a name,\n"
        "and compares them with others: what changed, and what of that is proven.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse_values(context, entries, values, &arguments, error) &&
           check(options, error);
}

void ct_bench_options_clear(struct ct_bench_options *options)
{
    g_strfreev(options->program);
    g_free(options->kinds_typed);
    g_free(options->save);
    g_free(options->base);
    g_free(options->folder);
    g_strfreev(options->record);
    g_strfreev(options->fail_on);
    g_free(options->warmup_typed);
    g_free(options->benchtime_typed);
    g_free(options->timeout_typed);
    g_clear_pointer(&options->kinds, g_ptr_array_unref);
}
