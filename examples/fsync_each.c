/*
 * One write and one fsync for every record: the disk's latency, paid a thousand
 * times over. Usage: fsync_each [FILE]; the file is removed again.
 *
 * The syscall profile shows it at once: the time is in fsync, called by
 * append_record. fsync_batch.c is the same program with the cure.
 */
#include "clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS = 1000 };

static const char record[] = "paid 10 to alice\n";
static uint64_t waited_ns;

static int make_durable(int journal)
{
    uint64_t asked_ns = clock_now_ns();
    int result = fsync(journal);

    waited_ns += clock_now_ns() - asked_ns;
    return result;
}

static int append_record(int journal)
{
    size_t size = strlen(record);

    if (write(journal, record, size) != (ssize_t)size)
        return -1;
    return make_durable(journal); /* the disease: once for every record */
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "journal.tmp";
    int journal = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    uint64_t begin_ns = clock_now_ns();
    int failed = journal < 0;

    for (int i = 0; i < RECORDS && !failed; i++)
        failed = append_record(journal) < 0;
    if (failed) {
        perror(path);
        return 1;
    }
    close(journal);
    unlink(path);
    printf("fsync_each: wrote %d records in %.0f ms; waited %.0f ms for fsync\n", RECORDS,
           ns_to_ms(clock_now_ns() - begin_ns), ns_to_ms(waited_ns));
    return 0;
}
