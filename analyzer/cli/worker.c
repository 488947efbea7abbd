#include "cli/worker.h"

#include "cli/debug_files.h"
#include "cli/progress.h"
#include "cli/rlimits.h"
#include "cli/say.h"
#include "cli/worker_buffer.h"
#include "files/tree.h"
#include "ingest/ingest.h"
#include "sandbox/sandbox.h"
#include "store/place.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of CPU time: for a packet of a trace, and for a function in debug information or a whole picture.
 * The largest that are known take a tenth of it. */
#define PACKET_CPU_S  5
#define OUTCOME_CPU_S 120

/* The packets of a trace are counted before the first one is read. */
#define BYTES_PER_CPU_S (UINT64_C(1) << 30)

/* Memory grows with threads, stacks and debug information, not with the length of a recording; but
 * for traces of others there is no such rule. */
#define MEMORY_LEAST    (UINT64_C(3) << 30)
#define MEMORY_PER_BYTE 4

/* As deep as a recording's folders are. */
#define FOLDER_DEPTH 8

#define PROGRESS_INTERVAL_NS 100000000

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

struct worker {
    const char *directory;        /* borrowed */
    struct ct_activity *activity; /* owned; shared with the child */
    uint64_t memory_bytes;
    guint files;                     /* that the recording has */
    uint64_t bytes;                  /* in them */
    struct ct_store_place place;     /* owned; where what is read is kept */
    struct ct_symbols_place symbols; /* owned; and where the symbols are that were found */
    char *scratch; /* owned; for what the child writes aside; NULL: there is no room for it */
    FILE *output;  /* owned, as is the next */
    FILE *said;
    sigset_t awaited; /* held back meanwhile */
    sigset_t before;  /* that were held back already */
    int ending;       /* the signal that asks the program to end; 0: none */
};

/* ---- The child ---- */

static void allow_packet(struct ct_activity *activity)
{
    ct_sandbox_allow_cpu(activity->packet_cpu_s);
}

static void allow_outcome(struct ct_activity *activity)
{
    (void)activity;
    ct_sandbox_allow_cpu(OUTCOME_CPU_S);
}

static void turn_to(struct ct_activity *activity, void (*on_step)(struct ct_activity *activity))
{
    if (!activity)
        return;
    ct_activity_turn_to(activity, "");
    activity->on_step = on_step;
    ct_activity_step(activity);
}

void ct_worker_begin_reading(struct ct_activity *activity)
{
    turn_to(activity, allow_packet);
}

void ct_worker_end_reading(struct ct_activity *activity)
{
    turn_to(activity, allow_outcome);
}

void ct_worker_begin_remarks(struct ct_activity *activity)
{
    fflush(stdout);
    fflush(stderr);
    activity->has_remarks = TRUE;
    activity->remarks_at = lseek(STDERR_FILENO, 0, SEEK_CUR);
}

void ct_worker_refuse_index(struct ct_activity *activity)
{
    activity->is_index_refused = TRUE;
    _exit(EXIT_FAILURE);
}

/* It may be larger than files may be here. */
static int note_output(struct ct_activity *activity, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    activity->output_error = errno != 0 ? errno : EIO;
    return EXIT_FAILURE;
}

G_NORETURN static void be_child(const struct worker *worker, ct_work *work, void *user)
{
    const struct ct_sandbox sandbox = {
        .writable = worker->scratch,
        .memory_bytes = worker->memory_bytes,
        .has_threads = TRUE, /* to find fonts takes one */
    };
    g_autoptr(GError) error = NULL;

    if (dup2(fileno(worker->output), STDOUT_FILENO) < 0 ||
        dup2(fileno(worker->said), STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    sigprocmask(SIG_SETMASK, &worker->before, NULL);
    if (worker->scratch)
        g_setenv("TMPDIR", worker->scratch, TRUE);
    g_unsetenv("DEBUGINFOD_URLS"); /* libdwfl would ask those servers itself: see debug_files.h */
    if (!ct_sandbox_enter(&sandbox, &error)) {
        ct_say("%s", error->message);
        exit(EXIT_FAILURE);
    }
    exit(note_output(worker->activity, work(user, worker->activity)));
}

/* ---- What it gets ---- */

/* What was kept is given to the child unless it was of no use to another one. */
struct attempt {
    unsigned refused; /* indexes */
    gboolean is_without_symbols;
    gboolean is_to_be_repeated;
    struct ct_debug_files debug_files; /* owned; that have come for it */
};

/* What the files below a folder take, not what they claim; and how many there are. */
static uint64_t size_of(const char *path, int depth, guint *files)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    uint64_t size = 0;
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        struct stat status;

        if (lstat(child, &status) != 0)
            continue;
        if (S_ISREG(status.st_mode)) {
            size += (uint64_t)status.st_blocks * 512;
            *files += 1;
        } else if (S_ISDIR(status.st_mode) && depth > 0) {
            size += size_of(child, depth - 1, files);
        }
    }
    return size;
}

/* GLib must not be asked where: it would remember that for the child, which is to use this folder.
 */
