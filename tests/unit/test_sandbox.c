/* What is left to a process in a sandbox, and what is not. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of a test: "secret" in it can be read by its owner alone, "open" is for the sandbox. */
struct folder {
    char *path;     /* owned */
    char *secret;   /* owned */
    char *writable; /* owned */
};

static int set_up(void **state)
{
    struct folder *folder = g_new0(struct folder, 1);

    folder->path = g_dir_make_tmp("ctrace-sandbox-XXXXXX", NULL);
    folder->secret = g_build_filename(folder->path, "secret", NULL);
    folder->writable = g_build_filename(folder->path, "open", NULL);
    g_file_set_contents(folder->secret, "secret", -1, NULL);
    g_chmod(folder->secret, 0600);
    g_mkdir(folder->writable, 0700);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    g_autofree char *made = g_build_filename(folder->writable, "made", NULL);

    g_unlink(made);
    g_unlink(folder->secret);
    g_rmdir(folder->writable);
    g_rmdir(folder->path);
    g_free(folder->path);
    g_free(folder->secret);
    g_free(folder->writable);
    g_free(folder);
    return 0;
}

/* The wait status of a child that does this in a sandbox, which it enters after `prepare`, if that
 * is not NULL. Its exit status is what `attempt` returns. */
static int run_prepared(void (*prepare)(const struct folder *), const struct ct_sandbox *sandbox,
                        int (*attempt)(const struct folder *), const struct folder *folder)
{
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        if (prepare != NULL)
            prepare(folder);
        _exit(ct_sandbox_enter(sandbox, NULL) ? attempt(folder) : 99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int run(const struct ct_sandbox *sandbox, int (*attempt)(const struct folder *),
               const struct folder *folder)
{
    return run_prepared(NULL, sandbox, attempt, folder);
}

static void assert_exits_0(int status)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct ct_sandbox reader = {.has_threads = TRUE};

/* 0: it is refused. */
static int is_refused(long result)
{
    return result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS) ? 0 : 1;
}

static int try_exec(const struct folder *folder)
{
    (void)folder;
    return is_refused(execl("/bin/true", "true", NULL));
}

static int try_socket(const struct folder *folder)
{
    (void)folder;
    return is_refused(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_ptrace(const struct folder *folder)
{
    (void)folder;
    if (CT_HAS_SANITIZER)
        return 0;
    return is_refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int try_kill(const struct folder *folder)
{
    (void)folder;
    if (CT_HAS_SANITIZER)
        return 0;
    return is_refused(kill(getppid(), 0)) |
           is_refused(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int try_fork(const struct folder *folder)
{
    (void)folder;
    if (CT_HAS_SANITIZER)
        return 0;
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return is_refused(child);
}

static int try_mount(const struct folder *folder)
{
    (void)folder;
    return is_refused(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL)) |
           is_refused(syscall(SYS_unshare, 0));
}

static int try_typing(const struct folder *folder)
{
    (void)folder;
    return is_refused(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int try_more_memory(const struct folder *folder)
{
    (void)folder;
    const struct {
        uint64_t now, most;
    } limit = {UINT64_MAX, UINT64_MAX};

    return is_refused(syscall(SYS_prlimit64, 0, 2 /* RLIMIT_DATA */, &limit, NULL));
}

static int try_writing(const struct folder *folder)
{
    g_autofree char *made = g_build_filename(folder->writable, "made", NULL);

    return is_refused(open(folder->secret, O_WRONLY | O_CLOEXEC)) |
           is_refused(open(folder->secret, O_RDONLY | O_TRUNC | O_CLOEXEC)) |
           is_refused(open(made, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) |
           is_refused(unlink(folder->secret)) | is_refused(rename(folder->secret, made)) |
           is_refused(symlink("/", made)) | is_refused(chmod(folder->secret, 0666));
}

static void reader_is_refused(void **state)
{
    static int (*const attempts[])(const struct folder *) = {
        try_exec,  try_socket, try_ptrace,      try_kill,    try_fork,
        try_mount, try_typing, try_more_memory, try_writing,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(attempts); i++) {
        int status = run(&reader, attempts[i], *state);

        if (status != 0)
            print_error("attempt %zu: wait status %d\n", i, status);
        assert_exits_0(status);
    }
}

static int read_secret(const struct folder *folder)
{
    g_autofree char *text = NULL;

    return access(folder->secret, R_OK) == 0 &&
                   g_file_get_contents(folder->secret, &text, NULL, NULL) &&
                   strcmp(text, "secret") == 0
               ? 0
               : 1;
}

/* Also where root becomes another user. */
static void reader_reads_what_its_user_could_read(void **state)
{
    assert_exits_0(run(&reader, read_secret, *state));
}

static int is_root(const struct folder *folder)
{
    (void)folder;
    return geteuid() == 0 || getuid() == 0 || setresuid(0, 0, 0) == 0;
}

static void root_becomes_another_user(void **state)
{
    if (geteuid() != 0)
        skip();
    assert_exits_0(run(&reader, is_root, *state));
}

static void *stop(void *argument)
{
    return argument;
}

static int start_thread(const struct folder *folder)
{
    (void)folder;
    pthread_t thread;
    void *result = NULL;
    int name;

    if (pthread_create(&thread, NULL, stop, &name) != 0)
        return 1;
    pthread_join(thread, &result);
    return result == &name ? 0 : 1;
}

static void threads_start_where_they_are_needed(void **state)
{
    const struct ct_sandbox without = {.has_threads = FALSE};
    int status = run(&without, start_thread, *state);

    assert_exits_0(run(&reader, start_thread, *state));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static int abort_now(const struct folder *folder)
{
    (void)folder;
    abort();
}

/* An abort is told as one. */
static void abort_is_not_refused(void **state)
{
    int status = run(&reader, abort_now, *state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static int write_inside_alone(const struct folder *folder)
{
    g_autofree char *made = g_build_filename(folder->writable, "made", NULL);
    int inside = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (inside < 0 || write(inside, "x", 1) != 1 || fallocate(inside, 0, 0, 4096) != 0)
        return 1;
    close(inside);
    return 0;
}

static void writer_writes_below_its_folder(void **state)
{
    const struct folder *folder = *state;
    const struct ct_sandbox writer = {.writable = folder->writable};
    g_autofree char *made = g_build_filename(folder->writable, "made", NULL);
    struct stat status;

    assert_exits_0(run(&writer, write_inside_alone, folder));
    ct_sandbox_take_back(folder->writable);
    assert_int_equal(lstat(folder->writable, &status), 0);
    assert_int_equal(status.st_uid, geteuid());
    assert_int_equal(lstat(made, &status), 0);
    assert_int_equal(status.st_uid, geteuid());
}

static int write_outside(const struct folder *folder)
{
    g_autofree char *beside = g_build_filename(folder->path, "beside", NULL);

    return is_refused(open(folder->secret, O_WRONLY | O_CLOEXEC)) |
           is_refused(open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) |
           is_refused(unlink(folder->secret)) | is_refused(socket(AF_INET, SOCK_STREAM, 0)) |
           is_refused(execl("/bin/true", "true", NULL));
}

static void writer_writes_nowhere_else(void **state)
{
    const struct folder *folder = *state;
    const struct ct_sandbox writer = {.writable = folder->writable};

    /* Version 1 or later of Landlock; root does without, as it becomes another user. */
    if (geteuid() != 0 && syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1)
        skip();
    assert_exits_0(run(&writer, write_outside, folder));
}

/* Some user that is not root's, nor the sandbox's. */
#define USER 1234

/* A kernel without Landlock, and the folder's owner, who is no root. */
static void become_user_without_landlock(const struct folder *folder)
{
    const char *const paths[] = {folder->path, folder->secret, folder->writable};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    for (size_t i = 0; geteuid() == 0 && i < G_N_ELEMENTS(paths); i++)
        if (chown(paths[i], USER, USER) != 0)
            _exit(98);
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(USER, USER, USER) != 0 ||
                           setresuid(USER, USER, USER) != 0))
        _exit(98);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_landlock_create_ruleset, 0);
    if (seccomp_load(filter) != 0)
        _exit(98);
    seccomp_release(filter);
}

static void nothing_is_written_where_nothing_keeps_it_to_a_folder(void **state)
{
    const struct folder *folder = *state;
    const struct ct_sandbox writer = {.writable = folder->writable};

    assert_exits_0(run_prepared(become_user_without_landlock, &writer, try_writing, folder));
}

static void a_writer_that_must_writes_there_as_well(void **state)
{
    const struct folder *folder = *state;
    const struct ct_sandbox writer = {.writable = folder->writable, .must_write = TRUE};

    assert_exits_0(run_prepared(become_user_without_landlock, &writer, write_inside_alone, folder));
}

static void write_line(pid_t pid, const char *file, const char *line)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        _exit(97);
    close(fd);
}

/* Root of a user namespace that has all users, and that must keep its groups. */
static void enter_namespace_without_setgroups(const struct folder *folder)
{
    pid_t self = getpid();
    int go[2], status;
    char byte = 0;

    (void)folder;
    if (pipe(go) != 0)
        _exit(98);
    pid_t outside = fork();
    if (outside == 0) {
        if (read(go[0], &byte, 1) != 1)
            _exit(97);
        write_line(self, "setgroups", "deny");
        write_line(self, "uid_map", "0 0 65536");
        write_line(self, "gid_map", "0 0 65536");
        _exit(0);
    }
    if (unshare(CLONE_NEWUSER) != 0 || write(go[1], &byte, 1) != 1 ||
        waitpid(outside, &status, 0) != outside || status != 0)
        _exit(98);
}

static void root_that_must_keep_its_groups_keeps_its_folder(void **state)
{
    const struct folder *folder = *state;
    const struct ct_sandbox writer = {.writable = folder->writable};
    struct stat status;

    if (geteuid() != 0)
        skip();
    int result =
        run_prepared(enter_namespace_without_setgroups, &writer, write_inside_alone, folder);
    if (WIFEXITED(result) && WEXITSTATUS(result) == 98) /* there are no such namespaces here */
        skip();
    assert_exits_0(result);
    assert_int_equal(lstat(folder->writable, &status), 0);
    assert_int_equal(status.st_uid, 0);
}

static int take_memory(const struct folder *folder)
{
    (void)folder;
    /* What is mapped from a file or for reading alone is no matter. */
    void *mapped =
        mmap(NULL, (size_t)1 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *allocated = mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return mapped != MAP_FAILED && allocated == MAP_FAILED && errno == ENOMEM ? 0 : 1;
}

static void memory_is_bounded(void **state)
{
    if (CT_HAS_SANITIZER)
        skip();
    const struct ct_sandbox small = {.memory_bytes = 256 << 20};

    assert_exits_0(run(&small, take_memory, *state));
}

static int turn_in_circles(const struct folder *folder)
{
    (void)folder;
    ct_sandbox_allow_cpu(1);
    for (volatile int turning = 1; turning;)
        ;
    return 0;
}

static void cpu_without_progress_is_bounded(void **state)
{
    int status = run(&reader, turn_in_circles, *state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPROF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reader_is_refused),
        TEST(reader_reads_what_its_user_could_read),
        TEST(root_becomes_another_user),
        TEST(threads_start_where_they_are_needed),
        TEST(abort_is_not_refused),
        TEST(writer_writes_below_its_folder),
        TEST(writer_writes_nowhere_else),
        TEST(nothing_is_written_where_nothing_keeps_it_to_a_folder),
        TEST(a_writer_that_must_writes_there_as_well),
        TEST(root_that_must_keep_its_groups_keeps_its_folder),
        TEST(memory_is_bounded),
        TEST(cpu_without_progress_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
