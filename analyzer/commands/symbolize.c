/* ctrace-symbolize: finds all symbols of a recording at once, and keeps them with it. */
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "options/parse.h"
#include "symbols/lacks.h"
#include "text/safe_text.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
    char **directories; /* owned */
    gboolean is_version;
};

/* An address in a module, with when it meant that. */
struct place {
    const struct ct_module *module; /* borrowed, as is the next */
    const struct ct_process *process;
    uint64_t address;
    uint64_t time_ns;
};

/* What is to be looked up. */
struct work {
    GHashTable *variables; /* owned; struct place *, owned, by module and address */
    guint count;           /* of addresses */
    guint done;
};

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR]"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_summary(
        context, "Finds the functions, files and lines of all addresses of a recording, and keeps "
                 "them\nwith it: then it can be read where the programs are not.");
    g_option_context_set_description(context,
                                     "DIR is ctrace.data unless named. Prints how many were found, "
                                     "and which files lack symbols.");
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse(context, entries, &arguments, error) &&
           ct_command_directory(options->directories, error);
}

/* ---- What there is to look up ---- */

static guint place_hash(const void *key)
{
    const struct place *place = key;

    return g_direct_hash(place->module) * 31 + g_int64_hash(&place->address);
}

static gboolean place_equal(const void *a, const void *b)
{
    const struct place *first = a, *second = b;

    return first->module == second->module && first->address == second->address;
}

static void add_variable(struct work *work, const struct ct_process *process, uint64_t address,
                         uint64_t time_ns)
{
    const struct place place = {ct_process_module(process, address, time_ns), process, address,
                                time_ns};

    if (place.module && !g_hash_table_contains(work->variables, &place))
        g_hash_table_add(work->variables, g_memdup2(&place, sizeof(place)));
}

/* Profiles and pictures ask for it as of the stack, reports also as of the wait. */
static void on_interval(void *user, const struct ct_interval *interval)
{
    const struct ct_process *process = interval->thread->process;

    if (!ct_object_is_address(ct_op_object(interval->op)))
        return;
    add_variable(user, process, interval->object, interval->begin_ns);
    add_variable(user, process, interval->object,
                 ct_process_stack_time(process, interval->stack_id));
}

static void count_addresses(struct work *work, const struct ct_model *model)
{
    work->count = g_hash_table_size(work->variables);
    for (guint i = 0; i < model->all_processes->len; i++) {
        const struct ct_process *process = model->all_processes->pdata[i];
        GHashTableIter each;
        void *stack;

        g_hash_table_iter_init(&each, process->stacks);
        while (g_hash_table_iter_next(&each, NULL, &stack))
            work->count += ((const struct ct_stack *)stack)->count;
    }
}

/* ---- Looking up ---- */

static void step(struct work *work, struct ct_activity *activity)
{
    work->done++;
    activity->share_read = work->count > 0 ? (double)work->done / work->count : 1;
}

static void resolve_stacks(struct work *work, struct ct_symbolizer *symbolizer,
                           const struct ct_process *process, struct ct_activity *activity)
{
    GHashTableIter each;
    void *value;

    g_hash_table_iter_init(&each, process->stacks);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct ct_stack *stack = value;

        for (uint32_t i = 0; i < stack->count; i++) {
            ct_symbolizer_resolve_return(symbolizer, process, stack->addresses[i], stack->time_ns);
            step(work, activity);
        }
    }
}

/* And what is asked of programs beside that. */
static void resolve_all(struct work *work, struct ct_symbolizer *symbolizer,
                        const struct ct_model *model)
{
    struct ct_activity *activity = model->activity;
    GHashTableIter each;
    void *value;

    activity->is_naming = TRUE;
    count_addresses(work, model);
    for (guint i = 0; i < model->all_processes->len; i++)
        resolve_stacks(work, symbolizer, model->all_processes->pdata[i], activity);
    g_hash_table_iter_init(&each, work->variables);
    while (g_hash_table_iter_next(&each, &value, NULL)) {
        const struct place *place = value;

        ct_symbolizer_resolve_data(symbolizer, place->process, place->address, place->time_ns);
        step(work, activity);
    }
    for (guint i = 0; i < model->all_processes->len; i++) {
        const struct ct_process *process = model->all_processes->pdata[i];
        const struct ct_module *program = ct_process_program(process);

        if (program)
            ct_symbolizer_is_go(symbolizer, program);
    }
}

