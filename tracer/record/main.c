/* ctrace record: runs a program, or attaches to one, and records what its threads wait for. */
#include "attached.h"
#include "busy.h"
#include "deadlines.h"
#include "home.h"
#include "launch.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "program.h"
#include "questions.h"
#include "recording.h"
#include "shed.h"
#include "summary.h"

#include "system/procfs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define USAGE_STATUS 2

/* The program ended well, but there is no recording of it. */
#define NOTHING_RECORDED_STATUS 125

#define TEND_INTERVAL_US G_USEC_PER_SEC

/* The boards of so many are closed before it is time for it: each one is looked at again and again
 * as long as it is there. */
#define DEATHS_AT_ONCE 32

/* A recording grows by some 20 MB a second. */
#define ROOM_INTERVAL_US (100 * 1000)

/* Where it is to go on, and may never have more than so much. */
#define KEEP_INTERVAL_US (20 * 1000)

/* Everything that a recording needs; `recording` is NULL where there can be none. */
struct setting {
    const struct ct_record_options *options;
    const struct ct_program *program; /* NULL: processes are attached to */
    struct ct_attached *attached;     /* borrowed; or NULL */
    struct ct_output *output;         /* owned */
    struct ct_recording *recording;   /* owned */
    struct ct_questions *questions;   /* owned; while it goes on */
    struct ct_launch launch;
};

/* The whole tree, or all processes that were attached to. */
static gboolean has_all_ended(const struct setting *setting)
{
    return setting->attached != NULL ? ct_attached_have_ended(setting->attached)
                                     : setting->launch.is_alone;
}

/* In another thread. */
static void leave_unfinished(void *user)
{
    const struct setting *setting = user;
    const struct ct_output *output = setting->output;
    g_autofree char *present = ct_output_find(output->place, output->path);

    if (present == NULL)
        g_printerr("ctrace: there is no recording: somebody removed %s\n", output->path);
    else
        g_printerr("ctrace: the recording is not finished; what there is of it can be read after:\n"
                   "    ctrace recover %s\n",
                   present);
}

static void tend(struct setting *setting, void (*how)(struct ct_recording *recording))
{
    struct ct_busy *busy =
        ct_busy_begin(CT_BUSY_TENDING, &setting->launch, leave_unfinished, setting);

    how(setting->recording);
    ct_busy_end(busy);
}

/* What others ask for. */
static void answer(struct setting *setting, const struct pollfd *asked)
{
    if (asked->revents == 0)
        return;
    struct ct_busy *busy =
        ct_busy_begin(CT_BUSY_TENDING, &setting->launch, leave_unfinished, setting);

    ct_questions_serve(setting->questions);
    ct_busy_end(busy);
}

/* Where there is to be one. */
static void begin_part(struct setting *setting)
{
    if (!ct_recording_wants_part(setting->recording))
        return;
    tend(setting, ct_recording_begin_part);
    g_autofree char *advice = ct_recording_take_advice(setting->recording);
    if (advice != NULL)
        ct_message("ctrace: %s", advice);
}

/* FALSE if the recording is to be cut. */
static gboolean check_room(struct setting *setting)
{
    const char *stopped = ct_recording_check_room(setting->recording);

    if (stopped != NULL && !has_all_ended(setting))
        g_printerr("ctrace: the recording ends, and the program goes on: %s\n", stopped);
    return stopped == NULL;
}

