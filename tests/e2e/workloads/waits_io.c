/* Waits that know the answer: stdio, transfers between descriptors, children, signals, io_uring. */
#include "scenario.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* ---- Streams on a pipe: the reader waits for the writer, or the other way round. ---- */

struct pipe_stream {
    int ends[2];
    FILE *stream; /* on the end that waits */
};

static struct pipe_stream *open_stream(int end, const char *mode)
{
    struct pipe_stream *pipe_stream = malloc(sizeof *pipe_stream);

    require(pipe(pipe_stream->ends) == 0, "pipe");
    pipe_stream->stream = fdopen(pipe_stream->ends[end], mode);
    require(pipe_stream->stream != NULL, "fdopen");
    return pipe_stream;
}

static void *begin_input(void)
{
    return open_stream(0, "r");
}

static void write_line(void *data)
{
    struct pipe_stream *input = data;

    require(write(input->ends[1], "1234567\n", 8) == 8, "write");
}

static int wait_fread(void *data)
{
    char bytes[8];

    return fread(bytes, 1, sizeof bytes, ((struct pipe_stream *)data)->stream) == sizeof bytes;
}

static int wait_fgets(void *data)
{
    char line[64];

    return fgets(line, sizeof line, ((struct pipe_stream *)data)->stream) != NULL;
}

static int wait_getline(void *data)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, ((struct pipe_stream *)data)->stream);

    free(line);
    return length == 8;
}

/* The rest of the line is in the buffer, and waits for nothing. */
static int wait_fgetc(void *data)
{
    FILE *stream = ((struct pipe_stream *)data)->stream;
    int count = 0;

    while (fgetc(stream) != '\n')
        count++;
    return count == 7;
}

static int wait_getc_unlocked(void *data)
{
    FILE *stream = ((struct pipe_stream *)data)->stream;
    int count = 0;

    while (getc_unlocked(stream) != '\n')
        count++;
    return count == 7;
}

static void run_fscanf(struct scenario *scenario)
{
    struct pipe_stream *input = begin_input();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, write_line, input);
        MEASURED(scenario, fscanf(input->stream, "%*d") == 0);
        require(fgetc(input->stream) == '\n', "fgetc");
        partner_end(&partner);
    }
}

/* An output pipe is full, with a page of room in the stream's buffer. */
static void *begin_output(void)
{
    struct pipe_stream *output = open_stream(1, "w");

    setvbuf(output->stream, NULL, _IOFBF, 4096);
    return output;
}

static void fill_pipe(struct pipe_stream *output)
{
    static char bytes[1 << 16];
    int flags = fcntl(output->ends[1], F_GETFL);

    fcntl(output->ends[1], F_SETFL, flags | O_NONBLOCK);
    while (write(output->ends[1], bytes, sizeof bytes) > 0 || write(output->ends[1], bytes, 1) > 0)
        ;
    fcntl(output->ends[1], F_SETFL, flags);
}

static void drain_pipe(void *data)
{
    struct pipe_stream *output = data;
    static __thread char bytes[1 << 16];
    int flags = fcntl(output->ends[0], F_GETFL);

    fcntl(output->ends[0], F_SETFL, flags | O_NONBLOCK);
    while (read(output->ends[0], bytes, sizeof bytes) > 0)
        ;
}

/* Each of these writes 4000 bytes twice: the first time they stay in the buffer. */
static char text_of_4000[4001];

typedef int write_4000(FILE *stream);

static int by_fwrite(FILE *stream)
{
    return fwrite(text_of_4000, 1, 4000, stream) == 4000;
}

static int by_fputs(FILE *stream)
{
    return fputs(text_of_4000, stream) >= 0;
}

static int by_fprintf(FILE *stream)
{
    return fprintf(stream, "%s", text_of_4000) == 4000;
}

static int by_fputc(FILE *stream)
{
    for (int i = 0; i < 4000; i++)
        if (fputc('x', stream) != 'x')
            return 0;
    return 1;
}

static void run_output(struct scenario *scenario, write_4000 *write_it)
{
    struct pipe_stream *output = begin_output();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        require(write_it(output->stream), "a write to the buffer");
        fill_pipe(output);
        partner_start(&partner, drain_pipe, output);
        MEASURED(scenario, write_it(output->stream));
        partner_end(&partner);
        drain_pipe(output);
        fflush(output->stream);
        drain_pipe(output);
    }
}

