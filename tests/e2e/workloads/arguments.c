/*
 * Makes each call that ctrace hooks with each of its pointers NULL, unmapped, half mapped,
 * read-only, or with a hole, in a child process each, and prints what came of it: what was returned
 * and errno, the exit status, or the signal. Recorded, it must print the same.
 *
 *   arguments names    prints the names of the functions that it knows
 *   arguments          makes the calls
 */
#include "stuck.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS 8
#define PAGE      4096
#define HANG_S    60 /* none does; and on a busy machine much may come in between */
#define STUCK_S   30 /* it is told what a child does that lives so long */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* ---- What the calls are made on. ---- */

/* Descriptors, by fixed numbers: both runs have the same. Below are those that a call makes. */
enum {
    PIPE_OUT = 100, /* with bytes in it */
    PIPE_IN,
    SOCKET, /* with bytes in it */
    SOCKET_PEER,
    LISTENER, /* with a connection that is not accepted */
    CLIENT,
    UNCONNECTED,
    EPOLL, /* with an event */
    EVENT, /* of count 1 */
    QUEUE, /* with a message */
    FILE_FD,
    NULL_FD,
    DIRECTORY,
    RESULTS,
    COMPLAINTS,
    UNUSED
};

static char bytes[16], text[64] = "text", name_buffer[64], template[] = "/nowhere/XXXXXX";
static struct iovec parts[2] = {{bytes, 4}, {bytes + 4, 4}};
static struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
static struct mmsghdr messages[2] = {{{.msg_iov = parts, .msg_iovlen = 1}, 0}};
static struct sockaddr_un unix_address = {AF_UNIX, "/nowhere/socket"};
static struct sockaddr_in inet_address = {.sin_family = AF_INET};
static socklen_t address_size = sizeof(unix_address);
static struct pollfd polled = {PIPE_OUT, POLLIN, 0}, many_polled[2048];
static fd_set selected;
static struct {
    uint64_t bits[8192];
} large_set;
static struct timeval short_time = {0, 1000};
static struct timespec moment = {0, 1000}, past = {1, 0}, rest;
static sigset_t no_signals, one_signal;
static siginfo_t signal_info;
static struct epoll_event epoll_event = {EPOLLIN, {0}};
static eventfd_t event_count = 1;
static int number, status, pair[2], c11_value;
static off64_t offset;
static struct rusage usage;
static struct flock file_lock = {.l_type = F_RDLCK};
static struct sembuf operations[2] = {{0, 1, 0}, {0, -1, 0}}, many_operations[2048];
static struct {
    long type;
    char text[8];
} queued = {1, "text"};
static unsigned priority;
static struct {
    uint64_t value, address;
    uint32_t flags, reserved;
} futex_waiters[2] = {{1, 0, 2, 0}, {1, 0, 2, 0}}; /* 32 bits wide, and of another value */
static uint32_t futex;
static struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *addresses;
static struct hostent host, *found_host;
static struct in_addr address;
static char host_buffer[1024];
static size_t line_size;
static char *line;
static void *value;
static char values[64]; /* none, as a va_list */
static pid_t child;
static char *arguments[] = {"true", NULL};
static char *environment[] = {"A=b", "LD_PRELOAD=", NULL};
static posix_spawnattr_t attributes;
static posix_spawn_file_actions_t actions;
static pthread_attr_t thread_attributes;
static pthread_t thread;
static pthread_key_t key;
static thrd_t c11_thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spinlock;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag c11_once = ONCE_FLAG_INIT;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static sem_t semaphore;
static struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static struct sock_fprog program = {1, filter};
static struct rlimit limit, limit_before;
static struct __user_cap_header_struct capability_header = {.version = _LINUX_CAPABILITY_VERSION_3};
static struct __user_cap_data_struct capabilities[2];

/* Of run time. */
static long semaphores, message_queue, own_thread, joined_thread;
static void *reader, *writer, *piped, *directory, *standard_input;

static _Atomic pid_t thread_id;

static void *end_at_once(void *argument)
{
    thread_id = gettid();
    return argument;
}

static int end_c11_at_once(void *argument)
{
    (void)argument;
    thread_id = gettid();
    return 0;
}