/* ---- What is said ---- */

static void print_lacks(const GArray *modules)
{
    gboolean lacks[CT_SYMBOLS_LACK_COUNT] = {FALSE};
    const char *said = "";

    for (guint i = 0; i < modules->len; i++) {
        const struct ct_symbolizer_module *module =
            &g_array_index(modules, struct ct_symbolizer_module, i);
        g_autofree char *text = ct_symbols_lack_describe(module);
        g_autofree char *safe = ct_safe_line(text);

        lacks[ct_symbols_lack_of(module)] = TRUE;
        if (*safe)
            printf("%s\n", safe);
    }
    for (int lack = CT_SYMBOLS_LACK_NOTHING + 1; lack < CT_SYMBOLS_LACK_COUNT; lack++) {
        const char *advice = ct_symbols_lack_advice(lack);

        if (lacks[lack] && !g_str_equal(advice, said)) /* that of symbols and of lines is one */
            printf("%s\n", said = advice);
    }
}

static void print_result(const struct ct_symbolizer *symbolizer)
{
    g_autoptr(GArray) modules = ct_symbolizer_modules(symbolizer);
    uint64_t count = 0, named = 0, with_line = 0;

    for (guint i = 0; i < modules->len; i++) {
        const struct ct_symbolizer_module *module =
            &g_array_index(modules, struct ct_symbolizer_module, i);

        count += module->address_count;
        named += module->named_count;
        with_line += module->with_line_count;
    }
    g_autofree char *count_text = ct_format_count(count);
    g_autofree char *named_text = ct_format_count(named);
    g_autofree char *line_text = ct_format_count(with_line);

    printf("%s of %s address%s resolved, %s with file and line\n", named_text, count_text,
           count == 1 ? "" : "es", line_text);
    print_lacks(modules);
}

/* FALSE: it is not kept, and why was said. */
static gboolean keep(struct ct_symbolizer *symbolizer, const char *directory,
                     const struct ct_activity *activity)
{
    if (!ct_symbolizer_keep(symbolizer)) {
        ct_say("the symbols cannot be kept: neither in %s nor in your cache can files be written; "
               "copy the recording to where there is room, and symbolize the copy",
               directory);
        return FALSE;
    }
    if (!activity->is_symbols_in_recording)
        ct_say("%s is somebody else's, or cannot be written: the symbols are in your cache, for "
               "you alone; to read it on another host, copy it and symbolize the copy",
               directory);
    return TRUE;
}

static int symbolize(void *user, struct ct_activity *activity)
{
    const char *directory = *(const char *const *)user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(GHashTable) variables = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    struct work work = {.variables = variables};
    const struct ct_sink sink = {.user = &work, .on_interval = on_interval};
    g_autoptr(GError) error = NULL;

    if (!ct_recording_read(directory, activity, model, NULL, &sink, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);

    ct_say_all(complaints);
    resolve_all(&work, symbolizer, model);
    print_result(symbolizer);
    return keep(symbolizer, directory, activity) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct options *options)
{
    const char *directory = ct_command_directory(options->directories, NULL);
    struct ct_worker_result result;
    g_autoptr(GError) error = NULL;
    int status = EXIT_FAILURE;

    if (ct_worker_run(directory, symbolize, &directory, &result, &error)) {
        status = ct_worker_print_result(directory, &result, "result");
        if (status == EXIT_SUCCESS && !result.has_kept_symbols) {
            ct_say("the symbols cannot be kept with %s", directory);
            status = EXIT_FAILURE;
        }
    } else {
        ct_say("%s", error->message);
    }
    ct_worker_result_clear(&result);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status;

    (void)argc;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("ctrace symbolize");
    if (!parse_options(&options, argv, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    g_strfreev(options.directories);
    return status;
}
