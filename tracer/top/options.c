#include "options.h"

#include "options/parse.h"
#include "options/quantity.h"
#include "system/named.h"
#include "system/targets.h"

#include <string.h>

#define DELAY_DEFAULT_NS UINT64_C(1000000000)
#define DELAY_MIN_NS     UINT64_C(100000000)

static const char summary[] =
    "Shows what the threads of running programs wait for, now and in the last second.";

static const char description[] =
    "Without -p and --cgroup: all processes that may be seen. Nothing is recorded, and nothing is\n"
    "done to the programs: /proc is read. Figures are percent of one thread's time. In the table,\n"
    "? tells the keys.\n"
    "\n"
    "Examples:\n"
    "  ctrace top\n"
    "  ctrace top -p nginx\n"
    "  ctrace top --once -n 20 --delay=5s     # one table, for scripts";

/* What was given, as it was typed; all are owned. */
struct given {
    char **pids;
    char *delay;
    char *format;
    int lines;
};

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, why);
    return FALSE;
}

static gboolean check_delay(const char *text, struct ct_top_options *options, GError **error)
{
    options->delay_ns = DELAY_DEFAULT_NS;
    if (text == NULL)
        return TRUE;
    if (ct_quantity_parse_time(text, &options->delay_ns) && options->delay_ns >= DELAY_MIN_NS)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--delay=%s: give a number with a unit, such as 500ms or 5s, and at least 100ms",
                text);
    return FALSE;
}

static gboolean add_targets(char **pids, struct ct_top_options *options, GError **error)
{
    options->targets = g_ptr_array_new_with_free_func(g_free);
    for (char **text = pids; *text != NULL; text++) {
        if (!ct_targets_add(options->targets, *text, error))
            return FALSE;
    }
    return TRUE;
}

static char **list_formats(void)
{
    static const char *const formats[] = {"text", "csv", NULL};

    return g_strdupv((char **)formats);
}

static gboolean check_format(const char *text, struct ct_top_options *options, GError **error)
{
    if (text == NULL)
        return TRUE;
    options->is_csv = strcmp(text, "csv") == 0;
    if (!options->is_csv && strcmp(text, "text") != 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--format=%s: give text or csv", text);
        return FALSE;
    }
    return options->is_once ||
           refuse(error, "--format is that of the one table that --once prints: give both");
}

static gboolean check(const struct given *given, struct ct_top_options *options, GError **error)
{
    if (given->lines < 0)
        return refuse(error, "-n takes how many lines to show: a number from 1 on");
    options->lines_max = (guint)given->lines;
    if (given->pids != NULL && options->cgroup != NULL)
        return refuse(error, "--pid and --cgroup each say what to show: give one of them");
    return check_delay(given->delay, options, error) &&
           check_format(given->format, options, error) &&
           (given->pids == NULL || add_targets(given->pids, options, error));
}

static gboolean parse(struct given *given, struct ct_top_options *options, char **argv,
                      GError **error)
{
    static const struct ct_option_values values[] = {
        {"PID", ct_named_list_pids}, {"NAME", ct_named_list}, {"FORMAT", list_formats}, {0}};
    const GOptionEntry entries[] = {
        {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &given->pids,
         "Show this process and what it starts: by id, or all that are named so", "PID|NAME"},
        {"cgroup", 0, 0, G_OPTION_ARG_FILENAME, &options->cgroup,
         "Show all processes of a cgroup: its folder, or its path as /proc/PID/cgroup has it",
         "PATH"},
        {"once", 0, 0, G_OPTION_ARG_NONE, &options->is_once,
         "Print one table as plain text after one delay", NULL},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &given->format, "Of --once: text or csv (text)",
         "FORMAT"},
        {"delay", 'd', 0, G_OPTION_ARG_STRING, &given->delay, "Time from table to table (1s)", "T"},
        {"lines", 'n', 0, G_OPTION_ARG_INT, &given->lines,
         "Print at most N threads or kinds of them", "N"},
        {"threads", 't', 0, G_OPTION_ARG_NONE, &options->is_unfolded,
         "A line for each thread: fold none", NULL},
        {"no-color", 0, 0, G_OPTION_ARG_NONE, &options->is_plain, "Use no colours", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    arguments =
        ct_options_join(entries, &entries[0], g_steal_pointer(&arguments), ct_targets_are_ids);
    if (!ct_options_parse_values(context, entries, values, &arguments, error))
        return FALSE;
    if (arguments[0] != NULL && arguments[1] != NULL) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "\"%s\" is no option: a process is named by -p %s", arguments[1], arguments[1]);
        return FALSE;
    }
    return options->is_version || check(given, options, error);
}

gboolean ct_top_options_parse(struct ct_top_options *options, char **argv, GError **error)
{
    struct given given = {0};
    gboolean is_parsed = parse(&given, options, argv, error);

    g_strfreev(given.pids);
    g_free(given.delay);
    g_free(given.format);
    return is_parsed;
}

void ct_top_options_clear(struct ct_top_options *options)
{
    g_free(options->cgroup);
    if (options->targets != NULL)
        g_ptr_array_unref(options->targets);
}