static void run_fwrite(struct scenario *scenario)
{
    run_output(scenario, by_fwrite);
}

static void run_fputs(struct scenario *scenario)
{
    run_output(scenario, by_fputs);
}

static void run_fprintf(struct scenario *scenario)
{
    run_output(scenario, by_fprintf);
}

static void run_fputc(struct scenario *scenario)
{
    run_output(scenario, by_fputc);
}

static void run_fflush(struct scenario *scenario)
{
    struct pipe_stream *output = begin_output();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        fputs("a line\n", output->stream);
        fill_pipe(output);
        partner_start(&partner, drain_pipe, output);
        MEASURED(scenario, fflush(output->stream) == 0);
        partner_end(&partner);
        drain_pipe(output);
    }
}

static void run_fclose(struct scenario *scenario)
{
    for (int i = 0; i < REPEATS; i++) {
        struct pipe_stream *output = begin_output();
        struct partner partner;

        fputs("a line\n", output->stream);
        fill_pipe(output);
        partner_start(&partner, drain_pipe, output);
        MEASURED(scenario, fclose(output->stream) == 0);
        partner_end(&partner);
        close(output->ends[0]);
    }
}

static void run_dprintf(struct scenario *scenario)
{
    struct pipe_stream *output = begin_output();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        fill_pipe(output);
        partner_start(&partner, drain_pipe, output);
        MEASURED(scenario, dprintf(output->ends[1], "%d\n", i) > 0);
        partner_end(&partner);
        drain_pipe(output);
    }
}

/* ---- From one descriptor to another. ---- */

static void *begin_pipe_to_null(void)
{
    struct pipe_stream *input = begin_input();

    input->stream = NULL;
    return input;
}

static int wait_splice(void *data)
{
    static int out = -1;

    if (out < 0)
        out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return splice(((struct pipe_stream *)data)->ends[0], NULL, out, NULL, 8, 0) == 8;
}

static void run_vmsplice(struct scenario *scenario)
{
    static char page[4096];
    struct pipe_stream *output = begin_output();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        struct iovec part = {page, sizeof page};

        fill_pipe(output);
        partner_start(&partner, drain_pipe, output);
        MEASURED(scenario, vmsplice(output->ends[1], &part, 1, 0) > 0);
        partner_end(&partner);
        drain_pipe(output);
    }
}

static void drain_socket(void *data)
{
    static __thread char bytes[1 << 16];

    while (recv(*(int *)data, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

static void run_sendfile(struct scenario *scenario)
{
    int ends[2];
    int file = memfd_create("page", MFD_CLOEXEC);

    require(write(file, text_of_4000, 4000) == 4000, "write");
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        off_t offset = 0;

        while (send(ends[0], text_of_4000, 4000, MSG_DONTWAIT) > 0)
            ;
        partner_start(&partner, drain_socket, &ends[1]);
        MEASURED(scenario, sendfile(ends[0], file, &offset, 4000) == 4000);
        partner_end(&partner);
        drain_socket(&ends[1]);
    }
}

/* ---- Through an epoll, woken by another thread of the process. ---- */

static void run_epoll_pipe(struct scenario *scenario)
{
    struct pipe_stream *input = begin_pipe_to_null();
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    require(epoll_ctl(epoll, EPOLL_CTL_ADD, input->ends[0], &event) == 0, "epoll_ctl");
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        char line[8];

        partner_start(&partner, write_line, input);
        MEASURED(scenario, epoll_wait(epoll, &event, 1, -1) == 1);
        require(read(input->ends[0], line, sizeof line) == sizeof line, "read");
        partner_end(&partner);
    }
}

static void run_poll_pipe(struct scenario *scenario)
{
    struct pipe_stream *input = begin_pipe_to_null();
    struct pollfd watched[] = {{.fd = -1}, {.fd = input->ends[0], .events = POLLIN}};

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        char line[8];

        partner_start(&partner, write_line, input);
        MEASURED(scenario, poll(watched, 2, -1) == 1);
        require(read(input->ends[0], line, sizeof line) == sizeof line, "read");
        partner_end(&partner);
    }
}

static void send_line(void *sockets)
{
    require(send(((int *)sockets)[1], "1234567\n", 8, 0) == 8, "send");
}

