#include "path_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct ct_thread *path_fixture_find(const struct ct_model *model, int32_t tid)
{
    for (guint i = 0; i < model->all_threads->len; i++) {
        struct ct_thread *thread = model->all_threads->pdata[i];

        if (thread->tid == tid)
            return thread;
    }
    return NULL;
}

struct ct_thread *path_fixture_thread(const struct path_fixture *fixture, int32_t tid)
{
    return path_fixture_find(fixture->model, tid);
}

struct ct_process *path_fixture_add_process(const struct path_fixture *fixture, int32_t pid,
                                            int32_t ppid)
{
    struct ct_process *process = ct_model_add_process(fixture->model, pid, BEGIN, 0);

    process->ppid = ppid;
    process->end_ns = END;
    process->exit_status = -1;
    return process;
}

int path_fixture_set_up(void **state)
{
    struct path_fixture *fixture = g_new0(struct path_fixture, 1);
    struct ct_process *process;

    fixture->model = ct_model_new();
    fixture->model->directory = g_strdup("/recording");
    fixture->model->begin_ns = BEGIN;
    fixture->model->end_ns = END;
    process = path_fixture_add_process(fixture, PID, 0);
    for (int32_t tid = 1; tid <= THREADS; tid++)
        ct_model_add_thread(fixture->model, process, tid, BEGIN, 0)->end_ns = END;
    fixture->found = g_array_new(FALSE, FALSE, sizeof(struct ct_path_stretch));
    fixture->owned = g_ptr_array_new_with_free_func(g_free);
    fixture->window = (struct ct_window){BEGIN, END};
    fixture->fd = memfd_create("store", MFD_CLOEXEC);
    fixture->aside_fd = memfd_create("aside", MFD_CLOEXEC);
    fixture->builder = ct_store_builder_new(fixture->fd, fixture->aside_fd);
    fixture->sink = ct_store_builder_sink(fixture->builder);
    fixture->loaded = ct_model_new();
    fixture->loaded->directory = g_strdup("/recording");
    *state = fixture;
    return 0;
}

int path_fixture_tear_down(void **state)
{
    struct path_fixture *fixture = *state;

    ct_store_free(fixture->store);
    ct_store_builder_free(fixture->builder);
    ct_model_free(fixture->loaded);
    ct_model_free(fixture->model);
    g_array_unref(fixture->found);
    g_ptr_array_unref(fixture->owned);
    close(fixture->fd);
    close(fixture->aside_fd);
    g_free(fixture);
    return 0;
}

/* ---- What was recorded ---- */

struct ct_interval path_fixture_interval(const struct path_fixture *fixture, int32_t tid,
                                         enum ct_op op, uint64_t begin_ns, uint64_t end_ns)
{
    return (struct ct_interval){
        .thread = path_fixture_thread(fixture, tid),
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .wait_begin_ns = begin_ns,
        .wait_end_ns = end_ns,
        .weight = 1,
        .op = op,
        .class = op == CT_OP_READ ? CT_CLASS_SYSCALL : ct_op_class(op),
        .stack_id = 100 + (uint32_t)tid,
    };
}

void path_fixture_tell(const struct path_fixture *fixture, const struct ct_interval *interval)
{
    fixture->sink.on_interval(fixture->sink.user, interval);
}

void path_fixture_add(const struct path_fixture *fixture, int32_t tid, enum ct_op op,
                      uint64_t begin_ns, uint64_t end_ns)
{
    const struct ct_interval interval = path_fixture_interval(fixture, tid, op, begin_ns, end_ns);

    path_fixture_tell(fixture, &interval);
}

void path_fixture_wake(const struct path_fixture *fixture, struct ct_interval *interval,
                       int32_t waker, uint64_t wake_ns, enum ct_op op)
{
    interval->waker = path_fixture_thread(fixture, waker);
    interval->wake_ns = wake_ns;
    interval->waker_op = op;
    interval->waker_stack_id = op == CT_OP_NONE ? 0 : 200 + (uint32_t)waker;
}

/* A wait for a semaphore that the waker posted at `wake_ns`. */
void path_fixture_add_woken(const struct path_fixture *fixture, int32_t tid, uint64_t begin_ns,
                            uint64_t end_ns, int32_t waker, uint64_t wake_ns)
{
    struct ct_interval interval =
        path_fixture_interval(fixture, tid, CT_OP_SEM_WAIT, begin_ns, end_ns);

    interval.object = 0xa0;
    path_fixture_wake(fixture, &interval, waker, wake_ns, CT_OP_SEM_POST);
    path_fixture_tell(fixture, &interval);
}

/* A wait for a lock that goes on at the end, and whose last holder is known. */
void path_fixture_add_lock_wait(const struct path_fixture *fixture, int32_t tid, uint64_t lock,
                                uint64_t begin_ns, int32_t holder)
{
    struct ct_interval interval =
        path_fixture_interval(fixture, tid, CT_OP_MUTEX_LOCK, begin_ns, END);

    interval.object = lock;
    interval.is_for_lock = TRUE;
    interval.is_open = TRUE;
    interval.owner_tid = holder;
    path_fixture_tell(fixture, &interval);
}

void path_fixture_finish(struct path_fixture *fixture)
{
    const uint8_t key[CT_STORE_KEY_SIZE] = {0};

    ct_model_sort(fixture->model);
    assert_true(ct_store_builder_finish(fixture->builder, fixture->model, key, NULL));
    fixture->store = ct_store_open(fixture->fd, NULL, fixture->loaded, NULL);
    assert_non_null(fixture->store);
}
