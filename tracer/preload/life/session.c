#include "session.h"

#include "preload/core/emit.h"
#include "preload/core/handout.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"
#include "preload/stack/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Borrowed, for good. */
static const char *session_directory;

static void *map(int fd, size_t size, int protection)
{
    void *address = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);

    return address == MAP_FAILED ? NULL : address;
}

/* The board that came with a control page that was handed to us, until it is mapped; or -1. */
static int handed_board = -1;

/* Another user's files are handed to us: TRUE if that is why they cannot be opened. */
static bool may_be_handed(long error)
{
    return error == -EACCES || error == -EPERM || error == -EROFS;
}

/* What we may only read cannot be made writable: its file is open to read. */
static const struct ct_control *map_control(int fd)
{
    const struct ct_control *control = map(fd, CT_CONTROL_TOLD_SIZE, PROT_READ);

    return control != NULL && control->magic == CT_CONTROL_MAGIC &&
                   control->schema_version == CT_SCHEMA_VERSION
               ? control
               : NULL;
}

/* NULL: fd is none, or there is no memory. It is closed. */
static struct ct_doorbell *map_doorbell(int fd)
{
    if (fd < 0)
        return NULL;
    struct ct_doorbell *doorbell = map(fd, sizeof(*doorbell), PROT_READ | PROT_WRITE);
    ct_syscall(SYS_close, fd);
    return doorbell;
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

/* It could not be opened, and not for lack of anything: that is not tried again with each ring. */
static _Atomic bool is_doorbell_out_of_reach;

static long note_reach(long result)
{
    if (result < 0 && result != -EMFILE && result != -ENFILE && result != -ENOMEM)
        is_doorbell_out_of_reach = true;
    return result;
}

/* In a hook, where the program's stack may have no room for a path. */
static struct ct_doorbell *open_doorbell(void)
{
    if (is_doorbell_out_of_reach)
        return NULL;
    long folder = note_reach(
        ct_syscall(SYS_openat, AT_FDCWD, session_directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder < 0)
        return NULL;
    long fd = note_reach(
        ct_syscall(SYS_openat, folder, CT_DOORBELL_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    ct_syscall(SYS_close, folder);
    return map_doorbell((int)fd);
}

const struct ct_control *ct_session_map_control(const char *directory)
{
    if (strlen(directory) >= PATH_MAX)
        return NULL;
    session_directory = directory;
    struct ct_handout handout = {
        .control_fd = open_file(CT_CONTROL_FILE, O_RDONLY), .doorbell_fd = -1, .board_fd = -1};

    if (handout.control_fd < 0 &&
        (!may_be_handed(handout.control_fd) || !ct_handout_ask(session_directory, &handout)))
        return NULL;
    const struct ct_control *control = map_control(handout.control_fd);
    ct_syscall(SYS_close, handout.control_fd);
    ct_emit_init(map_doorbell(handout.doorbell_fd), open_doorbell);
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

void ct_session_refuse(uint64_t start_ns, enum ct_refusal refusal)
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

/* What every image needs: the header's first page, its modules, and its first thread's slot. Where
 * stacks are has memory with the first of them: most processes do not live to take any. */
static bool back_board(const struct ct_board *board)
{
    return ct_memory_back(board, CT_BOARD_ALIGNMENT) &&
           ct_memory_back(board->modules, CT_MODULES_BACKED_AT_FIRST * sizeof(board->modules[0])) &&
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
        if (fd >= 0 || !may_be_handed(fd) || !ct_handout_ask(session_directory, &handout))
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
    ct_tables_end(); /* of the process that forked this one */
    ct_tables_begin(board, size);
    return board;
}

struct ct_board *ct_session_make_board(uint64_t start_ns)
{
    char path[PATH_MAX + 64];
    size_t size = find_file_size();

    if (size < CT_BOARD_START_SIZE) {
        ct_session_refuse(start_ns, CT_REFUSAL_FILE_SIZE);
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
        ct_session_refuse(start_ns, CT_REFUSAL_MEMORY);
    }
    return board;
}

void ct_session_close(void)
{
    if (handed_board >= 0)
        ct_syscall(SYS_close, handed_board);
    handed_board = -1;
}
