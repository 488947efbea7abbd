/*
 * A question for every value: a thousand times the way to the store and back.
 *
 * The net profile shows it at once: the time is in recv, called by ask, a thousand waits.
 * ask_batch.c is the same program with the cure.
 */
#include "clock.h"
#include "store.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEYS = 1000 };

static unsigned questions;
static uint64_t waited_ns;

static int ask(int store, const struct store_question *question, struct store_answer *answer)
{
    if (send(store, question, sizeof(*question), 0) != (ssize_t)sizeof(*question))
        return -1;
    uint64_t asked_ns = clock_now_ns();
    ssize_t size = recv(store, answer, sizeof(*answer), 0);

    waited_ns += clock_now_ns() - asked_ns;
    questions++;
    return size == (ssize_t)sizeof(*answer) ? 0 : -1;
}

static int sum_up(int store, uint64_t *sum)
{
    for (uint32_t key = 0; key < KEYS; key++) {
        const struct store_question question = {.count = 1, .keys = {key}}; /* the disease */
        struct store_answer answer;

        if (ask(store, &question, &answer) != 0)
            return -1;
        *sum += answer.values[0];
    }
    return 0;
}

int main(void)
{
    uint64_t begin_ns = clock_now_ns();
    uint64_t sum = 0;
    int store = store_connect();

    if (store < 0 || sum_up(store, &sum) != 0) {
        perror("ask_each");
        return 1;
    }
    close(store);
    printf("ask_each: the sum is %llu, by %u questions in %.0f ms; waited %.0f ms for answers\n",
           (unsigned long long)sum, questions, ns_to_ms(clock_now_ns() - begin_ns),
           ns_to_ms(waited_ns));
    return 0;
}
