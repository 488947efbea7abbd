/*
 * A recording is read by a child: recordings come from anywhere, and libraries abort, loop and take
 * all memory for some. The child has given up its privilege and is bounded; however it dies, the
 * parent says of what, and nothing was written.
 */
#ifndef CTRACE_CLI_WORKER_H
#define CTRACE_CLI_WORKER_H

#include "model/activity.h"

/* Done by the child; what it prints and says is kept for the parent. Returns the exit status. */
typedef int ct_work(void *user, struct ct_activity *activity);

struct ct_worker_result {
    int status;                /* what the work returned */
    GBytes *output;            /* owned; what it printed */
    GBytes *notes;             /* owned; what it said of the recording */
    GBytes *remarks;           /* owned; and of its result, after ct_worker_begin_remarks() */
    gboolean has_kept_symbols; /* all that it wanted kept */
    char *limit; /* owned; what is not its fault where it failed, as far as is known; or NULL */
};

/*
 * FALSE if the child died, with an error. Shows progress on a terminal. If a signal asks the
 * program to end, it does not return: the program ends of that, and leaves nothing behind.
 */
gboolean ct_worker_run(const char *directory, ct_work *work, void *user,
                       struct ct_worker_result *result, GError **error);
void ct_worker_result_clear(struct ct_worker_result *result);

/* Writes what the work made of the recording printed to standard output, where `what` it is called,
 * and what it said. Returns the program's exit status. */
int ct_worker_print_result(const char *directory, const struct ct_worker_result *result,
                           const char *what);

/* For programs whose result goes to standard output, where `what` it is called: runs the work,
 * writes what it printed and said. Returns the program's exit status. */
int ct_worker_print(const char *directory, const char *what, ct_work *work, void *user);

/* For programs whose result goes to a file, or to standard output if `path` is NULL: the same. */
int ct_worker_save(const char *directory, const char *path, ct_work *work, void *user);

/* For the child: traces are read, a packet at a time; or something is made of what was read, with
 * debug information, a function at a time. */
void ct_worker_begin_reading(struct ct_activity *activity);
void ct_worker_end_reading(struct ct_activity *activity);

/* For the child: what was kept of an earlier reading is of no use. It is started again, and reads
 * the recording itself. */
G_NORETURN void ct_worker_refuse_index(struct ct_activity *activity);

/* For the child: what is to be printed was printed. */
void ct_worker_begin_remarks(struct ct_activity *activity);

#endif
