#include "options.h"

#include "heap_wish.h"
#include "keeping.h"
#include "options/parse.h"
#include "options/quantity.h"
#include "record/layers/perf/sampling.h"
#include "schema/events.h"
#include "standby_wish.h"
#include "system/named.h"
#include "system/targets.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RATE "10us"

/* Sampling arithmetic in the traced program is 32 bits wide. */
#define MAX_RATE_NS UINT64_C(1000000000)

static gboolean parse_time(const char *option, const char *text, uint64_t *time_ns, GError **error)
{
    if (ct_quantity_parse_time(text, time_ns))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--%s=%s is no time: give a number with a unit, such as 10us, 5ms or 1.5s", option,
                text);
    return FALSE;
}

/* A recording has some 100 kB whatever is in it. */
#define MIN_MAX_SIZE UINT64_C(1000000)

static gboolean check_max_size(const char *text, struct ct_record_options *options, GError **error)
{
    if (text == NULL ||
        (ct_quantity_parse_size(text, &options->max_size) && options->max_size >= MIN_MAX_SIZE))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--max-size=%s: give a number with a unit, such as 500M or 2G, and at least 1M",
                text);
    return FALSE;
}

static gboolean check_kernel(const char *kernel, struct ct_record_options *options, GError **error)
{
    static const struct {
        const char *name;
        gboolean is_named;
        struct ct_kernel_wishes wishes;
    } choices[] = {{"auto", FALSE, {.sched = TRUE}},
                   {"off", TRUE, {0}},
                   {"sched", TRUE, {.sched = TRUE}},
                   {"syscalls", TRUE, {.sched = TRUE, .syscalls = TRUE}}};

    for (size_t i = 0; i < G_N_ELEMENTS(choices); i++) {
        if (strcmp(kernel != NULL ? kernel : "auto", choices[i].name) == 0) {
            options->kernel = choices[i].wishes;
            options->kernel_option = choices[i].is_named ? choices[i].name : NULL;
            return TRUE;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--kernel=%s: give auto, off, sched or syscalls", kernel);
    return FALSE;
}

static gboolean check_kernel_source(const char *name, struct ct_record_options *options,
                                    GError **error)
{
    static const char *const names[] = {
        [CT_FROM_ANYWHERE] = "auto", [CT_FROM_BPF] = "bpf", [CT_FROM_PERF] = "perf"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_strcmp0(name != NULL ? name : "auto", names[i]) == 0) {
            options->kernel.origin = (enum ct_capture_origin)i;
            return TRUE;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--kernel-source=%s: give auto, bpf or perf", name);
    return FALSE;
}

/* How often to sample, from "99". */
static gboolean check_cpu(gboolean is_plain, const char *text, struct ct_record_options *options,
                          GError **error)
{
    guint64 hz = CT_SAMPLING_HZ_DEFAULT;

    if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 1, CT_SAMPLING_HZ_MAX, &hz, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--cpu=%s: give how many samples to take in each second of CPU time: a whole "
                    "number from 1 to %d, as in --cpu=%d",
                    text, CT_SAMPLING_HZ_MAX, CT_SAMPLING_HZ_DEFAULT);
        return FALSE;
    }
    if (is_plain || text != NULL)
        options->kernel.cpu_hz = (uint32_t)hz;
    return TRUE;
}

static gboolean check_frames(const char *text, struct ct_record_options *options, GError **error)
{
    guint64 frames = CT_STACK_DEFAULT_FRAMES;

    if (text != NULL && !g_ascii_string_to_unsigned(text, 10, CT_STACK_MIN_FRAMES,
                                                    CT_STACK_MAX_FRAMES, &frames, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--frames=%s: give how many frames of a stack to keep: a whole number from %d "
                    "to %d",
                    text, CT_STACK_MIN_FRAMES, CT_STACK_MAX_FRAMES);
        return FALSE;
    }
    options->stack_frames = (uint32_t)frames;
    return TRUE;
}

static gboolean check(struct ct_record_options *options, const char *rate, const char *delay,
                      const char *duration, GError **error)
{
    if (!parse_time("rate", rate != NULL ? rate : DEFAULT_RATE, &options->rate_ns, error) ||
        (delay != NULL && !parse_time("delay", delay, &options->delay_ns, error)) ||
        (duration != NULL && !parse_time("duration", duration, &options->duration_ns, error)))
        return FALSE;
    if (options->rate_ns > MAX_RATE_NS) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--rate=%s: at most 1s; larger values would leave nothing to see", rate);
        return FALSE;
    }
    if (duration != NULL && options->duration_ns == 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--duration=%s would record nothing", duration);
        return FALSE;
    }
    return TRUE;
}

