/*
 * What a program may do to itself, or be, with and without ctrace: it checks itself and exits 0.
 * Each part is in a process of its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#undef NDEBUG
#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
            _exit(1);                                                                     \
        }                                                                                 \
    } while (0)

static void sleep_us(long us)
{
    struct timespec time = {.tv_nsec = us * 1000};

    nanosleep(&time, NULL);
}

/* Reads, writes and waits on what needs a new look: a pipe that nobody has used yet. */
static void use_a_pipe(void)
{
    int fds[2];
    char byte;

    CHECK(pipe(fds) == 0);
    CHECK(write(fds[1], "x", 1) == 1);
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
    CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
}

/* ---- Threads by the thousand. ---- */

#define THREADS   10000
#define AT_A_TIME 50

static atomic_int ended;

static void *live_shortly(void *unused)
{
    sleep_us(50);
    ended++;
    return unused;
}

static void ten_thousand_threads_come_and_go(void)
{
    pthread_t threads[AT_A_TIME];

    for (int i = 0; i < THREADS; i += AT_A_TIME) {
        for (int k = 0; k < AT_A_TIME; k++)
            CHECK(pthread_create(&threads[k], NULL, live_shortly, NULL) == 0);
        for (int k = 0; k < AT_A_TIME; k++)
            CHECK(pthread_join(threads[k], NULL) == 0);
    }
    CHECK(ended == THREADS);
}

/* ---- Threads that nobody told the C library about. ---- */

static int live_as_clone(void *fds)
{
    return syscall(SYS_write, ((int *)fds)[1], "x", 1) == 1 ? 0 : 1;
}

/* Of the kind that shares nothing: one that shares memory has no thread data to call libc with. Its
 * stack is no larger than some programs make it. */
