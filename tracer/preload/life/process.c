#include "process.h"

#include "description.h"
#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"
#include "preload/core/work_stack.h"
#include "preload/stack/intern.h"
#include "preload/stack/loader.h"
#include "preload/stack/modules.h"
#include "preload/stack/stack.h"
#include "preload/wait/fd.h"
#include "preload/wait/wait.h"
#include "session.h"
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* By seccomp, and so are our children. */
static bool is_filtered;

/* Address space for the header of a board, and for the unwinder. */
#define IMAGE_SIZE ((size_t)1 << 20)

/* The recorder says every second that it is there. Of one that was killed nobody removes the
 * boards: those of before are enough. One that was only stopped says how many went without. */
#define DESERTED_NS UINT64_C(15000000000)

static bool is_recorded(uint64_t now_ns)
{
    if (!ct_control->follows_children && ct_syscall(SYS_getpid) != ct_control->root_pid)
        return false;
    if (now_ns < ct_control->alive_ns + DESERTED_NS)
        return true;
    ct_emit_note_deserted();
    return false;
}

/* What is done once for an image and the processes that it forks. FALSE: the program needs its
 * address space for itself. */
static bool prepare_image(void)
{
    static bool is_prepared;

    if (is_prepared || !ct_memory_is_spare(IMAGE_SIZE))
        return is_prepared;
    ct_stack_init();
    ct_thread_init();
    return is_prepared = true;
}

/* A board for this image, which `parent` is that of the process that forked it, or NULL; what fails
 * leaves the process running untraced. */
static void begin_process(bool is_forked, const struct ct_board *parent, int32_t parent_pid)
{
    ct_clock_find_namespace();
    uint64_t start_ns = ct_now_ns();
    struct ct_board *board;

    if (!is_recorded(start_ns))
        return;
    if (!prepare_image() || !ct_memory_is_spare(CT_BOARD_START_SIZE)) {
        ct_session_refuse(start_ns, CT_REFUSAL_ADDRESS_SPACE);
        return;
    }
    board = ct_session_make_board(start_ns);
    if (board == NULL)
        return;
    ct_process_describe(board, parent, parent_pid, start_ns);
    ct_wiped_begin();
    ct_stacks_begin();
    ct_board = board;
    if (is_forked)
        ct_modules_inherit(parent);
    else
        ct_modules_begin();
}

void ct_process_init(void)
{
    const char *directory = getenv(CT_SESSION_VARIABLE);

    ct_self.mode = CT_MODE_BUSY;
    if (directory != NULL)
        ct_control = ct_session_map_control(directory);
    if (ct_control != NULL) {
        ct_clock_init();
        begin_process(false, NULL, (int32_t)ct_syscall(SYS_getppid));
    }
    ct_session_close();
    ct_self.mode = CT_MODE_NEW;
    if (ct_board != NULL)
        ct_thread_begin(0, 0);
}

struct child {
    const struct ct_board *parent; /* or NULL */
    int32_t parent_pid;
};

static void begin_child(void *argument)
{
    const struct child *child = argument;

    begin_process(true, child->parent, child->parent_pid);
    ct_self.mode = CT_MODE_NEW;
    ct_thread_begin(0, 0);
}

void ct_process_forked(void)
{
    int saved_errno = errno;
    struct ct_board *parent_board = ct_board;

    if (ct_control == NULL || is_filtered)
        return;
    ct_self.mode = CT_MODE_BUSY;
    /* It may have ended by now, so that the kernel would name another one. */
    int32_t parent_pid =
        parent_board != NULL ? parent_board->pid : (int32_t)ct_syscall(SYS_getppid);
    ct_board = NULL;
    ct_loader_forked();
    ct_wiped_forked();
    ct_fds_forked();
    ct_self.slot = NULL;
    ct_self.work_stack = NULL; /* it is not inherited */
    ct_tables_end();
    struct child child = {parent_board, parent_pid};
    if (!ct_with_room(&ct_self, begin_child, &child))
        ct_self.mode = CT_MODE_NEW; /* it runs untraced */
    if (parent_board != NULL)
        munmap(parent_board, CT_BOARD_START_SIZE);
    errno = saved_errno;
}

void ct_process_announce_fork(pid_t child)
{
    int saved_errno = errno;
    struct ct_event_fork event = {.child_pid = child};

    ct_self.mode = CT_MODE_BUSY;
    ct_emit_fork(&ct_self, ct_ticks(), &event);
    ct_self.mode = CT_MODE_TRACED;
    errno = saved_errno;
}