static gboolean add_targets(char **texts, struct ct_record_options *options, GError **error)
{
    options->targets = g_ptr_array_new_with_free_func(g_free);
    for (char **text = texts; *text != NULL; text++) {
        if (!ct_targets_add(options->targets, *text, error))
            return FALSE;
    }
    return TRUE;
}

/* Of the whole machine, or of a cgroup, which may never end. */
static gboolean check_group(const char *option, struct ct_record_options *options, GError **error)
{
    if (options->no_follow)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--no-follow makes no sense with %s: child processes are of it, too", option);
    else if (options->is_of_machine && options->duration_ns == 0)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--all records the whole machine: say for how long, as in --all "
                    "--duration=10s");
    else
        return TRUE;
    return FALSE;
}

/* Only the kernel can look into what runs already, as `option` asks for. */
static gboolean check_attaching(const char *option, struct ct_record_options *options,
                                GError **error)
{
    if ((options->targets != NULL) + (options->cgroup != NULL) + options->is_of_machine > 1)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--pid, --cgroup and --all each say what to record: give one of them");
    else if (options->program != NULL)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "%s records what runs already, and \"%s\" would start a program: give one or "
                    "the other",
                    option, options->program[0]);
    else if (!options->kernel.sched)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--kernel=off leaves nothing to record with %s: only the kernel tells of what "
                    "runs already",
                    option);
    else if (options->targets != NULL || check_group(option, options, error)) {
        options->kernel.syscalls = TRUE;
        return TRUE;
    }
    return FALSE;
}

/* What the options of the classes choose together: all, if none is given. */
static uint32_t chosen_classes(gboolean net, gboolean sync, gboolean syscall, gboolean sleep)
{
    gboolean all = !(net || sync || syscall || sleep);

    return (all || net ? 1U << CT_CLASS_NET : 0) | (all || sync ? 1U << CT_CLASS_SYNC : 0) |
           (all || syscall ? 1U << CT_CLASS_SYSCALL : 0) |
           (all || sleep ? 1U << CT_CLASS_SLEEP : 0);
}

static const GOptionEntry *find_option(const GOptionEntry *entries, const char *name)
{
    while (strcmp(entries->long_name, name) != 0)
        entries++;
    return entries;
}

/* What "--cpu 99 ./server" is about: the number of a plain --cpu would be the program's name. */
static char *cpu_hint(gboolean is_plain_cpu, const char *program)
{
    gboolean is_number =
        program != NULL && *program != '\0' && strspn(program, "0123456789") == strlen(program);

    return is_plain_cpu && is_number
               ? g_strdup_printf("--cpu takes its number after an equals sign: --cpu=%s", program)
               : NULL;
}

/* What was given, as it was typed; all are owned. */
struct given {
    char *output;
    char *standby;
    char *rate;
    char *delay;
    char *duration;
    char *kernel;
    char *kernel_source;
    char *frames;
    char *max_size;
    char *keep;
    char *cpu_hz;
    char *heap_rate;
    char *cgroup;
    char **pids;
    char **rest;
    gboolean cpu;  /* without a number */
    gboolean heap; /* without a size */
    gboolean heap_maps;
    gboolean net;
    gboolean sync;
    gboolean syscall;
    gboolean sleep;
    gboolean lossless;
    gboolean no_follow;
    gboolean all;
    gboolean wakers;
    gboolean wants_version;
};

