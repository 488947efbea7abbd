/* What a process that hangs is doing, told by its parent: on one descriptor, by lines. */
#ifndef CTRACE_TEST_STUCK_H
#define CTRACE_TEST_STUCK_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STUCK_LOOKS = 3, STUCK_WORDS = 1024 };

/* A file of the process in /proc, on lines that begin with its name. */
static void stuck_print_file(int out, pid_t pid, const char *name)
{
    char path[64], text[4096], *rest = text;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        dprintf(out, "stuck: %s: %s\n", name, line);
}

/* Prints where in which mapped code the address is; nothing of one that is in none. */
static void stuck_print_code(int out, pid_t pid, const char *what, uint64_t address)
{
    char path[64], line[512], flags[8], name[256];
    uint64_t begin, end, offset;

    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "r");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        name[0] = '\0';
        if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &begin, &end, flags, &offset, name) >=
                4 &&
            address >= begin && address < end && flags[2] == 'x')
            dprintf(out, "stuck: %s: %s+0x%lx\n", what, name, address - begin + offset);
    }
    if (maps != NULL)
        fclose(maps);
}

#if defined(__x86_64__)
/* Its registers, and what on its stack may be return addresses. It goes on afterwards. */
static void stuck_print_stack(int out, pid_t pid)
{
    struct user_regs_struct registers;
    struct iovec all = {&registers, sizeof(registers)};
    uint64_t words[STUCK_WORDS];

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, NULL, __WALL) != pid ||
        ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &all) != 0) {
        dprintf(out, "stuck: registers: %s\n", strerror(errno));
        return;
    }
    dprintf(out, "stuck: rip 0x%llx, rsp 0x%llx, orig_rax %lld\n", registers.rip, registers.rsp,
            registers.orig_rax);
    stuck_print_code(out, pid, "at", registers.rip);
    struct iovec from = {(void *)registers.rsp, sizeof(words)}, to = {words, sizeof(words)};
    ssize_t size = process_vm_readv(pid, &to, 1, &from, 1, 0);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof(words[0]); i++)
        stuck_print_code(out, pid, "stack", words[i]);
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
}
#else
static void stuck_print_stack(int out, pid_t pid)
{
    (void)out;
    (void)pid;
}
#endif

static void stuck_tell(int out, pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 200000000};

    for (int i = 0; i < STUCK_LOOKS; i++) {
        stuck_print_file(out, pid, "stat");
        stuck_print_file(out, pid, "syscall");
        stuck_print_file(out, pid, "wchan");
        stuck_print_file(out, pid, "stack");
        nanosleep(&pause, NULL);
    }
    stuck_print_stack(out, pid);
    stuck_print_file(out, pid, "stat");
}

#endif
