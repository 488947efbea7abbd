/* ctrace-push: sends profiles that were written to whoever stores profiles of many. */
#include "cli/command.h"
#include "cli/say.h"
#include "options/parse.h"
#include "options/quantity.h"
#include "push/address.h"
#include "push/describe.h"
#include "push/queue.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#define NS_PER_MS 1000000

#define USUAL_TRIES    5
#define TRIES_MAX      100
#define USUAL_TIMEOUT  "10s"
#define TIMEOUT_MAX_MS (60 * 60 * 1000)

/* Files are read as there is room: more would only take memory. */
#define PROFILES_MAX  8
#define BYTES_MAX     (64 << 20)
#define FIRST_WAIT_MS 500
#define WAIT_MAX_MS   30000

struct options {
    char **arguments; /* owned, as are the others */
    char *name;
    char **labels;
    char *timeout;
    int tries;
    gboolean is_version;
};

static const char description[] =
    "TARGET is one of\n"
    "  pyroscope:http://host:4040   Grafana Pyroscope: POST /ingest\n"
    "  parca:http://host:7070       Parca: POST /api/profiles/writeraw\n"
    "  otlp:http://host:4318        OpenTelemetry, alpha: POST /v1development/profiles\n"
    "\n"
    "What a target cannot take now is tried again, each time after a longer wait. Exits with 1 if "
    "a\n"
    "profile was not taken.\n"
    "\n"
    "Examples:\n"
    "  ctrace pprof cpu -o cpu.pb.gz && ctrace push pyroscope:http://localhost:4040 cpu.pb.gz\n"
    "  ctrace push parca:http://localhost:7070 --name=shop --label=env=prod profiles/production";

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"name", 0, 0, G_OPTION_ARG_STRING, &options->name,
         "Whose profiles they are (of each, the program it is of)", "NAME"},
        {"label", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->labels,
         "Find them by this, too: env=prod; may be repeated", "KEY=VALUE"},
        {"tries", 0, 0, G_OPTION_ARG_INT, &options->tries, "Try so often to send each (5)", "N"},
        {"timeout", 0, 0, G_OPTION_ARG_STRING, &options->timeout,
         "Give up a try after so long (10s)", "TIME"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->arguments, NULL,
         "TARGET FILE|DIR..."},
        {0},
    };
    static const struct ct_option_values values[] = {{"TARGET", ct_push_address_rows}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_summary(
        context,
        "Sends profiles of pprof's format, in files or in all of a folder, to a server that\n"
        "stores those of many programs.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse_values(context, entries, values, &arguments, error);
}

static gboolean check_timeout(const struct options *options, guint *timeout_ms, GError **error)
{
    const char *text = options->timeout ? options->timeout : USUAL_TIMEOUT;
    uint64_t time_ns;

    if (ct_quantity_parse_time(text, &time_ns) && time_ns >= NS_PER_MS &&
        time_ns / NS_PER_MS <= TIMEOUT_MAX_MS) {
        *timeout_ms = (guint)(time_ns / NS_PER_MS);
        return TRUE;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--timeout=%s is no time between 1ms and 1h, such as 10s", text);
    return FALSE;
}

static gboolean check_options(const struct options *options, GError **error)
{
    const char *problem = NULL;

    if (!options->arguments || !options->arguments[0])
        problem = "say where to, as pyroscope:http://host:4040, and which files or folders";
    else if (!options->arguments[1])
        problem = "say which files, or folders of files, to send";
    else if (options->tries < 1 || options->tries > TRIES_MAX)
        problem = "--tries is between 1 and 100";
    if (problem) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
        return FALSE;
    }
    if (options->name && !ct_push_check_application(options->name, error))
        return FALSE;
    for (char **label = options->labels; label && *label; label++)
        if (!ct_push_check_label(*label, error))
            return FALSE;
    return TRUE;
}

/* ---- Sending ---- */

struct sending {
    const struct ct_push_target *target;
    struct ct_push *push;
    GPtrArray *files; /* struct ct_push_file * */
    guint next;
    guint unread;
};

static void observe(void *user, enum ct_push_outcome outcome, const struct ct_push_profile *profile,
                    const char *why)
{
    const struct sending *sending = user;

    if (outcome == CT_PUSH_DROPPED)
        ct_say("%s was not sent to %s: %s", profile->origin, sending->target->text, why);
    else if (outcome == CT_PUSH_RETRIED)
        ct_say("%s: %s; trying again", sending->target->text, why);
}

/* One that cannot be read does not keep back the others. */
static void add_next(struct sending *sending)
{
    struct ct_push_file *file = sending->files->pdata[sending->next++];
    g_autoptr(GError) error = NULL;

    if (file->profile && ct_push_load(file->profile, &error)) {
        ct_push_add(sending->push, g_steal_pointer(&file->profile));
        return;
    }
    ct_say("%s", error ? error->message : file->problem);
    sending->unread++;
}

static void send_all(struct sending *sending)
{
    while (sending->next < sending->files->len || !ct_push_is_idle(sending->push)) {
        if (sending->next < sending->files->len && ct_push_has_room(sending->push, 0))
            add_next(sending);
        else
            g_main_context_iteration(NULL, TRUE);
    }
}

static int sum_up(const struct sending *sending, const struct ct_push_counts *counts)
{
    guint total = sending->files->len;

    ct_say("sent %" G_GUINT64_FORMAT " of %u profile%s to %s", counts->sent, total,
           total == 1 ? "" : "s", sending->target->text);
    return counts->sent == total ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int push_files(const struct options *options, const struct ct_push_target *target,
                      guint timeout_ms)
{
    const struct ct_push_limits limits = {.profiles_max = PROFILES_MAX,
                                          .bytes_max = BYTES_MAX,
                                          .tries_max = (guint)options->tries,
                                          .first_wait_ms = FIRST_WAIT_MS,
                                          .wait_max_ms = WAIT_MAX_MS,
                                          .timeout_ms = timeout_ms};
    const struct ct_push_question question = {.paths = options->arguments + 1,
                                              .application = options->name,
                                              .labels = options->labels,
                                              .is_otlp = target->protocol->is_otlp};
    struct sending sending = {.target = target};
    struct ct_push_counts counts;
    g_autoptr(GError) error = NULL;

    sending.files = ct_push_describe(&question, &error);
    if (!sending.files) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    sending.push = ct_push_new(target, &limits, observe, &sending);
    send_all(&sending);
    ct_push_free(sending.push, &counts);
    int status = sum_up(&sending, &counts);

    g_ptr_array_unref(sending.files);
    return status;
}

static int run(const struct options *options)
{
    struct ct_push_target *target = NULL;
    g_autoptr(GError) error = NULL;
    guint timeout_ms;

    if (options->is_version)
        return ct_command_print_version();
    if (!check_options(options, &error) || !check_timeout(options, &timeout_ms, &error) ||
        !(target = ct_push_target_parse(options->arguments[0], &error)))
        return ct_say_usage(error);
    int status = push_files(options, target, timeout_ms);

    ct_push_target_free(target);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.tries = USUAL_TRIES};
    g_autoptr(GError) error = NULL;

    (void)argc;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("ctrace push");
    int status = parse_options(&options, argv, &error) ? run(&options) : ct_say_usage(error);

    g_strfreev(options.arguments);
    g_strfreev(options.labels);
    g_free(options.name);
    g_free(options.timeout);
    return status;
}