static void given_clear(struct given *given)
{
    char *const texts[] = {
        given->output,        given->rate,      given->delay,    given->duration, given->kernel,
        given->kernel_source, given->frames,    given->max_size, given->keep,     given->cpu_hz,
        given->cgroup,        given->heap_rate, given->standby,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(given->pids);
    g_strfreev(given->rest);
}

typedef struct given given_type;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(given_type, given_clear)

/* Until it is known where what is given is kept: its offset there. */
#define GIVEN(name) ((void *)offsetof(struct given, name))

static const GOptionEntry all_options[] = {
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, GIVEN(output),
     "Write the recording to DIR (" CT_DEFAULT_OUTPUT "); one that is there moves to DIR.old",
     "DIR"},
    {"rate", 0, 0, G_OPTION_ARG_STRING, GIVEN(rate),
     "Record every wait of at least T, and shorter ones by chance, so that totals stay true "
     "(" DEFAULT_RATE "; 0 records all)",
     "T"},
    {"net", 0, 0, G_OPTION_ARG_NONE, GIVEN(net),
     "Record only waits for the network; --net --sync: for it and for other threads", NULL},
    {"sync", 0, 0, G_OPTION_ARG_NONE, GIVEN(sync), "Record only waits for other threads", NULL},
    {"syscall", 0, 0, G_OPTION_ARG_NONE, GIVEN(syscall),
     "Record only waits in other system calls: files, pipes, children", NULL},
    {"sleep", 0, 0, G_OPTION_ARG_NONE, GIVEN(sleep), "Record only sleeps", NULL},
    {"kernel", 0, 0, G_OPTION_ARG_STRING, GIVEN(kernel),
     "Record when threads run and when they are runnable, waiting for a CPU: sched; calls too: "
     "syscalls; neither: off; or what there is need of and the kernel lets us: auto (auto)",
     "auto|off|sched|syscalls"},
    {"kernel-source", 0, 0, G_OPTION_ARG_STRING, GIVEN(kernel_source),
     "Ask the kernel by its BPF programs: bpf; by its perf events: perf; or by the best that it "
     "lets us: auto (auto)",
     "auto|bpf|perf"},
    {"wakers", 0, 0, G_OPTION_ARG_NONE, GIVEN(wakers),
     "Record where threads were that let others go on, too, as BPF programs tell it", NULL},
    {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, GIVEN(pids),
     "Record process PID, or all that are named NAME, which run already, until they end or "
     "Ctrl-C; -p 1,2, -p 1 2 and -p nginx,redis-server record several",
     "PID|NAME"},
    {"cgroup", 0, 0, G_OPTION_ARG_FILENAME, GIVEN(cgroup),
     "Record all that is in cgroup PATH, or comes into it: its folder below /sys/fs/cgroup, or its "
     "path as /proc/PID/cgroup prints it",
     "PATH"},
    {"all", 0, 0, G_OPTION_ARG_NONE, GIVEN(all),
     "Record all programs of this machine, for as long as --duration says", NULL},
    /* The first is it without a value, which must not be the next argument. */
    {"cpu", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, GIVEN(cpu), NULL, NULL},
    {"cpu", 0, 0, G_OPTION_ARG_STRING, GIVEN(cpu_hz),
     "Sample where threads are while they run: in each second of CPU time HZ times, or 99 if "
     "there is no =HZ",
     "HZ"},
    {"heap", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, GIVEN(heap), NULL, NULL},
    {"heap", 0, 0, G_OPTION_ARG_STRING, GIVEN(heap_rate),
     "Record which code allocates memory and what is live of it: a block in SIZE bytes, or "
     "in " CT_HEAP_RATE_TEXT " if there is no =SIZE (0 records all)",
     "SIZE"},
    {"heap-maps", 0, 0, G_OPTION_ARG_NONE, GIVEN(heap_maps),
     "With --heap: large areas of memory that the program maps itself, too", NULL},
    {"frames", 0, 0, G_OPTION_ARG_STRING, GIVEN(frames),
     "Keep N frames of each stack (" G_STRINGIFY(
         CT_STACK_DEFAULT_FRAMES) "): of a deeper one the "
                                  "innermost, and a quarter of them the outermost",
     "N"},
    {"delay", 0, 0, G_OPTION_ARG_STRING, GIVEN(delay),
     "Start recording T after the program, or after attaching", "T"},
    {"duration", 0, 0, G_OPTION_ARG_STRING, GIVEN(duration),
     "Stop recording after T; the program goes on", "T"},
    {"max-size", 0, 0, G_OPTION_ARG_STRING, GIVEN(max_size),
     "Stop recording, not the program, before there is more than SIZE, as 500M or 2G; see --keep",
     "SIZE"},
    {"keep", 0, 0, G_OPTION_ARG_STRING, GIVEN(keep),
     "Keep what came first of a recording that would have more than --max-size: oldest; or go on, "
     "and keep what came last: newest, or no more of that than about TIME (oldest)",
     "oldest|newest|TIME"},
    {"standby", 0, 0, G_OPTION_ARG_FILENAME, GIVEN(standby),
     "Record nothing until whoever connects to SOCKET, which is made, says so: begin, rest, "
     "snapshot OUT",
     "SOCKET"},
    {"lossless", 0, 0, G_OPTION_ARG_NONE, GIVEN(lossless),
     "Hold threads up that make events faster than they can be recorded, instead of losing what is "
     "too much",
     NULL},
    {"no-follow", 0, 0, G_OPTION_ARG_NONE, GIVEN(no_follow), "Leave child processes alone", NULL},
    {"version", 0, 0, G_OPTION_ARG_NONE, GIVEN(wants_version), "Print the version and exit", NULL},
    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, GIVEN(rest), NULL, NULL},
    G_OPTION_ENTRY_NULL,
};