static void run_select_socket(struct scenario *scenario)
{
    int ends[2];

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        fd_set watched;
        char line[8];

        FD_ZERO(&watched);
        FD_SET(ends[0], &watched);
        partner_start(&partner, send_line, ends);
        MEASURED(scenario, select(ends[0] + 1, &watched, NULL, NULL, NULL) == 1);
        require(read(ends[0], line, sizeof line) == sizeof line, "read");
        partner_end(&partner);
    }
}

/* ---- Children. ---- */

static int wait_system(void *unused)
{
    (void)unused;
    return system("sleep 0.04") == 0;
}

static void run_pclose(struct scenario *scenario)
{
    for (int i = 0; i < REPEATS; i++) {
        FILE *child = popen("exec sleep 0.04", "r");

        require(child != NULL, "popen");
        MEASURED(scenario, pclose(child) == 0);
    }
}

/* ---- Signals: each scenario has one of its own, blocked in all threads. ---- */

enum { WAITED = 34 + 6, TIMED, DELIVERED, PAUSED, BY_FD };

static void send_signal(int signal)
{
    require(kill(getpid(), signal) == 0, "kill");
}

static void act_waited(void *unused)
{
    (void)unused;
    send_signal(WAITED);
}

static sigset_t only(int signal)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static int wait_sigwait(void *unused)
{
    sigset_t set = only(WAITED);
    int signal = 0;

    (void)unused;
    return sigwait(&set, &signal) == 0 && signal == WAITED;
}

static int wait_sigtimedwait(void *unused)
{
    sigset_t set = only(TIMED);

    (void)unused;
    return sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = WAIT_MS * 1000000}) == -1;
}

static void ignore(int signal)
{
    (void)signal;
}

static void *begin_delivered(void)
{
    signal(DELIVERED, ignore);
    return NULL;
}

static void act_delivered(void *unused)
{
    (void)unused;
    send_signal(DELIVERED);
}

static int wait_sigsuspend(void *unused)
{
    sigset_t mask;

    (void)unused;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigdelset(&mask, DELIVERED);
    return sigsuspend(&mask) == -1;
}

/* Threads take over their creator's mask: the signal must name the thread that is to get it. */
static void *begin_paused(void)
{
    static pthread_t paused;
    sigset_t set = only(PAUSED);

    paused = pthread_self();
    signal(PAUSED, ignore);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return &paused;
}

static void act_paused(void *paused)
{
    require(pthread_kill(*(pthread_t *)paused, PAUSED) == 0, "pthread_kill");
}

static int wait_pause(void *unused)
{
    (void)unused;
    return pause() == -1;
}

static void *begin_signalfd(void)
{
    static int fd;
    sigset_t set = only(BY_FD);

    fd = signalfd(-1, &set, SFD_CLOEXEC);
    require(fd >= 0, "signalfd");
    return &fd;
}

static int wait_signalfd(void *fd)
{
    struct signalfd_siginfo info;

    return read(*(int *)fd, &info, sizeof info) == sizeof info;
}

static void act_signalfd(void *unused)
{
    (void)unused;
    send_signal(BY_FD);
}

/* ---- Other descriptors. ---- */

struct watched_folder {
    char path[64];
    int inotify;
};

static void *begin_inotify(void)
{
    static struct watched_folder folder = {.path = "/tmp/ctrace-watched-XXXXXX"};

    require(mkdtemp(folder.path) != NULL, "mkdtemp");
    folder.inotify = inotify_init1(IN_CLOEXEC);
    require(inotify_add_watch(folder.inotify, folder.path, IN_DELETE_SELF | IN_CREATE) >= 0,
            "inotify_add_watch");
    return &folder;
}

static void act_inotify(void *data)
{
    struct watched_folder *folder = data;
    char path[80];

    snprintf(path, sizeof path, "%s/file", folder->path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unlink(path);
}

static int wait_inotify(void *data)
{
    char events[4096];

    return read(((struct watched_folder *)data)->inotify, events, sizeof events) > 0;
}

static void run_inotify(struct scenario *scenario)
{
    struct watched_folder *folder = begin_inotify();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, act_inotify, folder);
        MEASURED(scenario, wait_inotify(folder));
        partner_end(&partner);
    }
    rmdir(folder->path);
}

