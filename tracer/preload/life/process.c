#include "process.h"

#include "description.h"
#include "exec_environment.h"
#include "forked.h"
#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"
#include "preload/core/work_stack.h"
#include "preload/heap/inherit.h"
#include "preload/stack/intern.h"
#include "preload/stack/loader.h"
#include "preload/stack/modules.h"
#include "preload/stack/python.h"
#include "preload/stack/python_codes.h"
#include "preload/stack/stack.h"
#include "preload/wait/fd.h"
#include "preload/wait/turn.h"
#include "preload/wait/wait.h"
#include "session.h"
#include "slots.h"
#include "thread.h"

#include <errno.h>
#include <limits.h>
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

static bool is_followed(void)
{
    return ct_control->follows_children || ct_syscall(SYS_getpid) == ct_control->root_pid;
}

static bool is_deserted(uint64_t now_ns)
{
    return now_ns >= ct_control->alive_ns + DESERTED_NS;
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

/* A board for this image; what fails leaves the process running untraced. */
static void begin_process(const struct ct_image *image)
{
    struct ct_board *board;

    if (!is_followed())
        return;
    if (is_deserted(ct_now_once_ns())) {
        ct_emit_note_deserted();
        return;
    }
    if (!prepare_image() || !ct_memory_is_spare(CT_BOARD_START_SIZE)) {
        ct_session_refuse(image->start_ns, CT_REFUSAL_ADDRESS_SPACE);
        return;
    }
    board = ct_session_make_board(image->start_ns);
    if (board == NULL)
        return;
    ct_process_describe(board, image);
    ct_wiped_begin();
    ct_stacks_begin();
    ct_python_begin();
    ct_python_codes_begin();
    ct_slots_begin();
    ct_board = board;
    if (ct_heap_is_wanted())
        ct_heap_begin();
    if (image->arguments != NULL) /* the loader is about to run the program */
        ct_modules_begin();
    else
        ct_modules_inherit(image->parent);
}

void ct_process_init(char *const *arguments)
{
    const char *directory = ct_exec_session();

    ct_self.mode = CT_MODE_BUSY;
    if (directory != NULL)
        ct_control = ct_session_map_control(directory);
    if (ct_control != NULL) {
        ct_clock_find_namespace();
        const struct ct_image image = {.parent_pid = (int32_t)ct_syscall(SYS_getppid),
                                       .arguments = arguments,
                                       .start_ns = ct_now_once_ns()};
        begin_process(&image);
    }
    ct_session_close();
    if (ct_control == NULL || ct_heap_is_wanted())
        ct_heap_set_begun();
    ct_self.mode = CT_MODE_NEW;
    if (ct_board != NULL)
        ct_thread_begin(0, 0);
}

/* ---- Children of fork. ---- */

/* As long as this process has no board of its own: on its parent's, which is the other one. */
static struct ct_board_forked *forked;
static struct ct_board *parent_board;

/* A board that was cut short ends us if we touch it. The entry is behind all else of it that we do:
 * without it, we run untraced. */
static bool has_entry(void)
{
    if (forked == NULL || ct_memory_is_readable(forked, sizeof(*forked)))
        return forked != NULL;
    ct_self_make_board = NULL;
    forked = NULL;
    parent_board = NULL;
    return false;
}

/* A child of it, by vfork or behind our back, has the same memory, or a copy. */
static bool is_forked(void)
{
    return has_entry() && ct_syscall(SYS_getpid) == forked->pid;
}

/* Its entry, or NULL; a handler that interrupts us makes no board, and leaves the entry where it
 * is, until ct_self.mode is again what it was. */
static struct ct_board_forked *hold_entry(enum ct_mode *mode)
{
    *mode = __atomic_exchange_n(&ct_self.mode, CT_MODE_BUSY, __ATOMIC_RELAXED);
    atomic_signal_fence(memory_order_seq_cst);
    return is_forked() ? forked : NULL;
}

static void release_entry(enum ct_mode mode)
{
    atomic_signal_fence(memory_order_seq_cst);
    ct_self.mode = mode;
}

static void begin_child(void *argument)
{
    const struct ct_image *image = argument;

    begin_process(image);
    ct_self.mode = CT_MODE_NEW;
    ct_thread_begin(0, 0);
    if (ct_board != NULL && ct_heap_is_wanted())
        ct_heap_inherit(&ct_self, image->parent);
}

/* False: it has none. */
static bool make_board(struct ct_image *image)
{
    ct_fds_forked();
    ct_turns_forked();
    ct_self.work_stack = NULL; /* it is not inherited */
    ct_self.mode = CT_MODE_BUSY;
    if (!ct_with_room(&ct_self, begin_child, image))
        ct_self.mode = CT_MODE_NEW; /* it runs untraced */
    return ct_board != NULL;
}

/* All of it that is mapped. */
static void leave_parent(void)
{
    if (ct_board == NULL)
        ct_tables_end();
    if (parent_board != NULL)
        munmap(parent_board, CT_BOARD_START_SIZE);
    parent_board = NULL;
}

/* With its entry held. */
static bool settle(struct ct_board_forked *left)
{
    struct ct_image image = {
        .parent = parent_board, .parent_pid = parent_board->pid, .start_ns = left->start_ns};

    if (!ct_forked_move(left, &image.is_told))
        return false;
    ct_self_make_board = NULL;
    forked = NULL;
    if (make_board(&image)) {
        leave_parent();
        return true;
    }
    forked = left;
    ct_forked_stay(left);
    return false;
}

static bool try_to_settle(void)
{
    int saved_errno = errno;
    enum ct_mode mode;
    struct ct_board_forked *left = hold_entry(&mode);
    bool may_settle = mode == CT_MODE_NEW && left != NULL &&
                      atomic_load_explicit(&ct_control->is_recording, memory_order_relaxed);

    if (!may_settle || !settle(left))
        release_entry(mode);
    errno = saved_errno;
    return ct_self.mode == CT_MODE_TRACED;
}

struct ct_board_forked *ct_process_fork_begin(void)
{
    int saved_errno = errno;
    struct ct_board_forked *claimed = NULL;
    bool has_heap = ct_heap_is_wanted() && ct_heap_is_recorded();

    if (has_heap)
        ct_heap_fork_begin();
    /* A child that has a heap of its own to tell of has a board at once. */
    if (!has_heap && ct_self_enter() != NULL && ct_control->follows_children &&
        !is_deserted(ct_now_once_ns()) && ct_process_is_own() && ct_is_ours == &ct_wiped.is_ours)
        claimed = ct_forked_claim(ct_board);
    errno = saved_errno;
    return claimed;
}

void ct_process_fork_failed(struct ct_board_forked *claimed)
{
    if (claimed != NULL)
        ct_forked_release(claimed);
}

void ct_process_forked(struct ct_board_forked *claimed)
{
    if (ct_control == NULL || is_filtered)
        return;
    parent_board = ct_board;
    ct_board = NULL;
    if (ct_heap_is_wanted())
        ct_heap_forked();
    ct_loader_forked();
    ct_self.slot = NULL;
    ct_self.mode = CT_MODE_NEW;
    ct_clock_forked();
    if (claimed != NULL && ct_forked_begin(claimed)) {
        forked = claimed;
        ct_self_make_board = try_to_settle;
        return;
    }
    ct_wiped_forked();
    /* The parent may have ended by now, so that the kernel would name another one. */
    struct ct_image image = {.parent = parent_board,
                             .parent_pid = parent_board != NULL ? parent_board->pid
                                                                : (int32_t)ct_syscall(SYS_getppid),
                             .start_ns = ct_now_once_ns()};
    int saved_errno = errno; /* not before: it is a page that most children do not touch */
    make_board(&image);
    leave_parent();
    if (ct_heap_is_wanted())
        ct_heap_fork_end();
    errno = saved_errno;
}

void ct_process_renamed(void)
{
    enum ct_mode mode;
    struct ct_board_forked *held = hold_entry(&mode);

    if (held != NULL)
        ct_forked_rename(held);
    release_entry(mode);
}

/* ---- The image. ---- */

void ct_process_announce_fork(pid_t child)
{
    int saved_errno = errno;
    struct ct_event_fork event = {.child_pid = child};

    ct_self.mode = CT_MODE_BUSY;
    ct_emit_fork(&ct_self, ct_ticks_once(), &event);
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
    ct_self_settle();
    return ct_process_is_own() ? ct_now_once_ns() : 0;
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
    enum ct_mode mode;
    struct ct_board_forked *held = hold_entry(&mode);

    if (held != NULL)
        ct_forked_exit(held, status);
    release_entry(mode);
    if (!ct_process_is_own())
        return;
    struct ct_event_process_exit event = {.status = status};
    if (mode == CT_MODE_TRACED) {
        ct_wait_flush(&ct_self);
        ct_turns_end();
    }
    ct_self.mode = CT_MODE_BUSY;
    if (mode != CT_MODE_BUSY) /* else a handler has interrupted the writing of an event */
        ct_emit_process_exit(&ct_self, ct_ticks_once(), &event);
    end_image(CT_PROCESS_EXITED, ct_now_once_ns());
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
static struct ct_board_unseen *note_on(struct ct_board *board, const char *name,
                                       enum ct_obstacle obstacle)
{
    struct ct_board_unseen *unseen;

    if (board == NULL)
        return NULL;
    uint32_t claimed = atomic_load(&board->unseen_children);
    for (uint32_t i = 0; i < claimed && i < CT_BOARD_MAX_UNSEEN; i++) {
        unseen = &board->children[i];
        if (unseen->obstacle == obstacle && strcmp(unseen->name, name) == 0) {
            atomic_fetch_add(&unseen->count, 1);
            return unseen;
        }
    }
    if (!ct_memory_back(board->children, sizeof(board->children)))
        return NULL;
    claimed = claimed < CT_BOARD_MAX_UNSEEN ? atomic_fetch_add(&board->unseen_children, 1)
                                            : CT_BOARD_MAX_UNSEEN;
    if (claimed < CT_BOARD_MAX_UNSEEN - 1) {
        unseen = &board->children[claimed];
        set_unseen(unseen, name, obstacle);
    } else {
        unseen = &board->children[CT_BOARD_MAX_UNSEEN - 1];
        set_unseen(unseen, CT_UNSEEN_NAME_UNKNOWN, CT_OBSTACLE_NONE);
    }
    atomic_fetch_add(&unseen->count, 1);
    return unseen;
}

static struct ct_board_unseen *note_unseen(const char *name, enum ct_obstacle obstacle)
{
    enum ct_mode mode;

    hold_entry(&mode);
    struct ct_board *board = forked != NULL ? parent_board : *ct_is_ours != 0 ? ct_board : NULL;
    struct ct_board_unseen *noted = note_on(board, name, obstacle);
    release_entry(mode);
    return noted;
}

void ct_process_note_spawned(const char *name, enum ct_obstacle obstacle)
{
    note_unseen(name, obstacle);
}

struct ct_board_unseen *ct_process_exec_begin(const char *path, const char *name,
                                              enum ct_obstacle obstacle)
{
    uintptr_t known_page = 0;

    enum ct_mode mode;
    struct ct_board_forked *held = hold_entry(&mode);
    path = ct_memory_is_string(path, PATH_MAX, &known_page) ? path : "";
    bool is_noted = held != NULL && ct_forked_exec(held, path, name, obstacle);
    release_entry(mode);
    if (is_noted)
        return NULL;
    ct_self_settle();
    if (!ct_process_is_own())
        return obstacle != CT_OBSTACLE_NONE ? note_unseen(name, obstacle) : NULL;
    mode = ct_self.mode;
    struct ct_event_exec event = {.path = path};
    if (mode == CT_MODE_TRACED)
        ct_wait_flush(&ct_self);
    ct_self.mode = CT_MODE_BUSY;
    if (mode != CT_MODE_BUSY)
        ct_emit_exec(&ct_self, ct_ticks_once(), &event);
    set_unseen(&ct_board->successor, name, obstacle);
    end_image(CT_PROCESS_EXECED, ct_now_once_ns());
    ct_self.mode = mode;
    return NULL;
}

void ct_process_exec_failed(struct ct_board_unseen *noted)
{
    if (noted != NULL)
        atomic_fetch_sub(&noted->count, 1);
    enum ct_mode mode;
    struct ct_board_forked *held = hold_entry(&mode);
    if (held != NULL)
        ct_forked_exec_failed(held);
    release_entry(mode);
    if (ct_process_is_own()) {
        atomic_store(&ct_board->state, CT_PROCESS_ALIVE);
        atomic_store(&ct_board->end_ns, 0);
    }
}