/* The table, with the places in `given`. */
static void list_options(GOptionEntry *entries, struct given *given)
{
    memcpy(entries, all_options, sizeof(all_options));
    for (GOptionEntry *entry = entries; entry->long_name != NULL; entry++)
        entry->arg_data = (char *)given + (size_t)entry->arg_data;
}

static GOptionContext *make_context(const GOptionEntry *entries)
{
    GOptionContext *context =
        g_option_context_new("[--] PROGRAM [ARG...] | -p PID|NAME | --cgroup=PATH | --all");

    g_option_context_set_summary(context,
                                 "Runs PROGRAM, or attaches to process PID, to those named NAME, "
                                 "to all in a cgroup\nor of the machine, and records what each of "
                                 "their threads waits for.");
    g_option_context_set_description(
        context,
        "Times are numbers with a unit: 10us, 5ms, 1.5s. The exit status is PROGRAM's own;\n"
        "125 if it was 0 but nothing could be recorded. With what runs already it is 0, or 125.\n"
        "\nNext: ctrace report, ctrace pprof, ctrace timeline. Manual: man ctrace-record");
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

/* What was given, once the line is read, becomes what is to be done. */
static gboolean take(struct ct_record_options *options, struct given *given, GError **error)
{
    const struct ct_heap_wish heap = {given->heap, given->heap_rate, given->heap_maps};
    gboolean has_program = given->rest != NULL && given->rest[0] != NULL;
    const char *attaching = given->pids != NULL     ? "--pid"
                            : given->cgroup != NULL ? "--cgroup"
                            : given->all            ? "--all"
                                                    : NULL;

    if (!has_program && attaching == NULL) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "no program given; for example: ctrace record ./server --port 8080, or, if it "
                    "runs already: ctrace record -p server");
        return FALSE;
    }
    options->output =
        given->output != NULL ? g_steal_pointer(&given->output) : g_strdup(CT_DEFAULT_OUTPUT);
    options->program = has_program ? g_steal_pointer(&given->rest) : NULL;
    options->hint = cpu_hint(given->cpu, has_program ? options->program[0] : NULL);
    options->classes = chosen_classes(given->net, given->sync, given->syscall, given->sleep);
    options->lossless = given->lossless;
    options->no_follow = given->no_follow;
    options->cgroup = g_steal_pointer(&given->cgroup);
    options->standby = g_steal_pointer(&given->standby);
    options->is_of_machine = given->all;
    options->heap_has_maps = given->heap_maps;
    return check(options, given->rate, given->delay, given->duration, error) &&
           check_kernel(given->kernel, options, error) &&
           check_kernel_source(given->kernel_source, options, error) &&
           ct_kernel_wishes_add_wakers(&options->kernel, given->wakers, error) &&
           check_cpu(given->cpu, given->cpu_hz, options, error) &&
           ct_heap_wish_check(&heap, attaching, &options->heap_rate, error) &&
           check_frames(given->frames, options, error) &&
           check_max_size(given->max_size, options, error) &&
           ct_keeping_check(given->keep, options->max_size, &options->keeps_newest,
                            &options->keep_ns, error) &&
           ct_standby_wish_check(options->standby, attaching, options, error) &&
           (given->pids == NULL || add_targets(given->pids, options, error)) &&
           (attaching == NULL || check_attaching(attaching, options, error));
}

gboolean ct_record_options_parse(struct ct_record_options *options, char **argv, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_auto(given_type) given = {0};
    static const struct ct_option_values values[] = {
        {"PID", ct_named_list_pids}, {"NAME", ct_named_list}, {0}};
    GOptionEntry entries[G_N_ELEMENTS(all_options)];

    g_set_prgname("ctrace record");
    list_options(entries, &given);
    g_autoptr(GOptionContext) context = make_context(entries);
    arguments = ct_options_join(entries, find_option(entries, "pid"), g_steal_pointer(&arguments),
                                ct_targets_are_ids);
    if (!ct_options_parse_values(context, entries, values, &arguments, error))
        return FALSE;
    if (given.wants_version) {
        g_print("ctrace %s\n", CTRACE_VERSION);
        exit(0);
    }
    return take(options, &given, error);
}

gboolean ct_record_options_attach(const struct ct_record_options *options)
{
    return options->targets != NULL || options->cgroup != NULL || options->is_of_machine;
}

void ct_record_options_clear(struct ct_record_options *options)
{
    g_free(options->output);
    g_free(options->hint);
    g_free(options->cgroup);
    g_free(options->standby);
    if (options->targets != NULL)
        g_ptr_array_unref(options->targets);
    g_strfreev(options->program);
}
