/* ctrace serve: an agent that answers as Go's net/http/pprof does. */
#include "options/parse.h"
#include "push/address.h"
#include "serve/agent.h"
#include "serve/flight_options.h"
#include "serve/pushing_options.h"
#include "serve/say.h"
#include "serve/unit.h"
#include "serve/watching.h"
#include "system/cgroup.h"
#include "system/named.h"
#include "system/targets.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE_STATUS = 2 };

struct options {
    char **pids; /* owned */
    char *cgroup;
    char *listen;
    char **program;
    char *heap_rate;
    struct ct_settings_options collect; /* owned, all of it */
    struct ct_flight_given flight;
    struct ct_pushing_given push;
    char **conditions;
    gboolean has_heap;
    gboolean has_no_token;
    gboolean is_redacted;
    gboolean is_unit;
    gboolean is_version;
};

static const char summary[] =
    "Serves profiles of programs that run, as net/http/pprof does those of a Go program:\n"
    "for go tool pprof, curl and a browser.";

static const char description[] =
    "Prints the address, which ends in a token; below it is what net/http/pprof has:\n"
    "\n"
    "  go tool pprof -top ADDRESS/profile?seconds=30      CPU time\n"
    "  go tool pprof -top ADDRESS/block?seconds=5         waits; net, sync, syscall, sleep\n"
    "  curl ADDRESS/threads?debug=2                       what every thread does now\n"
    "  curl ADDRESS/trace?seconds=5 | tar x               a recording\n"
    "\n"
    "It is reached on this machine only. Nothing is recorded before somebody asks, unless "
    "--flight\n"
    "says that the last stretch is to be kept at all times. With PROGRAM\n"
    "it ends as that does, with its status; else by Ctrl-C, or with the last of processes that\n"
    "were given by their ids. Of PROGRAM anybody gets waits, traces and the heap; for CPU time,\n"
    "wall, sched and threads, and for what runs already, the kernel is asked, which takes root,\n"
    "as with ctrace record -p.\n"
    "\n"
    "With --every profiles are collected, too, into DIR/20260101_120000/cpu.pb.gz, which ctrace\n"
    "trend reads: after a day they become one each ten minutes, after a week one an hour. They\n"
    "never take more than --max, nor the last of a disk; index.sqlite in DIR tells what is there,\n"
    "and when and why nothing is. --push sends them to Pyroscope, Parca or OpenTelemetry, too: "
    "see\n"
    "ctrace push --help.\n"
    "\n"
    "Examples:\n"
    "  ctrace serve --heap -- ./server\n"
    "  ctrace serve --flight=30s,64MB -- ./server\n"
    "  sudo ctrace serve -p redis-server\n"
    "  sudo ctrace serve --every=60s --for=10s --keep=30d -p redis-server\n"
    "  sudo ctrace serve --every=60s --push=pyroscope:http://localhost:4040 -p redis-server\n"
    "  sudo ctrace serve --listen=unix:/run/ctrace/socket -- ./server";

/* ---- Options ---- */

static const struct ct_option_values values[] = {{"PID", ct_named_list_pids},
                                                 {"NAME", ct_named_list},
                                                 {"KIND", ct_settings_list_kinds},
                                                 {"TARGET", ct_push_address_rows},
                                                 {0}};

