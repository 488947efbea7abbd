/* ctrace-doctor: why a recording is empty or lacks names, and what is wrong with the set-up. */
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "doctor/advice.h"
#include "doctor/machine.h"
#include "doctor/program.h"
#include "doctor/recording.h"
#include "doctor/trial.h"
#include "options/parse.h"
#include "text/names.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* It was looked at, and something is wrong. */
#define EXIT_WRONG 1

struct options {
    char **words; /* owned; a program or a recording */
    char *format; /* owned */
    int width;
    gboolean is_version;
};

static const char description[] =
    "Without an argument it looks at this machine, and records a shell for a moment to see what\n"
    "can be recorded. Of PROGRAM it tells beside that whether it can be recorded and its "
    "functions\n"
    "named; of DIR, a recording, why its profiles are empty or functions are missing in them.\n"
    "\n"
    "The exit status is 0 if nothing is wrong, 1 if something is, 2 if the command line makes no\n"
    "sense. What could only tell more (less) is not wrong.\n"
    "\n"
    "Examples:\n"
    "  ctrace doctor\n"
    "  ctrace doctor ./server\n"
    "  ctrace doctor ctrace.data";

static gboolean check_options(const struct options *options, GError **error)
{
    if (options->is_version)
        return TRUE;
    if (!ct_advice_format_find(options->format)) {
        g_auto(GStrv) names = ct_advice_format_names();
        g_autofree char *list = ct_names_list(names, " and ");

        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--format=%s is none of %s",
                    options->format, list);
        return FALSE;
    }
    if (options->words && g_strv_length(options->words) > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "one program or one recording is expected, without the program's arguments");
        return FALSE;
    }
    return ct_command_check_width(options->width, error);
}

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format, "text (the default) or json",
         "FORMAT"},
        {"width", 'w', 0, G_OPTION_ARG_INT, &options->width,
         "Columns of the text ($COLUMNS, the terminal's, or 100)", "COLUMNS"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL,
         "[PROGRAM|DIR]"},
        {0},
    };
    static const struct ct_option_values values[] = {{"FORMAT", ct_advice_format_names}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_summary(
        context, "Tells why a profile is empty or functions are missing in it, what is wrong with\n"
                 "the set-up, and what root would add; each with what to do.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse_values(context, entries, values, &arguments, error) &&
           check_options(options, error);
}

/* ---- What is looked at, by a worker ---- */

struct job {
    const struct options *options;
    GPtrArray *advices;    /* borrowed; what was found before */
    const char *recording; /* borrowed, as are the next; NULL: there is none */
    const char *subject;   /* of it */
    const char *program;   /* its file; NULL: none was named */
    const char *program_subject;
    int obstacle; /* to loading the library into it */
    gboolean is_root;
    gboolean is_trial;
};

static void count_wait(void *user, const struct ct_interval *interval)
{
    uint64_t *count = user;

    *count += !interval->is_outside && interval->class != CT_CLASS_RUNNABLE;
}

static void look_at_recording(const struct job *job, struct ct_activity *activity)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(GError) error = NULL;
    uint64_t wait_count = 0;
    const struct ct_sink sink = {.user = &wait_count, .on_interval = count_wait};

    if (!ct_recording_read(job->recording, activity, model, NULL, &sink, &error))
        ct_advices_add(job->advices, CT_ADVICE_WRONG, job->subject, "reading", error->message,
                       "if its recorder was killed: ctrace recover DIR");
    else if (job->is_trial)
        ct_doctor_add_trial(job->advices, job->subject, &model->capture, wait_count);
    else
        ct_doctor_add_recording(job->advices, job->subject, model, symbolizer, wait_count);
}

static int look(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    const struct options *options = job->options;

    if (job->recording)
        look_at_recording(job, activity);
    if (job->program) {
        ct_doctor_add_loading(job->advices, job->program_subject, job->obstacle, job->is_root);
        ct_doctor_add_code(job->advices, job->program_subject, job->program);
    }
    ct_advice_format_find(options->format)
        ->write(job->advices, options->width ? (guint)options->width : ct_command_width(), stdout);
    return ct_advices_count(job->advices, CT_ADVICE_WRONG) > 0 ? EXIT_WRONG : EXIT_SUCCESS;
}

/* ---- What is looked at before, as who records ---- */

static int examine_recording(const struct options *options, const char *directory)
{
    g_autoptr(GPtrArray) advices = ct_advices_new();
    g_autofree char *subject = g_strdup_printf("recording %s", directory);
    struct job job = {
        .options = options, .advices = advices, .recording = directory, .subject = subject};

    return ct_worker_print(directory, "advice", look, &job);
}

/* Says itself where no trial was made. */
static void try_out(GPtrArray *advices, struct ct_trial *trial)
{
    struct ct_machine machine;

    ct_machine_read(&machine);
    ct_doctor_add_machine(advices, &machine);
    if (machine.recorder) {
        ct_trial_run(trial, machine.recorder);
        if (!trial->is_recorded)
            ct_advices_add(advices, CT_ADVICE_WRONG, CT_DOCTOR_MACHINE, "trial", trial->said,
                           "what is said there keeps everything from being recorded");
    }
    ct_machine_clear(&machine);
}

static int examine_machine(const struct options *options, const char *word)
{
    g_autoptr(GPtrArray) advices = ct_advices_new();
    g_autofree char *program = word ? ct_doctor_find_program(word) : NULL;
    g_autofree char *subject = g_strdup_printf("program %s", program ? program : "");
    struct ct_trial trial = {0};

    if (word && !program) {
        ct_say("%s: neither a recording nor a program is called so, here or in $PATH", word);
        return EXIT_WRONG;
    }
    try_out(advices, &trial);
    struct job job = {.options = options,
                      .advices = advices,
                      .recording = trial.is_recorded ? trial.directory : NULL,
                      .subject = CT_DOCTOR_MACHINE,
                      .program = program,
                      .program_subject = subject,
                      .obstacle = program ? ct_doctor_find_obstacle(program) : 0,
                      .is_root = geteuid() == 0,
                      .is_trial = TRUE};
    /* Where there is no recording, none is read. */
    const char *place = trial.directory ? trial.directory : CT_DEFAULT_DIRECTORY;
    int status = ct_worker_print(place, "advice", look, &job);

    ct_trial_clear(&trial);
    return status;
}

static int run(const struct options *options)
{
    const char *word = options->words ? options->words[0] : NULL;

    if (word && g_file_test(word, G_FILE_TEST_IS_DIR))
        return examine_recording(options, word);
    return examine_machine(options, word);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status;

    (void)argc;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("ctrace doctor");
    if (!parse_options(&options, argv, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    g_strfreev(options.words);
    g_free(options.format);
    return status;
}