static void end_image(enum ct_process_state state, uint64_t end_ns)
{
    atomic_store(&ct_board->end_ns, end_ns);
    atomic_store(&ct_board->state, state);
}

/* 0: the memory is not ours to change. */
uint64_t ct_process_filter_begin(void)
{
    return ct_process_is_own() ? ct_now_ns() : 0;
}

/* Plain stores: the filter is there. */
void ct_process_filter_end(uint64_t when_ns, bool has_filter)
{
    if (!has_filter || when_ns == 0)
        return;
    is_filtered = true;
    end_image(CT_PROCESS_EXITED, when_ns);
    ct_process_leave();
}

void ct_process_exit(int status)
{
    enum ct_mode mode = ct_self.mode;

    if (!ct_process_is_own())
        return;
    struct ct_event_process_exit event = {.status = status};
    if (mode == CT_MODE_TRACED)
        ct_wait_flush(&ct_self);
    ct_self.mode = CT_MODE_BUSY;
    if (mode != CT_MODE_BUSY) /* else a handler has interrupted the writing of an event */
        ct_emit_process_exit(&ct_self, ct_ticks(), &event);
    end_image(CT_PROCESS_EXITED, ct_now_ns());
    ct_process_leave();
    ct_self.mode = mode;
}

static void set_unseen(struct ct_board_unseen *unseen, const char *name, enum ct_obstacle obstacle)
{
    struct ct_text text = ct_text_begin(unseen->name, sizeof(unseen->name));

    ct_text_string(&text, name);
    unseen->obstacle = obstacle;
}

/* NULL: it cannot be noted. */
static struct ct_board_unseen *note_unseen(const char *name, enum ct_obstacle obstacle)
{
    struct ct_board_unseen *unseen;

    if (ct_board == NULL || *ct_is_ours == 0)
        return NULL;
    uint32_t claimed = atomic_load(&ct_board->unseen_children);
    for (uint32_t i = 0; i < claimed && i < CT_BOARD_MAX_UNSEEN; i++) {
        unseen = &ct_board->children[i];
        if (unseen->obstacle == obstacle && strcmp(unseen->name, name) == 0) {
            atomic_fetch_add(&unseen->count, 1);
            return unseen;
        }
    }
    claimed = claimed < CT_BOARD_MAX_UNSEEN ? atomic_fetch_add(&ct_board->unseen_children, 1)
                                            : CT_BOARD_MAX_UNSEEN;
    if (claimed < CT_BOARD_MAX_UNSEEN - 1) {
        unseen = &ct_board->children[claimed];
        set_unseen(unseen, name, obstacle);
    } else {
        unseen = &ct_board->children[CT_BOARD_MAX_UNSEEN - 1];
        set_unseen(unseen, CT_UNSEEN_NAME_UNKNOWN, CT_OBSTACLE_NONE);
    }
    atomic_fetch_add(&unseen->count, 1);
    return unseen;
}

void ct_process_note_spawned(const char *name, enum ct_obstacle obstacle)
{
    note_unseen(name, obstacle);
}

struct ct_board_unseen *ct_process_exec_begin(const char *path, const char *name,
                                              enum ct_obstacle obstacle)
{
    enum ct_mode mode = ct_self.mode;

    if (!ct_process_is_own())
        return obstacle != CT_OBSTACLE_NONE ? note_unseen(name, obstacle) : NULL;
    uintptr_t known_page = 0;
    struct ct_event_exec event = {.path =
                                      ct_memory_is_string(path, PATH_MAX, &known_page) ? path : ""};
    if (mode == CT_MODE_TRACED)
        ct_wait_flush(&ct_self);
    ct_self.mode = CT_MODE_BUSY;
    if (mode != CT_MODE_BUSY)
        ct_emit_exec(&ct_self, ct_ticks(), &event);
    set_unseen(&ct_board->successor, name, obstacle);
    end_image(CT_PROCESS_EXECED, ct_now_ns());
    ct_self.mode = mode;
    return NULL;
}

void ct_process_exec_failed(struct ct_board_unseen *noted)
{
    if (noted != NULL)
        atomic_fetch_sub(&noted->count, 1);
    if (ct_process_is_own()) {
        atomic_store(&ct_board->state, CT_PROCESS_ALIVE);
        atomic_store(&ct_board->end_ns, 0);
    }
}
