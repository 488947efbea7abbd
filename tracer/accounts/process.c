#include "process.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Which system calls its numbers are of, by the file that it executes. */
static enum ct_syscall_abi find_abi(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/exe", ct_proc_find_living(pid));
    unsigned char ident[EI_NIDENT] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return CT_SYSCALL_ABI_OWN;
    ssize_t size = read(fd, ident, sizeof(ident));
    close(fd);
    return size == (ssize_t)sizeof(ident) && sizeof(void *) == 8 && ident[EI_CLASS] == ELFCLASS32
               ? CT_SYSCALL_ABI_32_BIT
               : CT_SYSCALL_ABI_OWN;
}

struct ct_account_process *ct_account_process_new(pid_t pid)
{
    struct ct_account_process *process;
    struct ct_proc_stat stat;

    if (!ct_proc_read_stat(pid, pid, &stat))
        return NULL;
    process = g_new0(struct ct_account_process, 1);
    process->pid = pid;
    process->is_left_out = stat.is_kernel_thread || pid == getpid();
    process->fds = ct_account_fds_new(pid);
    if (!process->is_left_out)
        ct_account_process_rename(process, stat.name);
    return process;
}

void ct_account_process_free(struct ct_account_process *process)
{
    ct_account_fds_free(process->fds);
    g_free(process);
}

void ct_account_process_rename(struct ct_account_process *process, const char *name)
{
    g_strlcpy(process->name, name, sizeof(process->name));
    process->names++;
    process->abi = find_abi(process->pid);
}