static void await_end(void)
{
    while (thread_id == 0 || tgkill(getpid(), thread_id, 0) == 0)
        sched_yield();
}

static void do_nothing(void)
{
}

/* ---- What a call needs done before, in the child. ---- */

static void make_thread(void)
{
    pthread_create(&thread, NULL, end_at_once, NULL);
    joined_thread = (long)thread;
    await_end();
}

static void make_c11_thread(void)
{
    thrd_create(&c11_thread, end_c11_at_once, NULL);
    joined_thread = (long)c11_thread;
    await_end();
}

static void make_signal(void)
{
    sigprocmask(SIG_BLOCK, &one_signal, NULL);
    kill(getpid(), SIGUSR1);
}

static void ignore(int signal_number)
{
    (void)signal_number;
}

static void make_pending_signal(void)
{
    signal(SIGUSR1, ignore);
    make_signal();
}

static void make_child(void)
{
    child = fork();
    if (child == 0)
        _exit(3);
}

static void *wake_all(void *argument)
{
    for (;;) {
        usleep(1000);
        pthread_cond_broadcast(argument);
    }
    return NULL;
}

static void make_waker(void)
{
    pthread_mutex_lock(&mutex);
    pthread_create(&thread, NULL, wake_all, &condition);
}

static void make_c11_waker(void)
{
    mtx_lock(&c11_mutex);
    pthread_create(&thread, NULL, wake_all, &c11_condition);
}

static void lock_all(void)
{
    pthread_mutex_lock(&mutex);
    pthread_rwlock_rdlock(&rwlock);
    pthread_spin_lock(&spinlock);
    mtx_lock(&c11_mutex);
}

static void open_streams(void)
{
    reader = fopen("/dev/zero", "r");
    writer = fopen("/dev/null", "w");
}

static void open_pipe(void)
{
    piped = popen("exit 3", "r");
}

static void open_directory(void)
{
    directory = opendir("/");
}