static GOptionContext *context_new(const GOptionEntry *entries)
{
    GOptionContext *context =
        g_option_context_new("[--] PROGRAM [ARG...] | -p PID|NAME | --cgroup=PATH");

    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

/* All of them; for the flight recorder, and the rest. */
enum { FLIGHT_ENTRIES = 4, OTHER_ENTRIES = 17 };

static void list_flight_options(struct ct_flight_given *flight, GOptionEntry *entries)
{
    const GOptionEntry all[FLIGHT_ENTRIES] = {
        {"flight", 0, 0, G_OPTION_ARG_STRING, &flight->flight,
         "Record at all times, keep the last TIME, such as 30s,64MB or 30s, and write that out "
         "when "
         "asked, by SIGUSR2 for one, and when PROGRAM ends",
         "TIME,SIZE"},
        {"flight-dir", 0, 0, G_OPTION_ARG_FILENAME, &flight->folder,
         "Write it out below DIR (" CT_FLIGHT_FOLDER ")", "DIR"},
        {"flight-gap", 0, 0, G_OPTION_ARG_STRING, &flight->gap, "Once in TIME at most (60s)",
         "TIME"},
        {"flight-count", 0, 0, G_OPTION_ARG_STRING, &flight->count,
         "Keep so many that were written out: the oldest go (10)", "N"},
    };

    memcpy(entries, all, sizeof(all));
}

static void list_options(struct options *options, GOptionEntry *entries)
{
    const GOptionEntry all[OTHER_ENTRIES] = {
        {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pids,
         "Serve process PID, or all that are named NAME when somebody asks, with what they have "
         "started; -p 1,2, -p 1 2 and -p nginx,redis-server are several",
         "PID|NAME"},
        {"cgroup", 0, 0, G_OPTION_ARG_FILENAME, &options->cgroup,
         "Serve all that is in cgroup PATH when somebody asks: its folder below /sys/fs/cgroup, or "
         "its path as /proc/PID/cgroup prints it",
         "PATH"},
        {"listen", 0, 0, G_OPTION_ARG_STRING, &options->listen,
         "Be asked at this port of this machine, or by a socket that only this user can reach "
         "(" CT_LISTEN_DEFAULT ")",
         "ADDRESS:PORT|unix:PATH"},
        /* The first is it without a value, which must not be the next argument. */
        {"heap", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->has_heap, NULL, NULL},
        {"heap", 0, 0, G_OPTION_ARG_STRING, &options->heap_rate,
         "Serve PROGRAM's heap, too: a block in SIZE bytes is looked at, or in 512KiB if there is "
         "no =SIZE (0: all)",
         "SIZE"},
        {"every", 0, 0, G_OPTION_ARG_STRING, &options->collect.every,
         "Collect profiles, too, so often, round the clock: see below", "TIME"},
        {"for", 0, 0, G_OPTION_ARG_STRING, &options->collect.duration,
         "Record so long for them (" CT_SETTINGS_DURATION ")", "TIME"},
        {"profiles", 0, 0, G_OPTION_ARG_STRING, &options->collect.profiles,
         "Collect these (cpu,block,mutex, and with --heap heap,allocs)", "KIND,..."},
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &options->collect.directory,
         "Collect them into this folder, each time in one of its own (" CT_SETTINGS_DIRECTORY ")",
         "DIR"},
        {"keep", 0, 0, G_OPTION_ARG_STRING, &options->collect.keep,
         "Remove those that are older (" CT_SETTINGS_KEEP ")", "TIME"},
        {"max", 0, 0, G_OPTION_ARG_STRING, &options->collect.max,
         "Remove the oldest where all take more than SIZE (" CT_SETTINGS_MAX ")", "SIZE"},
        {"when", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->conditions,
         "Say when CONDITION holds, such as 'wait.sync > 200ms', and with --flight write out what "
         "came before; several may be given",
         "CONDITION"},
        {"no-token", 0, 0, G_OPTION_ARG_NONE, &options->has_no_token,
         "Answer every user and program of this machine that asks at the port", NULL},
        {"redact", 0, 0, G_OPTION_ARG_NONE, &options->is_redacted,
         "Tell no arguments of programs, nor recordings, which have them", NULL},
        {"unit", 0, 0, G_OPTION_ARG_NONE, &options->is_unit,
         "Print what systemd needs to run this agent, and exit", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->program, NULL, NULL},
    };

    memcpy(entries, all, sizeof(all));
}

static gboolean parse_options(struct options *options, char **typed, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(typed);
    GOptionEntry entries[OTHER_ENTRIES + FLIGHT_ENTRIES + CT_PUSHING_ENTRIES + 1] = {0};

    list_options(options, entries);
    list_flight_options(&options->flight, entries + OTHER_ENTRIES);
    ct_pushing_given_list(&options->push, entries + OTHER_ENTRIES + FLIGHT_ENTRIES);
    g_autoptr(GOptionContext) context = context_new(entries);

    arguments =
        ct_options_join(entries, &entries[0], g_steal_pointer(&arguments), ct_targets_are_ids);
    return ct_options_parse_values(context, entries, values, &arguments, error);
}

