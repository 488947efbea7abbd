/* Slots of threads: each has one of its own, the first that is free. */
#include "preload/life/slots.h"
#include "preload/core/board.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static void the_first_free_one_is_taken(void)
{
    for (uint32_t i = 0; i < 200; i++)
        CHECK(ct_slots_take() == i);
    ct_slots_give_back(130);
    ct_slots_give_back(7);
    CHECK(ct_slots_take() == 7);
    CHECK(ct_slots_take() == 130);
    CHECK(ct_slots_take() == 200);
}

static void one_that_had_memory_has_it(void)
{
    ct_slots_note_backed(66);
    ct_slots_give_back(66);
    CHECK(ct_slots_take() == 66);
    CHECK(ct_slots_is_backed(66));
    CHECK(!ct_slots_is_backed(65) && !ct_slots_is_backed(67));
}

static void a_new_board_has_all_of_them_free(void)
{
    ct_slots_begin();
    CHECK(ct_slots_take() == 0);
    CHECK(!ct_slots_is_backed(66));
    ct_slots_begin();
}

static void there_are_so_many(void)
{
    for (uint32_t i = 0; i < CT_BOARD_MAX_THREADS; i++)
        CHECK(ct_slots_take() == i);
    CHECK(ct_slots_take() == CT_BOARD_MAX_THREADS);
    CHECK(ct_slots_take() == CT_BOARD_MAX_THREADS);
    ct_slots_give_back(CT_BOARD_MAX_THREADS - 1);
    CHECK(ct_slots_take() == CT_BOARD_MAX_THREADS - 1);
    ct_slots_begin();
}

#define THREADS   8
#define AT_A_TIME 20
#define ROUNDS    20000

static _Atomic int owner_of[THREADS * AT_A_TIME];

static void *take_and_give_back(void *argument)
{
    int own = (int)(intptr_t)argument;

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t slots[AT_A_TIME];

        for (int i = 0; i < AT_A_TIME; i++) {
            slots[i] = ct_slots_take();
            CHECK(slots[i] < THREADS * AT_A_TIME);
            CHECK(__atomic_exchange_n((int *)&owner_of[slots[i]], own, __ATOMIC_SEQ_CST) == 0);
        }
        for (int i = 0; i < AT_A_TIME; i++) {
            CHECK(__atomic_exchange_n((int *)&owner_of[slots[i]], 0, __ATOMIC_SEQ_CST) == own);
            ct_slots_give_back(slots[i]);
        }
    }
    return NULL;
}

static void no_two_threads_have_the_same(void)
{
    pthread_t threads[THREADS];

    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, take_and_give_back, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void)
{
    the_first_free_one_is_taken();
    one_that_had_memory_has_it();
    a_new_board_has_all_of_them_free();
    there_are_so_many();
    no_two_threads_have_the_same();
    return 0;
}
