#include "process.h"

#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/handout.h"
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/core/storage.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"
#include "preload/core/work_stack.h"
#include "preload/stack/modules.h"
#include "preload/stack/stack.h"
#include "preload/wait/fd.h"
#include "preload/wait/wait.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* By seccomp, and so are our children. */
static bool is_filtered;

/* From the environment; kept, since the program may change its own. */
static CT_LARGE char session_directory[PATH_MAX];

/* ---- The files of the session. ---- */

static void *map(int fd, size_t size, int protection)
{
    void *address = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);

    return address == MAP_FAILED ? NULL : address;
}

/* The board that came with a control page that was handed to us, until it is mapped; or -1. */
static int handed_board = -1;

/* Another user's files are handed to us: TRUE if that is why they cannot be opened. */
static bool may_be_handed(void)
{
    return errno == EACCES || errno == EPERM || errno == EROFS;
}

/* What we may only read cannot be made writable: its file is open to read. */
static const struct ct_control *map_control_files(int control_fd, int doorbell_fd)
{
    const struct ct_control *control = map(control_fd, sizeof(*control), PROT_READ);
    struct ct_doorbell *doorbell = map(doorbell_fd, sizeof(*doorbell), PROT_READ | PROT_WRITE);

    if (control == NULL || doorbell == NULL || control->magic != CT_CONTROL_MAGIC ||
        control->schema_version != CT_SCHEMA_VERSION)
        return NULL;
    ct_emit_init(doorbell);
    return control;
}

static int open_file(const char *name, int access)
{
    char path[PATH_MAX + 16];
    struct ct_text text = ct_text_begin(path, sizeof(path));

    ct_text_string(&text, session_directory);
    ct_text_byte(&text, '/');
    ct_text_string(&text, name);
    return (int)ct_syscall(SYS_openat, AT_FDCWD, path, access | O_CLOEXEC | O_NOFOLLOW);
}

static const struct ct_control *map_control(void)
{
    struct ct_handout handout = {
        .control_fd = open_file(CT_CONTROL_FILE, O_RDONLY), .doorbell_fd = -1, .board_fd = -1};

    if (handout.control_fd >= 0)
        handout.doorbell_fd = open_file(CT_DOORBELL_FILE, O_RDWR);
    else if (!may_be_handed() || !ct_handout_ask(session_directory, &handout))
        return NULL;
    const struct ct_control *control =
        handout.doorbell_fd >= 0 ? map_control_files(handout.control_fd, handout.doorbell_fd)
                                 : NULL;
    ct_syscall(SYS_close, handout.control_fd);
    if (handout.doorbell_fd >= 0)
        ct_syscall(SYS_close, handout.doorbell_fd);
    if (control != NULL)
        handed_board = handout.board_fd;
    else if (handout.board_fd >= 0)
        ct_syscall(SYS_close, handout.board_fd);
    return control;
}