/* Waits for the end, or until there is reason to cut the trace earlier. */
static void watch(struct setting *setting)
{
    const struct ct_record_options *options = setting->options;
    struct ct_recording *recording = setting->recording;
    struct ct_launch *launch = &setting->launch;
    const gint64 room_interval_us = options->keeps_newest ? KEEP_INTERVAL_US : ROOM_INTERVAL_US;
    enum { BEGIN, END, ROOM, TEND, BIRTHS, DEADLINES };
    gint64 deadlines[DEADLINES] = {0};
    uint64_t closed = 0; /* so many processes had ended when boards were last closed */
    gboolean was_told = FALSE;

    if (options->delay_ns > 0)
        deadlines[BEGIN] = ct_deadline_after(options->delay_ns);
    if (options->duration_ns > 0)
        deadlines[END] = ct_deadline_after(options->delay_ns + options->duration_ns);
    deadlines[ROOM] = g_get_monotonic_time() + room_interval_us;
    deadlines[TEND] = g_get_monotonic_time() + TEND_INTERVAL_US;
    while (!has_all_ended(setting) && !launch->is_told_to_end) {
        struct pollfd fds[] = {
            {.fd = launch->signal_fd, .events = POLLIN},
            {.fd = ct_deaths_fd(launch->deaths), .events = POLLIN},
            {.fd = setting->attached != NULL ? ct_attached_fd(setting->attached) : -1,
             .events = POLLIN},
            {.fd = ct_questions_fd(setting->questions), .events = POLLIN},
        };
        deadlines[BIRTHS] = ct_deaths_due_us(launch->deaths);
        poll(fds, G_N_ELEMENTS(fds), ct_deadlines_timeout_ms(deadlines, DEADLINES));
        gboolean is_for_others = fds[1].revents != 0 || ct_deadline_is_due(&deadlines[BIRTHS]);
        ct_deaths_update(launch->deaths);
        /* That others' children begin and end is no reason to look at ours. */
        if (fds[0].revents != 0 || !is_for_others)
            ct_launch_handle_signals(launch);
        if (ct_deadline_is_due(&deadlines[BEGIN]))
            ct_recording_begin(recording);
        answer(setting, &fds[3]);
        if (ct_deadline_is_due(&deadlines[END]))
            return;
        if (ct_deadline_is_due(&deadlines[ROOM])) {
            begin_part(setting);
            ct_recording_look_at_heaps(recording);
            if (!check_room(setting))
                return;
            deadlines[ROOM] = g_get_monotonic_time() + room_interval_us;
        }
        if (ct_deaths_count(launch->deaths) >= closed + DEATHS_AT_ONCE) {
            closed = ct_deaths_count(launch->deaths);
            tend(setting, ct_recording_close_ended);
        }
        if (ct_deadline_is_due(&deadlines[TEND])) {
            tend(setting, ct_recording_tend);
            deadlines[TEND] = g_get_monotonic_time() + TEND_INTERVAL_US;
            if (launch->interrupts == 1 && !was_told && !launch->has_ended) {
                ct_message("ctrace: the program goes on; Ctrl-C again ends the recording");
                was_told = TRUE;
            }
        }
    }
}

/* After the cut: nothing is recorded any more, but the program is still ours to wait for. */
static void wait_for_program(struct ct_launch *launch)
{
    ct_launch_handle_signals(launch); /* its end may have come while the recording was finished */
    while (!launch->has_ended && !launch->is_told_to_end) {
        struct pollfd signals = {.fd = launch->signal_fd, .events = POLLIN};
        poll(&signals, 1, -1);
        ct_launch_handle_signals(launch);
    }
}

/* In the parent, before the program is executed. */
static void attach(void *user, pid_t pid)
{
    const struct setting *setting = user;
    const char *missing = ct_recording_attach(setting->recording, pid);

    const char *why_no_samples = ct_recording_why_no_samples(setting->recording);

    if (missing != NULL && setting->options->kernel.sched && setting->options->kernel_option)
        ct_message("ctrace: --kernel=%s: not all is recorded. %s", setting->options->kernel_option,
                   missing);
    if (why_no_samples != NULL)
        ct_message("ctrace: --cpu: no samples are taken: %s", why_no_samples);
}

static gboolean launch_program(struct setting *setting, int *exec_errno, GError **error)
{
    struct ct_recording *recording = setting->recording;

    if (recording == NULL)
        return ct_launch_start(&setting->launch, setting->program->path, setting->program->argv,
                               NULL, NULL, exec_errno, error);
    setting->launch.ignored_group = ct_recording_daemon_group(recording);
    setting->launch.before_exec = attach;
    setting->launch.before_exec_user = setting;
    if (setting->options->delay_ns == 0 && setting->options->standby == NULL)
        ct_recording_begin(recording);
    return ct_launch_start(&setting->launch, setting->program->path, setting->program->argv,
                           ct_recording_directory(recording),
                           ct_obstacle_is_left_out(setting->program->obstacle)
                               ? NULL
                               : ct_recording_preload(recording),
                           exec_errno, error);
}

