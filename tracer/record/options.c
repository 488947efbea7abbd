#include "options.h"

#include "keeping.h"
#include "options/parse.h"
#include "quantity.h"
#include "record/layers/perf/sampling.h"
#include "schema/events.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RATE "10us"

/* Sampling arithmetic in the traced program is 32 bits wide. */
#define MAX_RATE_NS UINT64_C(1000000000)

/* Between the ids of processes: pidof(1) prints spaces, pgrep(1) lines. */
#define PID_SEPARATORS ", \t\n"

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

/* What of it is kept, where it would have more than --max-size. */
static gboolean check_keep(const char *keep, struct ct_record_options *options, GError **error)
{
    options->keeps_newest = g_strcmp0(keep, "newest") == 0;
    if (keep == NULL || strcmp(keep, "oldest") == 0)
        return TRUE;
    if (!options->keeps_newest)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--keep=%s: give oldest or newest", keep);
    else if (options->max_size == 0)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--keep=newest: say how much is to be kept, as with --max-size=500M");
    else if (options->max_size < CT_KEPT_SIZE_MIN)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--max-size=%.1fM is too small for --keep=newest: the oldest part of at least "
                    "%.0f MB is dropped for the next, so give at least %.0fM",
                    (double)options->max_size / 1e6, (double)CT_KEPT_PART_MIN / 1e6,
                    (double)CT_KEPT_SIZE_MIN / 1e6);
    else
        return TRUE;
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

static gboolean parse_pid(const char *text, pid_t *pid)
{
    guint64 number;
    gboolean is_pid = g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT32, &number, NULL);

    *pid = is_pid ? (pid_t)number : 0;
    return is_pid;
}

/* "12", or "12 34" as pidof(1) prints them: nothing but numbers. */
static gboolean is_pid_list(const char *word)
{
    return *word != '\0' && strspn(word, "0123456789" PID_SEPARATORS) == strlen(word) &&
           strcspn(word, PID_SEPARATORS) > 0;
}

/* "12" or "12,34": more of the processes to attach to, each once. */
static gboolean parse_pids(const char *text, GArray *pids, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, PID_SEPARATORS, -1);
    gboolean is_list = TRUE;
    guint count = 0;

    for (char **word = words; *word != NULL && is_list; word++) {
        gboolean is_known = FALSE;
        pid_t pid;

        if (**word == '\0')
            continue; /* between two separators */
        count++;
        is_list = parse_pid(*word, &pid);
        for (guint i = 0; i < pids->len; i++)
            is_known = is_known || g_array_index(pids, pid_t, i) == pid;
        if (!is_known)
            g_array_append_val(pids, pid);
    }
    if (!is_list || count == 0)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--pid=%s: give the id of a process, a number such as pgrep(1) prints, or "
                    "several with commas or spaces between them",
                    text);
    return is_list && count > 0;
}

/* Only the kernel can look into a process that runs already. */
static gboolean check_attaching(char **texts, struct ct_record_options *options, GError **error)
{
    options->pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    for (char **text = texts; *text != NULL; text++) {
        if (!parse_pids(*text, options->pids, error))
            return FALSE;
    }
    if (options->program != NULL) {
        g_set_error(
            error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
            "--pid records a process that runs, and \"%s\" would start one: give one or the "
            "other",
            options->program[0]);
        return FALSE;
    }
    if (!options->kernel.sched) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--kernel=off leaves nothing to record with --pid: only the kernel tells of a "
                    "process that runs already");
        return FALSE;
    }
    options->kernel.syscalls = TRUE;
    return TRUE;
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
    char *rate;
    char *delay;
    char *duration;
    char *kernel;
    char *kernel_source;
    char *frames;
    char *max_size;
    char *keep;
    char *cpu_hz;
    char **pids;
    char **rest;
    gboolean cpu; /* without a number */
    gboolean net;
    gboolean sync;
    gboolean syscall;
    gboolean sleep;
    gboolean lossless;
    gboolean no_follow;
    gboolean wants_version;
};