static char *make_scratch(void)
{
    const char *place = g_getenv("TMPDIR");
    char *scratch = g_build_filename(place && *place ? place : "/tmp", "ctrace-XXXXXX", NULL);

    if (g_mkdtemp(scratch))
        return scratch;
    g_free(scratch);
    return NULL;
}

/* Whoever ignores a signal or holds it back goes on doing so. */
static void hold_signals(struct worker *worker)
{
    sigemptyset(&worker->awaited);
    sigprocmask(SIG_BLOCK, NULL, &worker->before);
    for (size_t i = 0; i < G_N_ELEMENTS(ending_signals); i++) {
        struct sigaction action;

        if (sigaction(ending_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
            sigismember(&worker->before, ending_signals[i]) == 0)
            sigaddset(&worker->awaited, ending_signals[i]);
    }
    sigaddset(&worker->awaited, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &worker->awaited, NULL);
}

static gboolean set_up(struct worker *worker, const struct attempt *attempt, GError **error)
{
    uint64_t size = size_of(worker->directory, FOLDER_DEPTH, &worker->files);

    worker->bytes = size;
    ct_rlimits_prepare();
    hold_signals(worker);
    worker->memory_bytes = MEMORY_LEAST + MEMORY_PER_BYTE * size;
    worker->activity = mmap(NULL, sizeof(*worker->activity), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    worker->output = ct_worker_buffer_new("output");
    worker->said = ct_worker_buffer_new("said");
    worker->scratch = make_scratch();
    ct_store_place_open(&worker->place, worker->directory, attempt->refused);
    ct_symbols_place_open(&worker->symbols, worker->directory);
    if (worker->activity != MAP_FAILED && worker->output && worker->said) {
        worker->activity->packet_cpu_s = PACKET_CPU_S + (unsigned)(size / BYTES_PER_CPU_S);
        worker->activity->index_fd = worker->place.index_fd;
        worker->activity->new_index_fd = worker->place.new_fd;
        worker->activity->index_aside_fd = worker->place.aside_fd;
        worker->activity->new_symbols_fd = worker->symbols.new_fd;
        worker->activity->is_symbols_in_recording = worker->symbols.is_in_recording;
        worker->activity->debug_files = attempt->debug_files.paths;
        for (size_t i = 0; i < CT_SYMBOLS_PLACES; i++)
            worker->activity->symbols_fds[i] =
                attempt->is_without_symbols ? -1 : worker->symbols.kept_fds[i];
        return TRUE;
    }
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED, "cannot begin to read '%s': %s",
                worker->directory, g_strerror(errno));
    return FALSE;
}

static void tear_down(struct worker *worker)
{
    if (worker->scratch) {
        ct_sandbox_take_back(worker->scratch);
        ct_tree_remove(worker->scratch);
    }
    g_free(worker->scratch);
    ct_store_place_close(&worker->place);
    ct_symbols_place_close(&worker->symbols);
    if (worker->activity != MAP_FAILED)
        munmap(worker->activity, sizeof(*worker->activity));
    if (worker->output)
        fclose(worker->output);
    if (worker->said)
        fclose(worker->said);
    if (worker->ending)
        raise(worker->ending);
    sigprocmask(SIG_SETMASK, &worker->before, NULL);
}

/* ---- The parent ---- */

/* Until it has ended, of itself or because the program is to end. */
static int await(struct worker *worker, pid_t child, struct rusage *usage)
{
    const struct timespec interval = {.tv_nsec = PROGRESS_INTERVAL_NS};
    struct ct_progress progress;
    int status = 0;

    ct_progress_begin(&progress);
    while (wait4(child, &status, WNOHANG, usage) == 0) {
        int signal_number = progress.is_terminal ? sigtimedwait(&worker->awaited, NULL, &interval)
                                                 : sigwaitinfo(&worker->awaited, NULL);

        if (signal_number > 0 && signal_number != SIGCHLD) {
            worker->ending = signal_number;
            kill(child, SIGKILL);
        }
        ct_progress_show(
            &progress, worker->activity->is_naming ? "Looking up symbols" : "Reading the recording",
            worker->activity->share_read);
    }
    ct_progress_end(&progress);
    return status;
}

static char *describe_death(const struct worker *worker, int signal_number,
                            const struct rusage *usage)
{
    g_autofree char *memory = g_format_size_full(worker->memory_bytes, G_FORMAT_SIZE_IEC_UNITS);

    if (signal_number == SIGPROF)
        return g_strdup("it got no further for too long");
    if ((uint64_t)usage->ru_maxrss * 1024 > worker->memory_bytes / 4 * 3)
        return g_strdup_printf("it took more than %s of memory", memory);
    return g_strdup(strsignal(signal_number));
}

static void explain(const struct worker *worker, int status, const struct rusage *usage,
                    GError **error)
{
    g_autofree char *limit =
        ct_rlimits_explain_death(WTERMSIG(status), usage, worker->memory_bytes);
    if (limit != NULL) {
        g_set_error(
            error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
            "cannot read '%s': what reads it was stopped (%s), where %s; nothing was "
            "written. Raise the limit; if it is stopped then, too, the recording is damaged",
            worker->directory, strsignal(WTERMSIG(status)), limit);
        return;
    }
    g_autofree char *file = g_strndup(worker->activity->file, CT_ACTIVITY_NAME_SIZE - 1);
    g_autofree char *why = describe_death(worker, WTERMSIG(status), usage);

    /* What is there was made of a damaged trace. */
    if (*file == '\0' || (worker->scratch && g_str_has_prefix(file, worker->scratch))) {
        g_free(file);
        file = g_strdup(worker->directory);
    }
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_DAMAGED,
                "cannot read '%s': what reads it was stopped (%s), so it is damaged, or made to do "
                "that; nothing was written. If its recorder was killed, finish the recording with: "
                "ctrace recover %s",
                file, why, worker->directory);
}

