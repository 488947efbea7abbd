/* A recording that is told call by call: threads that wait for each other. */
#ifndef CTRACE_PATH_FIXTURE_H
#define CTRACE_PATH_FIXTURE_H

#include "passes/path.h"
#include "store/builder.h"

#define BEGIN   UINT64_C(1000)
#define END     UINT64_C(9000)
#define PID     1
#define CHILD   30
#define THREADS 5

/* Threads are 1, the first, to THREADS; and CHILD, of a process of its own. */
struct path_fixture {
    struct ct_model *model;
    struct ct_model *loaded;
    struct ct_store_builder *builder;
    struct ct_sink sink;
    struct ct_store *store;
    GArray *found; /* struct ct_path_stretch, from the last one on */
    GPtrArray *owned;
    struct ct_window window;
    int fd;
    int aside_fd;
};

struct ct_thread *path_fixture_find(const struct ct_model *model, int32_t tid);
struct ct_thread *path_fixture_thread(const struct path_fixture *fixture, int32_t tid);
struct ct_process *path_fixture_add_process(const struct path_fixture *fixture, int32_t pid,
                                            int32_t ppid);
int path_fixture_set_up(void **state);
int path_fixture_tear_down(void **state);
struct ct_interval path_fixture_interval(const struct path_fixture *fixture, int32_t tid,
                                         enum ct_op op, uint64_t begin_ns, uint64_t end_ns);
void path_fixture_tell(const struct path_fixture *fixture, const struct ct_interval *interval);
void path_fixture_add(const struct path_fixture *fixture, int32_t tid, enum ct_op op,
                      uint64_t begin_ns, uint64_t end_ns);
void path_fixture_wake(const struct path_fixture *fixture, struct ct_interval *interval,
                       int32_t waker, uint64_t wake_ns, enum ct_op op);
void path_fixture_add_woken(const struct path_fixture *fixture, int32_t tid, uint64_t begin_ns,
                            uint64_t end_ns, int32_t waker, uint64_t wake_ns);
void path_fixture_add_lock_wait(const struct path_fixture *fixture, int32_t tid, uint64_t lock,
                                uint64_t begin_ns, int32_t holder);
void path_fixture_finish(struct path_fixture *fixture);

#endif