/* A timeout as the only request: io_uring_enter waits until it is over. */
static void run_io_uring(struct scenario *scenario)
{
    struct io_uring_params params = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 1, &params);

    if (ring < 0)
        return; /* the kernel was told to refuse: count stays 0 */
    char *queue = mmap(NULL, params.sq_off.array + sizeof(uint32_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
    char *completions =
        mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
             PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
    struct io_uring_sqe *entry = mmap(NULL, sizeof *entry, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
    struct __kernel_timespec time = {.tv_nsec = WAIT_MS * 1000000};

    for (int i = 0; i < REPEATS; i++) {
        memset(entry, 0, sizeof *entry);
        entry->opcode = IORING_OP_TIMEOUT;
        entry->addr = (uintptr_t)&time;
        entry->len = 1;
        *(uint32_t *)(queue + params.sq_off.array) = 0;
        __atomic_add_fetch((uint32_t *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
        MEASURED(scenario,
                 syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
        __atomic_add_fetch((uint32_t *)(completions + params.cq_off.head), 1, __ATOMIC_RELEASE);
    }
}

#define PIPE_INPUT(n, o, w)                                                                     \
    {                                                                                           \
        .name = n, .op = o, .class = "syscall", .is_woken = 1, .begin = begin_input, .wait = w, \
        .act = write_line                                                                       \
    }
#define PIPE_OUTPUT(n, o, r)                             \
    {                                                    \
        .name = n, .op = o, .class = "syscall", .run = r \
    }

static struct scenario scenarios[] = {
    PIPE_INPUT("fread", "fread", wait_fread),
    PIPE_INPUT("fgets", "fgets", wait_fgets),
    PIPE_INPUT("getline", "getline", wait_getline),
    PIPE_INPUT("fgetc", "fgetc", wait_fgetc),
    PIPE_INPUT("getc-unlocked", "fgetc", wait_getc_unlocked),
    {.name = "fscanf", .op = "fscanf", .class = "syscall", .run = run_fscanf},
    PIPE_OUTPUT("fwrite", "fwrite", run_fwrite),
    PIPE_OUTPUT("fputs", "fputs", run_fputs),
    PIPE_OUTPUT("fprintf", "fprintf", run_fprintf),
    PIPE_OUTPUT("fputc", "fputc", run_fputc),
    PIPE_OUTPUT("fflush", "fflush", run_fflush),
    PIPE_OUTPUT("fclose", "fclose", run_fclose),
    PIPE_OUTPUT("dprintf", "fprintf", run_dprintf),
    {.name = "splice",
     .op = "splice",
     .class = "syscall",
     .begin = begin_pipe_to_null,
     .wait = wait_splice,
     .act = write_line},
    {.name = "vmsplice", .op = "splice", .class = "syscall", .run = run_vmsplice},
    {.name = "sendfile", .op = "sendfile", .class = "net", .run = run_sendfile},
    {.name = "epoll-pipe",
     .op = "epoll_wait",
     .class = "syscall",
     .is_woken = 1,
     .run = run_epoll_pipe},
    {.name = "poll-woken", .op = "poll", .class = "syscall", .is_woken = 1, .run = run_poll_pipe},
    {.name = "select-woken",
     .op = "select",
     .class = "net",
     .is_woken = 1,
     .run = run_select_socket},
    {.name = "system", .op = "system", .class = "syscall", .wait = wait_system},
    {.name = "pclose", .op = "pclose", .class = "syscall", .run = run_pclose},
    {.name = "sigwait", .op = "sigwait", .class = "sleep", .wait = wait_sigwait, .act = act_waited},
    {.name = "sigtimedwait", .op = "sigwait", .class = "sleep", .wait = wait_sigtimedwait},
    {.name = "sigsuspend",
     .op = "sigsuspend",
     .class = "sleep",
     .begin = begin_delivered,
     .wait = wait_sigsuspend,
     .act = act_delivered},
    {.name = "pause",
     .op = "pause",
     .class = "sleep",
     .begin = begin_paused,
     .wait = wait_pause,
     .act = act_paused},
    {.name = "signalfd",
     .op = "read",
     .class = "sleep",
     .begin = begin_signalfd,
     .wait = wait_signalfd,
     .act = act_signalfd},
    {.name = "inotify", .op = "read", .class = "syscall", .run = run_inotify},
    {.name = "io_uring", .op = "io_uring_enter", .class = "syscall", .run = run_io_uring},
};

int main(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (int signal = WAITED; signal <= BY_FD; signal++)
        sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    memset(text_of_4000, 'x', 4000);
    return run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}
