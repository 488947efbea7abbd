/*
 * fsync_each.c, cured: records are gathered and made durable a hundred at a
 * time, with one write and one fsync. Whoever waits for a record to be durable
 * waits for its batch. Usage: fsync_batch [FILE]; the file is removed again.
 */
#include "clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS = 1000, RECORDS_PER_BATCH = 100 };

static const char record[] = "paid 10 to alice\n";
static char batch[RECORDS_PER_BATCH * sizeof record];
static size_t batch_size;
static uint64_t waited_ns;

static int make_durable(int journal)
{
    uint64_t asked_ns = clock_now_ns();
    int result = fsync(journal);

    waited_ns += clock_now_ns() - asked_ns;
    return result;
}

static void append_record(void)
{
    memcpy(batch + batch_size, record, strlen(record));
    batch_size += strlen(record);
}

static int commit_batch(int journal)
{
    size_t size = batch_size;

    batch_size = 0;
    if (write(journal, batch, size) != (ssize_t)size)
        return -1;
    return make_durable(journal); /* the cure: once for a hundred records */
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "journal.tmp";
    int journal = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    uint64_t begin_ns = clock_now_ns();
    int failed = journal < 0;

    for (int i = 1; i <= RECORDS && !failed; i++) {
        append_record();
        if (i % RECORDS_PER_BATCH == 0)
            failed = commit_batch(journal) < 0;
    }
    if (failed) {
        perror(path);
        return 1;
    }
    close(journal);
    unlink(path);
    printf("fsync_batch: wrote %d records in %.0f ms; waited %.0f ms for fsync\n", RECORDS,
           ns_to_ms(clock_now_ns() - begin_ns), ns_to_ms(waited_ns));
    return 0;
}