static gboolean take_processes(const struct options *options, struct ct_served *served,
                               GError **error)
{
    for (char **pid = options->pids; pid && *pid; pid++)
        if (!ct_targets_add(served->words, *pid, error))
            return FALSE;
    if (!options->program && (options->has_heap || options->heap_rate)) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                            "--heap is of a program that is started: nothing is injected into what "
                            "runs already");
        return FALSE;
    }
    if ((served->words->len > 0) + (options->program != NULL) + (options->cgroup != NULL) == 1)
        return TRUE;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        served->words->len > 0 || options->program
                            ? "a program to start, processes that run, or a cgroup: give one of "
                              "them"
                            : "which program? for example: ctrace serve ./server, or, "
                              "if it runs already: ctrace serve -p server");
    return FALSE;
}

/* What is given by its id must run; of names, all may come later, if they are no slips. */
static gboolean check_word(const char *word, gboolean is_any_there, GError **error)
{
    pid_t pid = ct_target_pid(word);
    g_autofree char *near = pid > 0 || is_any_there ? NULL : ct_named_near(word);

    if (pid > 0 ? ct_served_is_living(pid) : !near || !*near)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "no process %s%s runs%s%s",
                pid > 0 ? "" : "named ", word, near ? "; there are " : "", near ? near : "");
    return FALSE;
}

static gboolean check_processes(const struct options *options, struct ct_served *served,
                                GError **error)
{
    if (options->cgroup) {
        served->cgroup = g_strdup(options->cgroup);
        served->group = ct_cgroup_find(options->cgroup, error);
        return served->group != NULL;
    }
    g_autoptr(GArray) list = ct_served_list(served);

    for (guint i = 0; i < served->words->len; i++)
        if (!check_word(served->words->pdata[i], list->len > 0, error))
            return FALSE;
    return TRUE;
}

static int run(const struct options *options, struct ct_served *served, struct ct_listen *listen,
               const struct ct_settings *settings, const struct ct_flight_limits *flight)
{
    const char *const *program = (const char *const *)options->program;
    g_autofree char *push_name = ct_pushing_given_name(&options->push, served, program);
    const struct ct_agent_request request = {
        .served = served,
        .listen = listen,
        .program = program,
        .heap = options->heap_rate  ? options->heap_rate
                : options->has_heap ? ""
                                    : NULL,
        .collect = settings,
        .push = options->push.targets,
        .push_name = push_name,
        .push_labels = options->push.labels,
        .flight = options->flight.flight ? flight : NULL,
        .flight_folder = options->flight.folder ? options->flight.folder : CT_FLIGHT_FOLDER,
        .conditions = (const char *const *)options->conditions,
        .has_token = !options->has_no_token && !listen->path,
        .is_redacted = options->is_redacted,
    };

    return ct_agent_run(&request);
}

/* In a build tree it is beside this program. */
static char *find_front_door(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(program ? program : "");
    g_autofree char *beside = g_build_filename(folder, "ctrace", NULL);

    return g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE)
               ? g_steal_pointer(&beside)
               : g_canonicalize_filename(CTRACE_FRONT_DOOR, folder);
}

static void add_option(GStrvBuilder *words, const char *name, const char *value)
{
    g_autofree char *word = value ? g_strconcat(name, "=", value, NULL) : NULL;

    if (word)
        g_strv_builder_add(words, word);
}

static void add_collecting(GStrvBuilder *words, const struct ct_settings_options *options,
                           const struct ct_settings *settings)
{
    add_option(words, "--every", options->every);
    add_option(words, "--for", options->duration);
    add_option(words, "--profiles", options->profiles);
    add_option(words, "--dir", options->directory ? settings->directory : NULL);
    add_option(words, "--keep", options->keep);
    add_option(words, "--max", options->max);
}

static void add_conditions(GStrvBuilder *words, char **conditions)
{
    for (; conditions && *conditions; conditions++)
        add_option(words, "--when", *conditions);
}

