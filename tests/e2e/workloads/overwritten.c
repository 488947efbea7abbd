/*
 * A program that writes over its own board, as one with a stray pointer might, or one that means
 * harm. Prints "done".
 *
 *   overwritten large | texts | short | counts | control | bell
 *     large: a record in its ring that is larger than any; texts: texts without ends; short: the
 *     board's file ends after its first page, and a process that did that kills this one; counts:
 *     waits of 30 years; control: what all programs are told, if it can; bell: rings the recorder's
 *     doorbell for 300 ms without having anything for it
 *   overwritten flood UID
 *     as that user, asks for many boards, and prints how many it got
 */
#include "schema/board.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_US (300 * 1000)

static char *begin; /* of the board's header */
static char path[4096];

/* In path, where it begins; or NULL. */
static char *find_mapping(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4400];
    unsigned long from;
    char *found = NULL;

    while (found == NULL && fgets(line, sizeof(line), maps) != NULL)
        if (strstr(line, name) != NULL &&
            sscanf(line, "%lx-%*x %*s %*s %*s %*s %4095s", &from, path) == 2)
            found = (char *)from;
    fclose(maps);
    return found;
}

static void find_board(void)
{
    begin = find_mapping(CT_BOARD_SUFFIX);
    if (begin == NULL) {
        fputs("no board\n", stderr);
        exit(1);
    }
}

static void write_large_record(struct ct_board_ring *ring)
{
    const struct ct_ring_record record = {
        .ticks = 1, .tid = getpid(), .size = 65280, .event = CT_EVENT_ID_THREAD_NAME};
    uint64_t epoch = (ring->head & ~CT_RING_POSITION_MASK) + CT_RING_EPOCH;

    memset(ct_ring_bytes(ring), 'A', record.size);
    memcpy(ct_ring_bytes(ring), &record, sizeof(record));
    ring->head = epoch | record.size;
}

static void fill_texts(struct ct_board *board)
{
    memset(board->exe, 'A', sizeof(board->exe));
    memset(board->args, 'A', sizeof(board->args));
    memset(board->cwd, 'A', sizeof(board->cwd));
    for (int i = 0; i < CT_FIRST_MODULES; i++)
        memset(board->modules[i].path, 'A', sizeof(board->modules[i].path));
}

static void tell(void)
{
    if (write(STDOUT_FILENO, "done\n", 5) != 5)
        exit(1);
}

/* Another process does it, and ends us: our hooks would meet what is not there any more. */
static void cut_short(void)
{
    if (fork() == 0) {
        kill(getppid(), SIGSTOP);
        if (truncate(path, 4096) != 0)
            perror(path);
        if (vfork() == 0)
            execl("/bin/true", "true", (char *)NULL);
        if (fork() == 0)
            _exit(execl("/bin/true", "true", (char *)NULL));
        tell();
        kill(getppid(), SIGKILL);
        _exit(0);
    }
    for (;;)
        pause();
}

static void write_counts(struct ct_board *board)
{
    struct ct_board_thread *thread = &board->slots[0].thread;

    thread->class_ns[CT_CLASS_NET] = UINT64_C(1000000000000000000);
    thread->counters_used = UINT32_MAX;
    thread->counters_of[CT_OP_READ] = 1;
    thread->counters[0].calls = UINT64_MAX;
    board->threads_started = UINT64_MAX;
    board->waits_recorded = UINT64_MAX;
}

static void stop_all(void)
{
    struct ct_control *control = (void *)find_mapping("/" CT_CONTROL_FILE);

    if (control == NULL || mprotect(control, sizeof(*control), PROT_READ | PROT_WRITE) != 0) {
        puts("refused");
        return;
    }
    control->is_recording = 0;
    usleep(PATIENCE_US);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void ring(void)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/" CT_DOORBELL_FILE, getenv(CT_SESSION_VARIABLE));
    int fd = open(path, O_RDWR);
    struct ct_doorbell *doorbell =
        mmap(NULL, sizeof(*doorbell), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    double end_s = now_s() + 0.3;

    if (doorbell == MAP_FAILED)
        exit(1);
    while (now_s() < end_s) {
        doorbell->rung++;
        syscall(SYS_futex, &doorbell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

/* As the library does, but over and over. */
enum { REQUESTS = 3000 };

static int ask(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char byte;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CT_HANDOUT_SOCKET,
             getenv(CT_SESSION_VARIABLE));
    int is_given = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                   recv(fd, &byte, 1, 0) == 1;
    close(fd);
    return is_given;
}

static int flood(uid_t uid)
{
    int count = 0;

    if (setuid(uid) != 0)
        return 1;
    for (int i = 0; i < REQUESTS; i++)
        count += ask();
    printf("%d of %d\n", count, REQUESTS);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "flood") == 0)
        return flood((uid_t)atoi(argv[2]));
    find_board();
    struct ct_board *board = (struct ct_board *)(void *)begin;
    usleep(PATIENCE_US); /* the recorder has it */
    if (strcmp(what, "large") == 0)
        write_large_record(ct_slot_ring(&board->slots[0]));
    else if (strcmp(what, "texts") == 0)
        fill_texts(board);
    else if (strcmp(what, "short") == 0)
        cut_short();
    else if (strcmp(what, "counts") == 0)
        write_counts(board);
    else if (strcmp(what, "control") == 0)
        stop_all();
    else if (strcmp(what, "bell") == 0)
        ring();
    fflush(stdout);
    tell();
    return 0;
}