static void given_clear(struct given *given)
{
    char *const texts[] = {
        given->output,        given->rate,   given->delay,    given->duration, given->kernel,
        given->kernel_source, given->frames, given->max_size, given->keep,     given->cpu_hz,
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
     "WHAT"},
    {"kernel-source", 0, 0, G_OPTION_ARG_STRING, GIVEN(kernel_source),
     "Ask the kernel by its BPF programs: bpf; by its perf events: perf; or by the best that it "
     "lets us: auto (auto)",
     "HOW"},
    {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, GIVEN(pids),
     "Record process PID, which runs already, until it ends or Ctrl-C; -p 1,2 and -p 1 2 "
     "record several",
     "PID"},
    /* The first is it without a value, which must not be the next argument. */
    {"cpu", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, GIVEN(cpu), NULL, NULL},
    {"cpu", 0, 0, G_OPTION_ARG_STRING, GIVEN(cpu_hz),
     "Sample where threads are while they run: in each second of CPU time HZ times, or 99 if "
     "there is no =HZ",
     "HZ"},
    {"frames", 0, 0, G_OPTION_ARG_STRING, GIVEN(frames),
     "Keep N frames of each stack (" G_STRINGIFY(
         CT_STACK_DEFAULT_FRAMES) "): of a deeper one the "
                                  "innermost, and a quarter of them the outermost",
     "N"},
    {"delay", 0, 0, G_OPTION_ARG_STRING, GIVEN(delay),
     "Start recording T after the program, or after attaching to PID", "T"},
    {"duration", 0, 0, G_OPTION_ARG_STRING, GIVEN(duration),
     "Stop recording after T; the program goes on", "T"},
    {"max-size", 0, 0, G_OPTION_ARG_STRING, GIVEN(max_size),
     "Stop recording before the recording has more than SIZE, as 500M or 2G; the program goes "
     "on; see --keep",
     "SIZE"},
    {"keep", 0, 0, G_OPTION_ARG_STRING, GIVEN(keep),
     "Keep what came first of a recording that would have more than --max-size: oldest; or go on, "
     "and keep what came last: newest (oldest)",
     "WHICH"},
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
    GOptionContext *context = g_option_context_new("[--] PROGRAM [ARG...] | -p PID");

    g_option_context_set_summary(context,
                                 "Runs PROGRAM, or attaches to process PID, and records what each "
                                 "of its threads\nwaits for.");
    g_option_context_set_description(
        context,
        "Times are numbers with a unit: 10us, 5ms, 1.5s. The exit status is PROGRAM's own;\n"
        "125 if it was 0 but nothing could be recorded. With -p it is 0, or 125.\n"
        "\nNext: ctrace report, ctrace pprof, ctrace timeline. Manual: man ctrace-record");
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

/* What was given, once the line is read, becomes what is to be done. */
static gboolean take(struct ct_record_options *options, struct given *given, GError **error)
{
    gboolean has_program = given->rest != NULL && given->rest[0] != NULL;

    if (!has_program && given->pids == NULL) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "no program given; for example: ctrace record ./server --port 8080, or, if it "
                    "runs already: ctrace record -p $(pidof server)");
        return FALSE;
    }
    options->output =
        given->output != NULL ? g_steal_pointer(&given->output) : g_strdup(CT_DEFAULT_OUTPUT);
    options->program = has_program ? g_steal_pointer(&given->rest) : NULL;
    options->hint = cpu_hint(given->cpu, has_program ? options->program[0] : NULL);
    options->classes = chosen_classes(given->net, given->sync, given->syscall, given->sleep);
    options->lossless = given->lossless;
    options->no_follow = given->no_follow;
    return check(options, given->rate, given->delay, given->duration, error) &&
           check_kernel(given->kernel, options, error) &&
           check_kernel_source(given->kernel_source, options, error) &&
           check_cpu(given->cpu, given->cpu_hz, options, error) &&
           check_frames(given->frames, options, error) &&
           check_max_size(given->max_size, options, error) &&
           check_keep(given->keep, options, error) &&
           (given->pids == NULL || check_attaching(given->pids, options, error));
}

gboolean ct_record_options_parse(struct ct_record_options *options, char **argv, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_auto(given_type) given = {0};
    GOptionEntry entries[G_N_ELEMENTS(all_options)];

    g_set_prgname("ctrace record");
    list_options(entries, &given);
    g_autoptr(GOptionContext) context = make_context(entries);
    arguments = ct_options_join(entries, find_option(entries, "pid"), g_steal_pointer(&arguments),
                                is_pid_list);
    if (!ct_options_parse(context, entries, &arguments, error))
        return FALSE;
    if (given.wants_version) {
        g_print("ctrace %s\n", CTRACE_VERSION);
        exit(0);
    }
    return take(options, &given, error);
}

void ct_record_options_clear(struct ct_record_options *options)
{
    g_free(options->output);
    g_free(options->hint);
    if (options->pids != NULL)
        g_array_unref(options->pids);
    g_strfreev(options->program);
}
