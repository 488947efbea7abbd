#include "blocked.h"

#include "system/procfs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* A record has a size of 16 bits. */
#define STACK_MAX ((size_t)56 << 10)

/* Of a small page. */
#define PIECES_MAX (STACK_MAX / 4096 + 1)

/* It may go on, and block again. */
#define TRIES 3

/* "202 0x7f00 0x80 ... 0x7ffd 0x7f12": the call that it is in, its arguments, its stack pointer and
 * where it goes on; "-1 0x7ffd 0x7f12" where it is in none; "running" where it is not blocked. */
static void parse(const char *text, struct ct_spool_task *task)
{
    char *at;

    task->has_call = FALSE;
    task->stack_pointer = task->instruction = 0;
    task->number = strtoll(text, &at, 10);
    if (at == text)
        return;
    task->has_call = task->number >= 0;
    for (size_t i = 0; i < CT_SYSCALL_ARGUMENTS && task->has_call; i++)
        task->arguments[i] = strtoull(at, &at, 16);
    task->stack_pointer = strtoull(at, &at, 16);
    task->instruction = strtoull(at, &at, 16);
}

/* What tells whether it ran between two looks: the call, and how often it has left a CPU. NULL: it
 * has ended. Caller frees. */
static char *look(const struct ct_spool_task *task, char **call)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/syscall", task->pid, task->tid);
    g_autofree char *voluntary = ct_proc_read_status(task->tid, "voluntary_ctxt_switches:");
    g_autofree char *forced = ct_proc_read_status(task->tid, "nonvoluntary_ctxt_switches:");
    char *text = NULL;

    if (voluntary == NULL || forced == NULL || !g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    char *seen = g_strdup_printf("%s %s %s", voluntary, forced, text);

    if (call != NULL)
        *call = text;
    else
        g_free(text);
    return seen;
}

/* Up to where the stack ends: in pieces, as of each the kernel reads all or nothing. */
static void read_stack(const struct ct_spool_task *task, GByteArray *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct iovec pieces[PIECES_MAX], whole;
    uint64_t at = task->stack_pointer;
    size_t size = 0, count = 0;

    for (; size < STACK_MAX && count < PIECES_MAX; count++) {
        size_t piece = MIN(page - at % page, STACK_MAX - size);

        pieces[count] = (struct iovec){(void *)(uintptr_t)at, piece}; // NOLINT
        at += piece;
        size += piece;
    }
    g_byte_array_set_size(stack, (guint)size);
    whole = (struct iovec){stack->data, size};
    ssize_t done = process_vm_readv(task->tid, &whole, 1, pieces, count, 0);

    /* Whole words. */
    g_byte_array_set_size(stack, done > 0 ? (guint)done & ~7U : 0);
}

static gboolean try(struct ct_spool_task *task, GByteArray *stack)
{
    g_autofree char *call = NULL;
    g_autofree char *before = look(task, &call);

    if (before == NULL)
        return TRUE;
    parse(call, task);
    if (task->stack_pointer == 0)
        return TRUE;
    read_stack(task, stack);
    g_autofree char *after = look(task, NULL);

    return g_strcmp0(before, after) == 0;
}

void ct_blocked_read(struct ct_spool_task *task, GByteArray *stack)
{
    for (int i = 0; i < TRIES; i++) {
        if (try(task, stack)) {
            task->stack_size = stack->len;
            return;
        }
        g_byte_array_set_size(stack, 0);
    }
    task->stack_pointer = task->instruction = 0;
}
