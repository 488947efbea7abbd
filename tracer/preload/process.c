#include "process.h"

#include "emit.h"
#include "fd.h"
#include "modules.h"
#include "raw.h"
#include "ring.h"
#include "stack.h"
#include "text.h"
#include "thread.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

struct ct_board *ct_board;
const struct ct_control *ct_control;

/* Before we know better: all memory is ours. */
static uint32_t always_ours = 1;
const uint32_t *ct_is_ours = &always_ours;

static bool is_over;

bool ct_process_is_over(void)
{
    return is_over;
}

/* From the environment; kept, since the program may change its own. */
static char session_directory[PATH_MAX];

bool ct_process_is_own(void)
{
    return *ct_is_ours != 0 && ct_board != NULL && ct_syscall(SYS_getpid) == ct_board->pid;
}

/* ---- The files of the session. ---- */

static void *map(int fd, off_t offset, size_t size, int protection)
{
    void *address = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, offset);

    return address == MAP_FAILED ? NULL : address;
}

/* The doorbell is what we may write. */
static const struct ct_control *map_control(void)
{
    char path[PATH_MAX + 16];
    struct ct_text text = ct_text_begin(path, sizeof(path));

    ct_text_string(&text, session_directory);
    ct_text_string(&text, "/" CT_CONTROL_FILE);
    int fd = (int)ct_syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    const struct ct_control *control = map(fd, 0, sizeof(*control), PROT_READ);
    struct ct_doorbell *doorbell =
        map(fd, CT_DOORBELL_OFFSET, sizeof(*doorbell), PROT_READ | PROT_WRITE);
    ct_syscall(SYS_close, fd);
    if (control == NULL || doorbell == NULL || control->magic != CT_CONTROL_MAGIC ||
        control->schema_version != CT_SCHEMA_VERSION)
        return NULL;
    ct_emit_init(doorbell);
    return control;
}

/* So much of the board's file is mapped from the beginning. */
#define MAPPED_SIZE (CT_RINGS_OFFSET + CT_CHUNK_SIZE)

/* Of the board's file: with fewer rings where the program must not write such large ones. */
static size_t find_file_size(void)
{
    struct rlimit limit;
    size_t size = CT_BOARD_FILE_SIZE;

    /* Growing a file beyond the program's own limit would kill it with SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= size)
        return size;
    if (limit.rlim_cur < MAPPED_SIZE)
        return 0;
    return CT_RINGS_OFFSET + (limit.rlim_cur - CT_RINGS_OFFSET) / CT_CHUNK_SIZE * CT_CHUNK_SIZE;
}

static struct ct_board *make_board(uint64_t start_ns)
{
    char path[PATH_MAX + 64];
    struct ct_text text = ct_text_begin(path, sizeof(path));
    size_t size = find_file_size();
    struct ct_board *board = NULL;

    if (size == 0)
        return NULL;
    ct_text_string(&text, session_directory);
    ct_text_byte(&text, '/');
    ct_text_number(&text, (uint64_t)ct_syscall(SYS_getpid));
    ct_text_byte(&text, '-');
    ct_text_number(&text, start_ns);
    ct_text_string(&text, CT_BOARD_SUFFIX);
    int fd = (int)ct_syscall(SYS_openat, AT_FDCWD, path,
                             O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return NULL;
    if (ct_syscall(SYS_ftruncate, fd, size) == 0)
        board = map(fd, 0, MAPPED_SIZE, PROT_READ | PROT_WRITE);
    ct_syscall(SYS_close, fd);
    if (board == NULL)
        return NULL;
    if (!ct_memory_back(board, offsetof(struct ct_board, modules))) {
        munmap(board, MAPPED_SIZE);
        return NULL;
    }
    madvise(board, MAPPED_SIZE, MADV_DONTDUMP);
    board->size = size;
    ct_rings_init((char *)board + CT_RINGS_OFFSET, size);
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

static void describe(struct ct_board *board, int32_t parent_pid, uint64_t start_ns)
{
    ssize_t length;

    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = (int32_t)ct_syscall(SYS_getpid);
    board->ppid = parent_pid;
    board->start_ns = start_ns;
    board->rate_ns = ct_control->rate_ns;
    atomic_store(&board->stacks.used_words, 1);
    length =
        ct_syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", board->exe, sizeof(board->exe) - 1);
    board->exe[length > 0 ? length : 0] = '\0';
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

/*
 * A page that the kernel empties in every child that gets a copy of our memory, also one made by
 * _Fork or a raw system call: such a child must not write to its parent's board.
 */
static void mark_memory(void)
{
    static uint32_t *mark;

    if (mark == NULL) {
        void *page =
            mmap(NULL, sizeof(*mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED || madvise(page, sizeof(*mark), MADV_WIPEONFORK) != 0)
            return;
        ct_is_ours = mark = page;
    }
    *mark = 1;
}

/* A board for this image; what fails leaves the process running untraced. */
static void begin_process(int32_t parent_pid)
{
    uint64_t start_ns = ct_now_ns();
    struct ct_board *board;

    if (!ct_control->follows_children && ct_syscall(SYS_getpid) != ct_control->root_pid)
        return;
    board = make_board(start_ns);
    if (board == NULL)
        return;
    describe(board, parent_pid, start_ns);
    mark_memory();
    ct_stacks_begin();
    ct_board = board;
    is_announced = false;
    ct_modules_begin();
    ct_modules_scan();
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
        ct_stack_init();
        ct_thread_init();
        begin_process((int32_t)ct_syscall(SYS_getppid));
    }
    ct_self.mode = CT_MODE_NEW;
    if (ct_board != NULL)
        ct_thread_begin(0, 0);
}

void ct_process_forked(void)
{
    int saved_errno = errno;
    struct ct_board *parent_board = ct_board;

    if (ct_control == NULL)
        return;
    ct_self.mode = CT_MODE_BUSY;
    /* It may have ended by now, so that the kernel would name another one. */
    int32_t parent_pid =
        parent_board != NULL ? parent_board->pid : (int32_t)ct_syscall(SYS_getppid);
    ct_board = NULL;
    memset(ct_waiters, 0, sizeof(ct_waiters)); /* the waiters stayed behind */
    ct_fds_forked();
    ct_self.slot = NULL;
    if (parent_board != NULL) {
        ct_rings_clear();
        munmap(parent_board, MAPPED_SIZE);
    }
    begin_process(parent_pid);
    ct_self.mode = CT_MODE_NEW;
    ct_thread_begin(0, 0);
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

static void end_image(enum ct_process_state state)
{
    atomic_store(&ct_board->end_ns, ct_now_ns());
    atomic_store(&ct_board->state, state);
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
    end_image(CT_PROCESS_EXITED);
    static const uint32_t not_ours = 0;
    is_over = true;
    ct_is_ours = &not_ours;
    ct_self.mode = mode;
}

void ct_process_exec_begin(const char *path)
{
    enum ct_mode mode = ct_self.mode;

    if (!ct_process_is_own())
        return;
    struct ct_event_exec event = {.path = path};
    if (mode == CT_MODE_TRACED)
        ct_wait_flush(&ct_self);
    ct_self.mode = CT_MODE_BUSY;
    if (mode != CT_MODE_BUSY)
        ct_emit_exec(&ct_self, ct_ticks(), &event);
    end_image(CT_PROCESS_EXECED);
    ct_self.mode = mode;
}

void ct_process_exec_failed(void)
{
    if (ct_process_is_own()) {
        atomic_store(&ct_board->state, CT_PROCESS_ALIVE);
        atomic_store(&ct_board->end_ns, 0);
    }
}