/* Of the board's file: shorter where the program must not write such large ones. */
static size_t find_file_size(void)
{
    struct rlimit limit;

    /* Growing a file beyond the program's own limit would kill it with SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= CT_BOARD_FILE_SIZE)
        return CT_BOARD_FILE_SIZE;
    return limit.rlim_cur / CT_BOARD_PAGE * CT_BOARD_PAGE;
}

/* The file of this image with that ending of its name. */
static void write_path(char *path, size_t size, uint64_t start_ns, const char *suffix)
{
    struct ct_text text = ct_text_begin(path, size);

    ct_text_string(&text, session_directory);
    ct_text_byte(&text, '/');
    ct_text_number(&text, (uint64_t)ct_syscall(SYS_getpid));
    ct_text_byte(&text, '-');
    ct_text_number(&text, start_ns);
    ct_text_string(&text, suffix);
}

static int create_file(const char *path)
{
    return (int)ct_syscall(SYS_openat, AT_FDCWD, path,
                           O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Says to the recorder why this image has no board. */
static void say_refusal(uint64_t start_ns, enum ct_refusal refusal)
{
    static const char *const suffixes[CT_REFUSAL_COUNT] = {
#define SUFFIX(symbol, suffix, reason) [CT_REFUSAL_##symbol] = suffix,
        CT_REFUSALS(SUFFIX)
#undef SUFFIX
    };
    char path[PATH_MAX + 64];

    write_path(path, sizeof(path), start_ns, suffixes[refusal]);
    int fd = create_file(path);
    if (fd >= 0)
        ct_syscall(SYS_close, fd);
}

/* What every image needs: the header up to its modules, and its first thread's slot. Where stacks
 * are has memory with the first of them: most processes do not live to take any. */
static bool back_board(const struct ct_board *board)
{
    return ct_memory_back(board, offsetof(struct ct_board, modules[CT_MODULES_BACKED_AT_FIRST])) &&
           ct_slot_back(&board->slots[0]);
}

/* A new one: of that size, or if it was handed to us, of the size that we are told. */
static int open_board(const char *path, size_t *size)
{
    struct ct_handout handout;

    if (handed_board < 0) {
        int fd = create_file(path);
        if (fd >= 0 && ct_syscall(SYS_ftruncate, fd, *size) != 0) {
            ct_syscall(SYS_close, fd);
            ct_syscall(SYS_unlinkat, AT_FDCWD, path, 0);
            return -1;
        }
        if (fd >= 0 || !may_be_handed() || !ct_handout_ask(session_directory, &handout))
            return fd;
        ct_syscall(SYS_close, handout.control_fd);
        ct_syscall(SYS_close, handout.doorbell_fd);
        handed_board = handout.board_fd;
    }
    int fd = handed_board;
    handed_board = -1;
    *size = CT_BOARD_FILE_SIZE;
    return fd;
}

/* Maps the header of a board in that new file. */
static struct ct_board *map_board(int fd, size_t size)
{
    struct ct_board *board = map(fd, CT_BOARD_START_SIZE, PROT_READ | PROT_WRITE);

    if (board == NULL)
        return NULL;
    if (!back_board(board)) {
        munmap(board, CT_BOARD_START_SIZE);
        return NULL;
    }
    madvise(board, CT_BOARD_START_SIZE, MADV_DONTDUMP);
    board->size = size;
    ct_tables_begin(board, size);
    return board;
}

static struct ct_board *make_board(uint64_t start_ns)
{
    char path[PATH_MAX + 64];
    size_t size = find_file_size();

    if (size < CT_BOARD_START_SIZE) {
        say_refusal(start_ns, CT_REFUSAL_FILE_SIZE);
        return NULL;
    }
    write_path(path, sizeof(path), start_ns, CT_BOARD_SUFFIX);
    int fd = open_board(path, &size);
    if (fd < 0)
        return NULL;
    struct ct_board *board = map_board(fd, size);
    ct_syscall(SYS_close, fd);
    if (board == NULL) {
        ct_syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        say_refusal(start_ns, CT_REFUSAL_MEMORY);
    }
    return board;
}

/* ---- What it is. ---- */

static bool is_announced;

static void append_quoted(struct ct_text *text, const char *argument)
{
    bool is_plain = argument[0] != '\0';

    for (const char *at = argument; *at != '\0'; at++)
        if (strchr(" \t\n'\"\\$&|;<>()*?[]#~`!{}", *at) != NULL)
            is_plain = false;
    if (is_plain) {
        ct_text_string(text, argument);
        return;
    }
    ct_text_byte(text, '\'');
    for (const char *at = argument; *at != '\0'; at++) {
        if (*at == '\'')
            ct_text_string(text, "'\\''");
        else
            ct_text_byte(text, *at);
    }
    ct_text_byte(text, '\'');
}

static void read_arguments(char *buffer, size_t size)
{
    char raw[CT_BOARD_ARGS_SIZE];
    struct ct_text text = ct_text_begin(buffer, size);
    int fd = (int)ct_syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    ssize_t length = ct_syscall(SYS_read, fd, raw, sizeof(raw) - 1);
    ct_syscall(SYS_close, fd);
    if (length <= 0)
        return;
    raw[length] = '\0';
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(raw + at) + 1) {
        if (at > 0)
            ct_text_byte(&text, ' ');
        append_quoted(&text, raw + at);
    }
}

/* The file of the program: the same as that of the process that forked this one. */
static void describe_exe(struct ct_board *board, const struct ct_board *parent)
{
    ssize_t length;

    if (parent != NULL) {
        memcpy(board->exe, parent->exe, sizeof(board->exe));
        return;
    }
    length =
        ct_syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", board->exe, sizeof(board->exe) - 1);
    board->exe[length > 0 ? length : 0] = '\0';
}

static void describe(struct ct_board *board, const struct ct_board *parent, int32_t parent_pid,
                     uint64_t start_ns)
{

    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = (int32_t)ct_syscall(SYS_getpid);
    board->ppid = parent_pid;
    board->start_ns = start_ns;
    board->rate_ns = ct_control->rate_ns;
    atomic_store(&board->used_words, 1);
    describe_exe(board, parent);
    read_arguments(board->args, sizeof(board->args));
    if (ct_syscall(SYS_getcwd, board->cwd, sizeof(board->cwd)) < 0)
        board->cwd[0] = '\0';
    atomic_store_explicit(&board->magic, CT_BOARD_MAGIC, memory_order_release);
}

void ct_process_announce(struct ct_self *self)
{
    if (is_announced)
        return;
    is_announced = true;
    struct ct_event_process_start event = {
        .schema_version = CT_SCHEMA_VERSION,
        .process_start_ns = ct_board->start_ns,
        .rate_ns = ct_board->rate_ns,
        .ppid = ct_board->ppid,
        .exe = ct_board->exe,
        .args = ct_board->args,
        .cwd = ct_board->cwd,
    };

    ct_emit_process_start(self, ct_ticks(), &event);
}

/* ---- Its life. ---- */

/* Address space for the header of a board, and for the unwinder. */
#define IMAGE_SIZE ((size_t)1 << 20)

/* The recorder says every second that it is there. Of one that was killed nobody removes the
 * boards: those of before are enough. */
#define DESERTED_NS UINT64_C(15000000000)

static bool is_recorded(uint64_t now_ns)
{
    return (ct_control->follows_children || ct_syscall(SYS_getpid) == ct_control->root_pid) &&
           now_ns < ct_control->alive_ns + DESERTED_NS;
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
static void begin_process(const struct ct_board *parent, int32_t parent_pid)
{
    ct_clock_find_namespace();
    uint64_t start_ns = ct_now_ns();
    struct ct_board *board;

    if (!is_recorded(start_ns))
        return;
    if (!prepare_image() || !ct_memory_is_spare(CT_BOARD_START_SIZE)) {
        say_refusal(start_ns, CT_REFUSAL_ADDRESS_SPACE);
        return;
    }
    board = make_board(start_ns);
    if (board == NULL)
        return;
    describe(board, parent, parent_pid, start_ns);
    ct_wiped_begin();
    ct_stacks_begin();
    ct_board = board;
    is_announced = false;
    if (parent == NULL || !ct_modules_inherit(parent)) {
        ct_modules_begin();
        ct_modules_scan();
    }
}

void ct_process_init(void)
{
    const char *directory = getenv(CT_SESSION_VARIABLE);

    ct_self.mode = CT_MODE_BUSY;
    if (directory != NULL && strlen(directory) < sizeof(session_directory)) {
        strcpy(session_directory, directory);
        ct_control = map_control();
    }
    if (ct_control != NULL) {
        ct_clock_init();
        begin_process(NULL, (int32_t)ct_syscall(SYS_getppid));
    }
    if (handed_board >= 0) /* for an image that is not followed */
        ct_syscall(SYS_close, handed_board);
    handed_board = -1;
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

    begin_process(child->parent, child->parent_pid);
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