/* There is no recording, and nothing is left of it. */
static void give_up(struct setting *setting)
{
    g_clear_pointer(&setting->questions, ct_questions_free);
    if (setting->recording != NULL)
        ct_recording_free(g_steal_pointer(&setting->recording));
    if (setting->output->previous != NULL)
        ct_session_directories_move(setting->output->previous, setting->output->path);
    ct_output_revert(setting->output);
}

static gboolean finish(struct setting *setting, int exit_status)
{
    gboolean rests = ct_questions_rest(setting->questions);

    g_clear_pointer(&setting->questions, ct_questions_free);
    if (rests) {
        ct_message("ctrace: nothing was being recorded as it ended");
        ct_recording_stop(setting->recording);
        give_up(setting);
        return TRUE;
    }
    struct ct_busy *busy =
        ct_busy_begin(CT_BUSY_FINISHING, &setting->launch, leave_unfinished, setting);
    gboolean was_recorded = ct_summary_finish(setting->recording, exit_status);

    ct_busy_end(busy);
    return was_recorded;
}

static int run(struct setting *setting)
{
    g_autoptr(GError) error = NULL;
    struct ct_launch *launch = &setting->launch;
    gboolean was_recorded = FALSE;
    int exec_errno;

    if (!launch_program(setting, &exec_errno, &error)) {
        ct_message("ctrace: %s", error->message);
        if (setting->recording != NULL)
            give_up(setting);
        return exec_errno == ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_NOT_EXECUTABLE;
    }
    if (setting->recording != NULL) {
        if (setting->program->why_unpreloaded != NULL) {
            g_autofree char *name = g_path_get_basename(setting->program->path);
            ct_recording_describe(setting->recording, launch->pid, name,
                                  setting->program->obstacle);
        }
        ct_output_commit(setting->output);
        watch(setting);
        was_recorded = finish(setting, launch->has_ended ? ct_launch_exit_status(launch) : -1);
    }
    wait_for_program(launch);
    int status = launch->has_ended ? ct_launch_exit_status(launch) : 128 + SIGINT;
    return status == 0 && !was_recorded ? NOTHING_RECORDED_STATUS : status;
}

/* Nothing is launched: the exit status tells of the recording only. */
static int run_attached(struct setting *setting)
{
    struct ct_running *running = ct_attached_running(setting->attached);
    const char *missing = NULL;

    if (setting->recording == NULL)
        return NOTHING_RECORDED_STATUS;
    ct_launch_nothing(&setting->launch);
    if (!ct_recording_attach_running(setting->recording, running, &missing)) {
        ct_message("ctrace: cannot attach: only the kernel tells of what runs already, and here it "
                   "does not. %s",
                   missing);
        ct_message("ctrace: attach as root, or do away with what is in the way");
        give_up(setting);
        return NOTHING_RECORDED_STATUS;
    }
    if (missing != NULL)
        ct_message("ctrace: not all is recorded. %s", missing);
    if (setting->options->delay_ns == 0)
        ct_recording_begin(setting->recording);
    ct_output_commit(setting->output);
    g_autofree char *processes = ct_attached_describe(setting->attached);
    ct_message("ctrace: attached to %s; Ctrl-C ends the recording, and nothing else", processes);
    watch(setting);
    return finish(setting, -1) ? 0 : NOTHING_RECORDED_STATUS;
}

/* In another thread, while ours waits for good. */
static void abandon(void *user)
{
    const struct setting *setting = user;

    g_printerr("ctrace: ended before the recording began\n");
    ct_output_revert(setting->output);
}

/* Gets the recording ready. NULL and an error if there can be none. */
static struct ct_recording *prepare(struct setting *setting, const char *command, GError **error)
{
    struct ct_launch *launch = &setting->launch;
    struct ct_recording *recording = NULL;

    if (!ct_home_hide_others(&launch->mounts, error)) /* before any thread */
        return NULL;
    struct ct_busy *busy = ct_busy_begin(CT_BUSY_STARTING, launch, abandon, setting);
    recording = ct_recording_new(setting->options, command, setting->output, launch, error);
    ct_busy_end(busy);
    if (recording != NULL)
        setting->questions = ct_questions_new(recording, setting->options->standby, error);
    if (recording != NULL && setting->questions == NULL)
        g_clear_pointer(&recording, ct_recording_free);
    if (recording != NULL && launch->ended_by == CT_ENDED_BY_TIME) /* at the last moment */
        launch->ended_by = 0;
    if (recording == NULL && launch->ended_by == CT_ENDED_BY_TIME) {
        g_clear_error(error);
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "LTTng's session daemon did not answer within %d s: end lttng-sessiond, if it "
                    "still runs, and record again",
                    CT_BUSY_START_TIMEOUT_S);
    }
    return recording;
}

