#include "description.h"

#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_announced;

/* With its main thread, before it had a board. */
static bool is_told;

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

/* Its room on the stack is for who needs it. */
static __attribute__((noinline)) void read_arguments(char *buffer, size_t size)
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

/* As its begin gave them: asking the kernel takes the making of a file in /proc. */
static void quote_arguments(char *const *arguments, char *buffer, size_t size)
{
    struct ct_text text = ct_text_begin(buffer, size);

    for (; *arguments != NULL && text.at < text.end; arguments++) {
        if (text.at > buffer)
            ct_text_byte(&text, ' ');
        append_quoted(&text, *arguments);
    }
}

/* So much of them is on the board's first page. */
#define ARGS_ON_FIRST_PAGE (CT_BOARD_ALIGNMENT - offsetof(struct ct_board, args))

/* How many bytes of the arguments' place have memory, for that many and their end. */
static size_t back_arguments(const struct ct_board *board, size_t length)
{
    bool is_enough = length < ARGS_ON_FIRST_PAGE;

    return !is_enough && ct_memory_back(board->args, sizeof(board->args)) ? sizeof(board->args)
                                                                          : ARGS_ON_FIRST_PAGE;
}

static void describe_arguments(struct ct_board *board, const struct ct_image *image)
{
    char *const *arguments = image->arguments;

    if (arguments != NULL) {
        quote_arguments(arguments, board->args, ARGS_ON_FIRST_PAGE);
        size_t size = back_arguments(board, strlen(board->args) + 1); /* it may be cut off */
        if (size > ARGS_ON_FIRST_PAGE)
            quote_arguments(arguments, board->args, size);
    } else if (image->parent != NULL) {
        size_t length = strnlen(image->parent->args, sizeof(board->args) - 1);
        struct ct_text text = ct_text_begin(board->args, back_arguments(board, length));
        ct_text_bytes(&text, image->parent->args, length);
    } else {
        read_arguments(board->args, back_arguments(board, sizeof(board->args)));
    }
}

/* The file of the program and its arguments: those of the process that forked this one, which may
 * have written a title over the arguments since. */
static void describe_program(struct ct_board *board, const struct ct_image *image)
{
    const struct ct_board *parent = image->parent;
    ssize_t length;

    describe_arguments(board, image);
    if (parent != NULL) {
        memcpy(board->exe, parent->exe, sizeof(board->exe));
        return;
    }
    length =
        ct_syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", board->exe, sizeof(board->exe) - 1);
    board->exe[length > 0 ? length : 0] = '\0';
}

void ct_process_describe(struct ct_board *board, const struct ct_image *image)
{
    is_announced = image->is_told;
    is_told = image->is_told;
    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = (int32_t)ct_syscall(SYS_getpid);
    board->ppid = image->parent_pid;
    board->start_ns = image->start_ns;
    board->rate_ns = ct_control->rate_ns;
    atomic_store(&board->used_words, 1);
    describe_program(board, image);
    if (ct_syscall(SYS_getcwd, board->cwd, sizeof(board->cwd)) < 0)
        board->cwd[0] = '\0';
    atomic_store_explicit(&board->magic, CT_BOARD_MAGIC, memory_order_release);
}

bool ct_process_is_told(int32_t tid)
{
    return is_told && tid == ct_board->pid;
}

void ct_process_announce(struct ct_self *self, uint64_t ticks)
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

    ct_emit_process_start(self, ticks, &event);
}