/* What it said of that itself is not all: it does not know of limits. */
static void explain_failure(const struct worker *worker, struct ct_worker_result *result)
{
    int output_error = worker->activity->output_error;
    g_autofree char *limit = ct_rlimits_explain_failure(worker->files, worker->bytes);

    if (result->status == 0 || (limit == NULL && output_error == 0))
        return;
    result->limit =
        g_strdup_printf("%s%s%s", output_error != 0 ? g_strerror(output_error) : "",
                        output_error != 0 && limit != NULL ? ": " : "", limit != NULL ? limit : "");
}

static void take_result(const struct worker *worker, int status, struct ct_worker_result *result)
{
    const struct ct_activity *activity = worker->activity;

    result->status = WEXITSTATUS(status);
    result->output = ct_worker_buffer_take(worker->output, 0, -1);
    result->notes =
        ct_worker_buffer_take(worker->said, 0, activity->has_remarks ? activity->remarks_at : -1);
    result->remarks = ct_worker_buffer_take(
        worker->said, activity->has_remarks ? activity->remarks_at : INT64_MAX, -1);
    explain_failure(worker, result);
}

/* What it made of what was kept is worth nothing: that is damaged, made to do harm, or of another
 * recording. Says what the next attempt is. */
static gboolean must_run_again(const struct worker *worker, int status, struct attempt *attempt)
{
    const struct ct_activity *activity = worker->activity;
    gboolean has_died = !WIFEXITED(status);

    if (worker->ending != 0)
        return FALSE;
    if (has_died && activity->is_symbols_read)
        attempt->is_without_symbols = TRUE;
    else if (activity->is_index_refused || (has_died && activity->is_index_read))
        attempt->refused++;
    else
        return FALSE;
    return TRUE;
}

static void keep(const struct worker *worker, struct ct_worker_result *result)
{
    if (worker->activity->is_index_new)
        ct_store_place_keep(&worker->place);
    result->has_kept_symbols =
        !worker->activity->is_symbols_new || ct_symbols_place_keep(&worker->symbols);
}

static gboolean run_once(const char *directory, ct_work *work, void *user, struct attempt *attempt,
                         struct ct_worker_result *result, GError **error)
{
    struct worker worker = {.directory = directory, .activity = MAP_FAILED};
    struct rusage usage = {0};
    gboolean is_done = FALSE;
    pid_t parent = getpid();
    pid_t child = -1;
    int status = 0;

    if (set_up(&worker, attempt, error)) {
        child = fork();
        if (child < 0)
            g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                        "cannot begin to read '%s': %s", directory, g_strerror(errno));
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        be_child(&worker, work, user);
    }
    if (child > 0) {
        status = await(&worker, child, &usage);
        attempt->is_to_be_repeated = must_run_again(&worker, status, attempt);
        is_done = WIFEXITED(status) && !attempt->is_to_be_repeated;
        if (is_done) {
            keep(&worker, result);
            attempt->is_to_be_repeated =
                !worker.ending && ct_debug_files_fetch(&attempt->debug_files, worker.activity);
        }
        if (is_done && !attempt->is_to_be_repeated)
            take_result(&worker, status, result);
        else if (!attempt->is_to_be_repeated)
            explain(&worker, status, &usage, error);
    }
    tear_down(&worker);
    return is_done;
}

gboolean ct_worker_run(const char *directory, ct_work *work, void *user,
                       struct ct_worker_result *result, GError **error)
{
    struct attempt attempt = {.is_to_be_repeated = TRUE};
    gboolean is_done = FALSE;

    *result = (struct ct_worker_result){0};
    fflush(stdout);
    fflush(stderr);
    ct_debug_files_init(&attempt.debug_files);
    while (attempt.is_to_be_repeated && attempt.refused <= CT_STORE_PLACES) {
        attempt.is_to_be_repeated = FALSE;
        is_done = run_once(directory, work, user, &attempt, result, error);
    }
    ct_debug_files_clear(&attempt.debug_files);
    if (attempt.is_to_be_repeated) /* the last time it was given none */
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_DAMAGED,
                    "'%s' is damaged: its reader "
                    "refuses what there is not",
                    directory);
    return is_done;
}