/* Before anything is opened. Returns the status if it cannot be run. */
static int run_unprepared(const struct ct_program *program, const GError *why)
{
    g_printerr("ctrace: cannot record: %s\n", why->message);
    if (program == NULL)
        return NOTHING_RECORDED_STATUS;
    g_printerr("ctrace: the program runs without\n");
    int code = ct_launch_unprepared(program->path, program->argv);
    g_printerr("ctrace: cannot run %s: %s\n", program->path, g_strerror(code));
    return code == ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_NOT_EXECUTABLE;
}

static int record(const struct ct_record_options *options, const struct ct_program *program,
                  struct ct_attached *attached)
{
    g_autoptr(GError) error = NULL;
    struct setting setting = {.options = options, .program = program, .attached = attached};
    g_autofree char *command =
        attached != NULL ? ct_attached_describe(attached) : ct_command_line(options->program);

    if (!ct_rlimits_suffice(&error))
        return run_unprepared(program, error);
    if (!ct_launch_prepare(&setting.launch, &error) ||
        (setting.output = ct_output_new(options->output, &error)) == NULL) {
        ct_message("ctrace: cannot record: %s", error->message);
        ct_launch_clear(&setting.launch);
        return NOTHING_RECORDED_STATUS;
    }
    if (setting.output->previous != NULL)
        ct_session_directories_move(setting.output->path, setting.output->previous);
    else
        ct_session_directories_drop(setting.output->path);
    setting.recording = prepare(&setting, command, &error);
    if (setting.launch.ended_by > 0) {
        g_printerr("ctrace: ended before the recording began\n");
        give_up(&setting);
        ct_end_by_signal(setting.launch.ended_by);
    }
    if (setting.recording == NULL) {
        ct_message("ctrace: cannot record: %s", error->message);
        if (program != NULL)
            ct_message("ctrace: the program runs without");
        give_up(&setting);
    }
    int status = program != NULL ? run(&setting) : run_attached(&setting);
    ct_questions_free(setting.questions);
    if (setting.recording != NULL)
        ct_recording_free(setting.recording);
    ct_output_release(setting.output->place);
    ct_output_free(setting.output);
    ct_launch_clear(&setting.launch);
    return status;
}

static struct ct_attached *open_attached(const struct ct_record_options *options, GError **error)
{
    if (options->is_of_machine)
        return ct_attached_new_machine(error);
    return options->cgroup != NULL ? ct_attached_new_cgroup(options->cgroup, error)
                                   : ct_attached_new(options->targets, error);
}

static int attach_and_record(const struct ct_record_options *options)
{
    g_autoptr(GError) error = NULL;
    struct ct_attached *attached = open_attached(options, &error);

    if (attached == NULL) {
        ct_message("ctrace: %s", error->message);
        return NOTHING_RECORDED_STATUS;
    }
    if (ct_attached_left_out(attached) != NULL)
        ct_message("ctrace: not recorded: %s", ct_attached_left_out(attached));
    int status = record(options, NULL, attached);
    ct_attached_free(attached);
    return status;
}

int main(int argc, char **argv)
{
    (void)argc;
    ct_shed_preloads(argv);
    g_autoptr(GError) error = NULL;
    struct ct_record_options options = {0};
    struct ct_program program = {0};
    int status = USAGE_STATUS;

    ct_messages_init();
    if (!ct_record_options_parse(&options, argv, &error)) {
        ct_message("ctrace record: %s", error->message);
        ct_message("Try: ctrace record --help");
    } else if (ct_record_options_attach(&options)) {
        status = attach_and_record(&options);
    } else if (!ct_program_find(options.program, &program, &status, &error)) {
        ct_message("ctrace: %s", error->message);
        if (options.hint != NULL)
            ct_message("ctrace: %s", options.hint);
    } else {
        if (program.why_unpreloaded != NULL)
            ct_program_tell_unpreloaded(&program, &options);
        status = record(&options, &program, NULL);
    }
    ct_program_clear(&program);
    ct_record_options_clear(&options);
    return status;
}