static void forbid_privileges(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* ---- The calls. ---- */

struct argument {
    enum {
        VALUE,   /* as it is */
        NUMBER,  /* a long, of run time */
        POINTER, /* to `object` */
        LOCK,    /* the same, to one of the C library's objects */
        OPAQUE   /* a pointer, of run time */
    } kind;
    uintptr_t value;
    const void *object;
    size_t size;
};

enum result { INT, LONG, ADDRESS, PROCESS, VOID };

static const struct call {
    const char *name;
    enum result result;
    void (*prepare)(void);
    struct argument arguments[ARGUMENTS];
} calls[] = {
/* clang-format off: it takes the braces for blocks */
#define V(number)                           \
    {                                       \
        VALUE, (uintptr_t)(number), NULL, 0 \
    }
#define N(variable)               \
    {                             \
        NUMBER, 0, &(variable), 0 \
    }
#define P(variable)                               \
    {                                             \
        POINTER, 0, &(variable), sizeof(variable) \
    }
#define S(string)                            \
    {                                        \
        POINTER, 0, (string), sizeof(string) \
    }
#define L(variable)                                          \
    {                                                        \
        LOCK, 0, (const void *)&(variable), sizeof(variable) \
    }
#define O(variable)               \
    {                             \
        OPAQUE, 0, &(variable), 0 \
    }
#define CALL_AFTER(name, result, prepare, ...) {#name, result, prepare, {__VA_ARGS__}},
#define CALL(name, result, ...)                CALL_AFTER(name, result, NULL, __VA_ARGS__)
/* clang-format on */
#include "arguments_table.h"
};

/* They have no pointers that anybody looks at, or never return. */
static const char *const others[] = {"__pthread_getspecific",
                                     "__pthread_setspecific",
                                     "pthread_getspecific",
                                     "pthread_setspecific",
                                     "pthread_key_delete",
                                     "tss_delete",
                                     "tss_get",
                                     "tss_set",
                                     "mlockall",
                                     "dlclose",
                                     "_Exit",
                                     "_exit",
                                     "exit",
                                     "close",
                                     "close_range",
                                     "closefrom",
                                     "daemon",
                                     "dup",
                                     "dup2",
                                     "dup3",
                                     "epoll_create",
                                     "epoll_create1",
                                     "eventfd",
                                     "eventfd_write",
                                     "fallocate",
                                     "fallocate64",
                                     "fdatasync",
                                     "flock",
                                     "fork",
                                     "fsync",
                                     "ftruncate",
                                     "ftruncate64",
                                     "getchar",
                                     "getchar_unlocked",
                                     "inotify_init",
                                     "inotify_init1",
                                     "lockf",
                                     "lockf64",
                                     "mq_close",
                                     "pause",
                                     "posix_fallocate",
                                     "posix_fallocate64",
                                     "putchar",
                                     "putchar_unlocked",
                                     "setfsuid",
                                     "setns",
                                     "setresuid",
                                     "setreuid",
                                     "seteuid",
                                     "setuid",
                                     "sleep",
                                     "socket",
                                     "sync",
                                     "sync_file_range",
                                     "syncfs",
                                     "tee",
                                     "timerfd_create",
                                     "tmpfile",
                                     "tmpfile64",
                                     "unshare",
                                     "usleep"};

/* ---- Bad memory. ---- */

enum badness { GOOD, NULL_POINTER, UNMAPPED, HALF_MAPPED, READ_ONLY, WITH_HOLE, BADNESSES };

static const char *const badness_names[] = {"good", "NULL",      "unmapped",
                                            "half", "read-only", "hole"};

/* Pages that end where a page begins that nobody may touch; `size` bytes of them hold `object`. */
static char *make_memory(const void *object, size_t size, size_t copied)
{
    size_t pages = (size + PAGE - 1) / PAGE * PAGE;
    char *memory =
        mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        _exit(99);
    mprotect(memory + pages, PAGE, PROT_NONE);
    char *at = memory + pages - copied;
    memcpy(at, object, copied);
    return at;
}

static uintptr_t make_bad(const void *object, size_t size, enum badness badness)
{
    char *at;

    switch (badness) {
    case NULL_POINTER:
        return 0;
    case UNMAPPED:
        return 16;
    case HALF_MAPPED:
        return (uintptr_t)make_memory(object, size, size / 2);
    case READ_ONLY:
        at = make_memory(object, size, size);
        mprotect(at - (uintptr_t)at % PAGE, (uintptr_t)at % PAGE + size, PROT_READ);
        return (uintptr_t)at;
    default: /* a page in the middle of three or more */
        at = make_memory(object, size, size);
        mprotect(at + PAGE - (uintptr_t)at % PAGE + PAGE, PAGE, PROT_NONE);
        return (uintptr_t)at;
    }
}

static uintptr_t evaluate(const struct argument *argument, enum badness badness)
{
    switch (argument->kind) {
    case VALUE:
        return argument->value;
    case NUMBER:
        return (uintptr_t) * (const long *)argument->object;
    case POINTER:
    case LOCK:
        return badness == GOOD ? (uintptr_t)argument->object
                               : make_bad(argument->object, argument->size, badness);
    default:
        return badness == GOOD
                   ? *(const uintptr_t *)argument->object
                   : make_bad(*(void *const *)argument->object, argument->size, badness);
    }
}

/* ---- Descriptors: each child has its own. ---- */

static void place(int fd, int at)
{
    dup2(fd, at);
    if (fd != at)
        close(fd);
}

static void make_sockets(void)
{
    struct sockaddr_un none = {.sun_family = AF_UNIX};
    struct sockaddr_un own;
    socklen_t size = sizeof(own);
    int fds[2];

    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    place(fds[0], SOCKET);
    place(fds[1], SOCKET_PEER);
    send(SOCKET_PEER, bytes, sizeof(bytes), 0);
    place(socket(AF_UNIX, SOCK_STREAM, 0), LISTENER);
    place(socket(AF_UNIX, SOCK_STREAM, 0), CLIENT);
    /* By a name of the kernel's. */
    if (bind(LISTENER, (struct sockaddr *)&none, sizeof(sa_family_t)) != 0 ||
        listen(LISTENER, 8) != 0 || getsockname(LISTENER, (struct sockaddr *)&own, &size) != 0 ||
        connect(CLIENT, (struct sockaddr *)&own, size) != 0)
        abort();
    place(socket(AF_UNIX, SOCK_STREAM, 0), UNCONNECTED);
}

static void make_fds(void)
{
    struct mq_attr attributes_of_queue = {.mq_maxmsg = 2, .mq_msgsize = 8};
    char queue_name[32];
    int fds[2];

    FD_ZERO(&selected);
    FD_SET(PIPE_OUT, &selected);
    close_range(STDERR_FILENO + 1, PIPE_OUT - 1, 0); /* what the call before has left */
    if (pipe(fds) != 0)
        exit(99);
    place(fds[0], PIPE_OUT);
    place(fds[1], PIPE_IN);
    if (write(PIPE_IN, bytes, sizeof(bytes)) != sizeof(bytes))
        exit(99);
    make_sockets();
    place(epoll_create1(0), EPOLL);
    epoll_ctl(EPOLL, EPOLL_CTL_ADD, PIPE_OUT, &epoll_event);
    place(eventfd(1, 0), EVENT);
    snprintf(queue_name, sizeof(queue_name), "/arguments-%d", getpid());
    place(mq_open(queue_name, O_RDWR | O_CREAT, 0600, &attributes_of_queue), QUEUE);
    mq_unlink(queue_name);
    mq_send(QUEUE, bytes, 8, 0);
    place(memfd_create("file", 0), FILE_FD);
    if (write(FILE_FD, bytes, sizeof(bytes)) != sizeof(bytes))
        exit(99);
    place(open("/", O_RDONLY | O_DIRECTORY), DIRECTORY);
}

/* ---- The cases, of which a child makes as many as it survives. ---- */

struct outcome {
    enum { NOT_BEGUN, BEGUN, RETURNED, SIGNALLED, EXITED } how;
    long result; /* or the signal, or the status */
    int error;
};

#define CASES_MAX 4096

static struct {
    const struct call *call;
    size_t bad;
    enum badness badness;
} cases[CASES_MAX];

static size_t case_count;

static struct outcome *outcomes; /* of each case; shared with the children */

static void make_call(size_t index)
{
    const struct call *call = cases[index].call;
    struct outcome *outcome = &outcomes[index];
    uintptr_t a[ARGUMENTS];
    long (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                     uintptr_t);

    *(void **)&function = dlsym(RTLD_DEFAULT, call->name);
    alarm(HANG_S);
    make_fds();
    if (call->prepare != NULL)
        call->prepare();
    for (size_t i = 0; i < ARGUMENTS; i++)
        a[i] = evaluate(&call->arguments[i], i == cases[index].bad ? cases[index].badness : GOOD);
    outcome->how = BEGUN;
    errno = 0;
    long result = function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    outcome->error = errno;
    outcome->result = call->result == INT       ? (int)result
                      : call->result == LONG    ? result
                      : call->result == ADDRESS ? result != 0
                      : call->result == PROCESS ? ((int)result > 0 ? 1 : (int)result)
                                                : 0;
    outcome->how = RETURNED;
}

/* It leaves behind more than descriptors. */
static int is_alone(const struct call *call)
{
    for (size_t i = 0; i < ARGUMENTS; i++)
        if (call->arguments[i].kind == OPAQUE || call->arguments[i].kind == LOCK)
            return 1;
    return call->prepare != NULL;
}

/* In a child: cases from `index` on. */
static void make_calls(size_t index)
{
    static const struct rlimit no_core;

    setrlimit(RLIMIT_CORE, &no_core);
    do
        make_call(index);
    while (!is_alone(cases[index].call) && ++index < case_count && !is_alone(cases[index].call));
    _exit(0);
}

/* Until the child is over. */
static void await(pid_t pid, int *end)
{
    const struct sigaction interrupt = {.sa_handler = ignore};

    sigaction(SIGALRM, &interrupt, NULL);
    alarm(STUCK_S);
    while (waitpid(pid, end, 0) < 0 && errno == EINTR)
        stuck_tell(COMPLAINTS, pid);
    alarm(0);
    signal(SIGALRM, SIG_DFL);
}

/* In a child; gives the first case that is left. */
static size_t try_some(size_t index)
{
    int end;
    pid_t pid = fork();

    if (pid == 0)
        make_calls(index);
    await(pid, &end);
    while (index < case_count && outcomes[index].how == RETURNED)
        index++;
    if (index == case_count || (outcomes[index].how == NOT_BEGUN && !WIFSIGNALED(end)))
        return index;
    outcomes[index].how = WIFSIGNALED(end) ? SIGNALLED : EXITED;
    outcomes[index].result = WIFSIGNALED(end) ? WTERMSIG(end) : WEXITSTATUS(end);
    return index + 1;
}

static void print_outcomes(void)
{
    for (size_t i = 0; i < case_count; i++) {
        const struct outcome *outcome = &outcomes[i];

        dprintf(RESULTS, "%s, argument %zu %s: ", cases[i].call->name, cases[i].bad,
                badness_names[cases[i].badness]);
        if (outcome->how == RETURNED)
            dprintf(RESULTS, "%ld, errno %d\n", outcome->result, outcome->error);
        else
            dprintf(RESULTS, "%s %ld\n", outcome->how == SIGNALLED ? "signal" : "exit",
                    outcome->result);
    }
}

/* The C library looks where it likes in what is its own. */
static int is_sensible(const struct argument *argument, enum badness badness)
{
    if (argument->kind == VALUE || argument->kind == NUMBER)
        return 0;
    if (argument->kind == OPAQUE || argument->kind == LOCK)
        return badness == NULL_POINTER || badness == UNMAPPED;
    return badness != WITH_HOLE || argument->size >= 3 * PAGE;
}

static void add_case(const struct call *call, size_t bad, enum badness badness)
{
    if (case_count == CASES_MAX)
        exit(99);
    cases[case_count].call = call;
    cases[case_count].bad = bad;
    cases[case_count++].badness = badness;
}

static void list_cases(void)
{
    for (const struct call *call = calls; call < calls + COUNT(calls); call++) {
        add_case(call, 0, GOOD);
        for (size_t i = 0; i < ARGUMENTS; i++)
            for (enum badness badness = NULL_POINTER; badness < BADNESSES; badness++)
                if (is_sensible(&call->arguments[i], badness))
                    add_case(call, i, badness);
    }
}

/* ---- Setting up. ---- */

static void make_objects(void)
{
    sigemptyset(&no_signals);
    sigemptyset(&one_signal);
    sigaddset(&one_signal, SIGUSR1);
    large_set.bits[PIPE_OUT / 64] |= UINT64_C(1) << PIPE_OUT % 64;
    for (size_t i = 0; i < COUNT(many_polled); i++)
        many_polled[i] = polled;
    inet_address.sin_addr.s_addr = address.s_addr = htonl(INADDR_LOOPBACK);
    futex_waiters[0].address = futex_waiters[1].address = (uintptr_t)&futex;
    pthread_attr_init(&thread_attributes);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
    pthread_barrier_init(&barrier, NULL, 1);
    mtx_init(&c11_mutex, mtx_timed);
    cnd_init(&c11_condition);
    sem_init(&semaphore, 0, 1);
    semaphores = semget(IPC_PRIVATE, 1, 0600);
    message_queue = msgget(IPC_PRIVATE, 0600);
    own_thread = (long)pthread_self();
    standard_input = stdin;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "names") == 0) {
        for (size_t i = 0; i < COUNT(calls); i++)
            puts(calls[i].name);
        for (size_t i = 0; i < COUNT(others); i++)
            puts(others[i]);
        return 0;
    }
    list_cases();
    outcomes = mmap(NULL, CASES_MAX * sizeof(*outcomes), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    dup2(STDOUT_FILENO, RESULTS);
    dup2(STDERR_FILENO, COMPLAINTS);
    place(open("/dev/null", O_RDWR), NULL_FD);
    dup2(NULL_FD, STDIN_FILENO);
    dup2(NULL_FD, STDOUT_FILENO);
    dup2(NULL_FD, STDERR_FILENO);
    make_objects();
    for (size_t next = 0; next < case_count;)
        next = try_some(next);
    print_outcomes();
    semctl((int)semaphores, 0, IPC_RMID);
    msgctl((int)message_queue, IPC_RMID, NULL);
    return 0;
}