static void a_cloned_process_runs(void)
{
    static char stack[4096] __attribute__((aligned(16)));
    int fds[2];
    int status;

    CHECK(pipe(fds) == 0);
    pid_t child = clone(live_as_clone, stack + sizeof(stack), SIGCHLD, fds);
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- Little room. ---- */

static void *wait_on_a_small_stack(void *unused)
{
    sleep_us(100);
    use_a_pipe();
    return unused;
}

static void the_smallest_stack_is_enough(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    for (int i = 0; i < 40; i++) {
        CHECK(pthread_create(&thread, &attributes, wait_on_a_small_stack, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

/* Enough for the calls themselves. */
#define LITTLE_STACK 1536

/* Goes down until there is little left, and waits there: at places that are known and that are not.
 */
static __attribute__((noinline)) int wait_at_the_end(const char *end, int depth)
{
    volatile char frame[128];

    frame[0] = (char)depth;
    if ((char *)__builtin_frame_address(0) - end > LITTLE_STACK)
        return wait_at_the_end(end, depth + 1) + frame[0];
    for (int i = 0; i < 40; i++) {
        use_a_pipe();
        sleep_us(20);
    }
    return frame[0];
}

static void *use_up_a_stack(void *end)
{
    wait_at_the_end(end, 0);
    use_a_pipe();
    return NULL;
}

static void an_almost_used_up_stack_is_enough(void)
{
    enum { SIZE = 1 << 18, PAGE = 4096 };
    pthread_attr_t attributes;
    pthread_t thread;
    char *stack = aligned_alloc(PAGE, SIZE);

    CHECK(stack != NULL && mprotect(stack, PAGE, PROT_NONE) == 0);
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstack(&attributes, stack + PAGE, SIZE - PAGE) == 0);
    CHECK(pthread_create(&thread, &attributes, use_up_a_stack, stack + PAGE) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* The same of the main thread's, which ends where the kernel says. */
static void an_almost_used_up_main_stack_is_enough(void)
{
    enum { PAGE = 4096 };
    struct rlimit limit;
    unsigned long top = (getauxval(AT_EXECFN) / PAGE + 1) * PAGE;

    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
    if (limit.rlim_cur < (1UL << 30))
        use_up_a_stack((char *)(top - limit.rlim_cur));
}

static volatile sig_atomic_t handled;

static void wait_in_handler(int signal)
{
    (void)signal;
    sleep_us(100);
    handled++;
}

static void a_handler_waits_on_its_own_stack(void)
{
    stack_t stack = {.ss_size = (size_t)sysconf(_SC_SIGSTKSZ)};
    struct sigaction action = {.sa_handler = wait_in_handler, .sa_flags = SA_ONSTACK};

    stack.ss_sp = malloc(stack.ss_size);
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    for (int i = 0; i < 40; i++)
        raise(SIGUSR1);
    CHECK(handled == 40);
}

static void few_descriptors_are_enough(void)
{
    struct rlimit limit = {.rlim_cur = 16, .rlim_max = 16};
    int fds[16];
    int count = 0;

    for (int fd = 3; fd < 16; fd++)
        close(fd); /* the test runner may have left us some */
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (count < 16 && (fds[count] = open("/dev/null", O_RDONLY)) >= 0)
        count++;
    CHECK(errno == EMFILE && count == 16 - 3);
    for (int i = 0; i < count; i++)
        CHECK(close(fds[i]) == 0);
    use_a_pipe();
}

static void no_memory_is_no_crash(void)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = 1 << 20; /* less than it has: every further mapping fails */
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    use_a_pipe();
    sleep_us(100);
}

/* ---- Another place, another user, fewer rights. ---- */

static void another_root_is_no_crash(void)
{
    char path[] = "/tmp/ctrace-root-XXXXXX";

    if (geteuid() != 0)
        return;
    CHECK(mkdtemp(path) != NULL);
    CHECK(chroot(path) == 0 && chdir("/") == 0);
    use_a_pipe();
    pid_t child = fork();
    if (child == 0) {
        use_a_pipe();
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void another_user_is_no_crash(void)
{
    if (geteuid() != 0)
        return;
    CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    use_a_pipe();
    pid_t child = fork();
    if (child == 0) {
        use_a_pipe();
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* What daemon() leaves behind ends; the daemon itself has work to do, and says when it has. */
static void a_daemon_runs(void)
{
    int fds[2];
    char byte = 0;

    CHECK(pipe(fds) == 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t before = getpid();
        CHECK(daemon(0, 0) == 0);
        CHECK(getpid() != before && getsid(0) != before);
        for (int fd = 0; fd <= 2; fd++)
            CHECK(fcntl(fd, F_GETFD) == 0);
        use_a_pipe();
        sleep_us(100);
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, live_shortly, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(write(fds[1], "x", 1) == 1);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(fds[1]);
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
}

/* Whoever makes another call than these is killed. */
static void seccomp_is_respected(void)
{
    static const int allowed[] = {SYS_read, SYS_write, SYS_exit_group, SYS_exit, SYS_rt_sigreturn};
    enum { COUNT = sizeof allowed / sizeof *allowed };
    struct sock_filter filter[2 * COUNT + 2];
    struct sock_fprog program = {.len = 2 * COUNT + 2, .filter = filter};
    int fds[2];
    char byte;

    CHECK(pipe(fds) == 0);
    filter[0] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT; i++) {
        filter[1 + 2 * i] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1);
        filter[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[2 * COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    for (int i = 0; i < 100; i++) {
        CHECK(write(fds[1], "x", 1) == 1);
        CHECK(read(fds[0], &byte, 1) == 1);
    }
    _exit(0);
}

/* ---- Libraries that come and go. ---- */

static void libraries_come_and_go(void)
{
    for (int i = 0; i < 20; i++) {
        void *library = dlopen(getenv("CTRACE_TEST_LIBRARY"), RTLD_NOW);

        CHECK(library != NULL);
        void (*wait_a_little)(void) = (void (*)(void))dlsym(library, "library_wait");
        CHECK(wait_a_little != NULL);
        wait_a_little();
        CHECK(dlclose(library) == 0);
        sleep_us(10);
    }
}

/* ---- Before main and after it. ---- */

static int initialized, constructed;
static pthread_mutex_t early_lock = PTHREAD_MUTEX_INITIALIZER;

/* Before the constructor of any library, ours too. */
static void wait_before_constructors(void)
{
    use_a_pipe();
    sleep_us(100);
    CHECK(pthread_mutex_lock(&early_lock) == 0 && pthread_mutex_unlock(&early_lock) == 0);
    initialized = 1;
}

static void (*const first_of_all)(void)
    __attribute__((section(".preinit_array"), used)) = wait_before_constructors;

static __attribute__((constructor)) void wait_before_main(void)
{
    use_a_pipe();
    sleep_us(100);
    constructed = 1;
}

static void wait_after_main(void)
{
    use_a_pipe();
    sleep_us(100);
    _exit(7);
}

static void waits_before_and_after_main_return(void)
{
    CHECK(initialized && constructed);
    atexit(wait_after_main);
    exit(1);
}

static const struct {
    const char *name;
    void (*run)(void);
    int status;
} parts[] = {
    {"ten_thousand_threads_come_and_go", ten_thousand_threads_come_and_go, 0},
    {"a_cloned_process_runs", a_cloned_process_runs, 0},
    {"the_smallest_stack_is_enough", the_smallest_stack_is_enough, 0},
    {"an_almost_used_up_stack_is_enough", an_almost_used_up_stack_is_enough, 0},
    {"an_almost_used_up_main_stack_is_enough", an_almost_used_up_main_stack_is_enough, 0},
    {"a_handler_waits_on_its_own_stack", a_handler_waits_on_its_own_stack, 0},
    {"few_descriptors_are_enough", few_descriptors_are_enough, 0},
    {"no_memory_is_no_crash", no_memory_is_no_crash, 0},
    {"another_root_is_no_crash", another_root_is_no_crash, 0},
    {"another_user_is_no_crash", another_user_is_no_crash, 0},
    {"a_daemon_runs", a_daemon_runs, 0},
    {"seccomp_is_respected", seccomp_is_respected, 0},
    {"libraries_come_and_go", libraries_come_and_go, 0},
    {"waits_before_and_after_main_return", waits_before_and_after_main_return, 7},
};

int main(int argc, char **argv)
{
    int failures = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int status;

        if (argc > 1 && strcmp(argv[1], parts[i].name) != 0)
            continue;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            parts[i].run();
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != parts[i].status) {
            printf("%s: wait status 0x%x\n", parts[i].name, status);
            failures++;
        }
    }
    if (failures == 0)
        puts("behaves");
    return failures != 0;
}