static int print_unit(const struct options *options, const struct ct_served *served,
                      const struct ct_listen *asked_at, const struct ct_settings *settings)
{
    g_autofree char *front_door = find_front_door();
    g_autofree char *listen = !options->listen ? NULL
                              : asked_at->path ? g_strconcat("--listen=unix:", asked_at->path, NULL)
                                               : g_strconcat("--listen=", options->listen, NULL);
    g_autoptr(GStrvBuilder) given = g_strv_builder_new();
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    if (listen)
        g_strv_builder_add(given, listen);
    add_option(given, "--cgroup", options->cgroup);
    if (options->has_heap)
        g_strv_builder_add(given, "--heap");
    add_option(given, "--heap", options->heap_rate);
    add_collecting(given, &options->collect, settings);
    ct_pushing_given_add_words(&options->push, given);
    ct_flight_given_add_words(&options->flight, given);
    add_conditions(given, options->conditions);
    if (options->has_no_token)
        g_strv_builder_add(given, "--no-token");
    if (options->is_redacted)
        g_strv_builder_add(given, "--redact");
    for (guint i = 0; i < served->words->len; i++)
        g_strv_builder_add(words, served->words->pdata[i]);
    g_auto(GStrv) given_options = g_strv_builder_end(given);
    g_auto(GStrv) given_words = g_strv_builder_end(words);

    /* Where it is started is not where it is printed. */
    if (options->program && strchr(options->program[0], '/')) {
        char *absolute = g_canonicalize_filename(options->program[0], NULL);

        g_free(options->program[0]);
        options->program[0] = absolute;
    }
    const struct ct_unit_request request = {
        .ctrace = front_door,
        .options = (const char *const *)given_options,
        .program = (const char *const *)options->program,
        .words = (const char *const *)given_words,
        .wants_profiles = options->collect.every && !options->collect.directory,
        .wants_flight = options->flight.flight && !options->flight.folder,
        .has_folder = options->collect.directory || options->flight.folder,
    };
    g_autofree char *text = ct_unit_text(&request);

    g_print("%s", text);
    return EXIT_SUCCESS;
}

static int start(const struct options *options)
{
    struct ct_served served = {.words = g_ptr_array_new_with_free_func(g_free)};
    struct ct_listen listen = {0};
    struct ct_settings settings = {0};
    struct ct_flight_limits flight;
    g_autoptr(GError) error = NULL;
    int status = USAGE_STATUS;

    if (!take_processes(options, &served, &error) ||
        !ct_settings_parse(&settings, &options->collect, options->has_heap || options->heap_rate,
                           &error) ||
        !ct_pushing_given_check(&options->push, options->collect.every != NULL, &error) ||
        !ct_flight_given_read(&options->flight, &flight, &error) ||
        !ct_watching_check((const char *const *)options->conditions,
                           options->has_heap || options->heap_rate, &error) ||
        !ct_listen_parse(&listen, options->listen ? options->listen : CT_LISTEN_DEFAULT, &error)) {
        ct_serve_say("%s\nTry: ctrace serve --help", error->message);
    } else if (options->is_unit) {
        status = print_unit(options, &served, &listen, &settings);
    } else if (!options->program && !check_processes(options, &served, &error)) {
        ct_serve_say("%s", error->message);
        status = EXIT_FAILURE;
    } else {
        status = run(options, &served, &listen, &settings, &flight);
    }
    ct_settings_clear(&settings);
    ct_listen_clear(&listen);
    ct_served_clear(&served);
    return status;
}

static void clear_collect(struct ct_settings_options *collect)
{
    g_free(collect->every);
    g_free(collect->duration);
    g_free(collect->keep);
    g_free(collect->max);
    g_free(collect->directory);
    g_free(collect->profiles);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;

    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace serve");
    if (!parse_options(&options, argv, &error)) {
        ct_serve_say("%s\nTry: ctrace serve --help", error->message);
        status = USAGE_STATUS;
    } else if (options.is_version) {
        g_print("ctrace %s\n", CTRACE_VERSION);
    } else {
        status = start(&options);
    }
    g_strfreev(options.pids);
    g_strfreev(options.program);
    g_strfreev(options.conditions);
    g_free(options.cgroup);
    g_free(options.listen);
    g_free(options.heap_rate);
    clear_collect(&options.collect);
    ct_flight_given_clear(&options.flight);
    ct_pushing_given_clear(&options.push);
    return status;
}
