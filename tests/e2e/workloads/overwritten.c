/*
 * A program that writes over its own board, as one with a stray pointer might, or one that means
 * harm. Prints "done".
 *
 *   overwritten large | texts | short
 *     large: a record in its ring that is larger than any; texts: texts without ends; short: the
 *     board's file ends after its first page, and a process that did that kills this one
 */
#include "schema/board.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US (300 * 1000)

static char *begin; /* of the board's header */
static char path[4096];

static void find_board(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4400];
    unsigned long from;

    while (begin == NULL && fgets(line, sizeof(line), maps) != NULL)
        if (strstr(line, CT_BOARD_SUFFIX) != NULL &&
            sscanf(line, "%lx-%*x %*s %*s %*s %*s %4095s", &from, path) == 2) {
            begin = (char *)from;
        }
    fclose(maps);
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
        tell();
        kill(getppid(), SIGKILL);
        _exit(0);
    }
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    find_board();
    struct ct_board *board = (struct ct_board *)(void *)begin;
    usleep(PATIENCE_US); /* the recorder has it */
    if (strcmp(what, "large") == 0)
        write_large_record(ct_slot_ring(&board->slots[0]));
    else if (strcmp(what, "texts") == 0)
        fill_texts(board);
    else if (strcmp(what, "short") == 0)
        cut_short();
    tell();
    return 0;
}
