/*
 * Thread-specific keys, with and without ctrace: as many as there are, with the same numbers, with
 * their values and destructors. It checks itself and exits 0.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <threads.h>
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

/* So many that stacks are taken with all that an unwinder keeps. */
static void wait_often(void)
{
    const struct timespec moment = {0, 20000};

    for (int i = 0; i < 40; i++)
        nanosleep(&moment, NULL);
}

static void *value_of(uintptr_t number)
{
    return (void *)(number + 1);
}

/* ---- Numbers. ---- */

static void check_that_none_is_made(void)
{
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
        CHECK(pthread_getspecific(key) == NULL);
        CHECK(pthread_setspecific(key, "value") == EINVAL);
        CHECK(pthread_getspecific(key) == NULL);
        CHECK(pthread_key_delete(key) == EINVAL);
    }
    CHECK(pthread_setspecific(UINT_MAX, "value") == EINVAL);
    CHECK(pthread_setspecific(UINT_MAX - 1, "value") == EINVAL);
}

static void *take_all(void *unused)
{
    pthread_key_t key;
    pthread_key_t middle = 31;

    check_that_none_is_made();
    for (pthread_key_t i = 0; i < PTHREAD_KEYS_MAX; i++) {
        CHECK(pthread_key_create(&key, NULL) == 0 && key == i);
        CHECK(pthread_getspecific(key) == NULL && pthread_setspecific(key, value_of(key)) == 0);
    }
    CHECK(pthread_key_create(&key, NULL) == EAGAIN);
    wait_often();
    for (pthread_key_t i = 0; i < PTHREAD_KEYS_MAX; i++)
        CHECK(pthread_getspecific(i) == value_of(i));
    /* The lowest number that is free is the next. */
    CHECK(pthread_key_delete(100) == 0 && pthread_key_delete(middle) == 0);
    CHECK(pthread_key_create(&key, NULL) == 0 && key == middle);
    CHECK(pthread_getspecific(key) == NULL);
    CHECK(pthread_key_create(&key, NULL) == 0 && key == 100);
    CHECK(pthread_key_create(&key, NULL) == EAGAIN);
    for (pthread_key_t i = 0; i < PTHREAD_KEYS_MAX; i++)
        CHECK(pthread_key_delete(i) == 0);
    check_that_none_is_made();
    return unused;
}

static void all_keys_can_be_taken(void)
{
    pthread_t thread;

    wait_often();
    take_all(NULL);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&thread, NULL, take_all, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void all_keys_of_c11_can_be_taken(void)
{
    tss_t key;

    for (tss_t i = 0; i < PTHREAD_KEYS_MAX; i++) {
        CHECK(tss_set(i, "value") == thrd_error && tss_get(i) == NULL);
        CHECK(tss_create(&key, NULL) == thrd_success && key == i);
        CHECK(tss_set(key, value_of(key)) == thrd_success);
    }
    CHECK(tss_create(&key, NULL) == thrd_error);
    for (tss_t i = 0; i < PTHREAD_KEYS_MAX; i++) {
        CHECK(tss_get(i) == value_of(i));
        tss_delete(i);
        CHECK(tss_get(i) == NULL);
    }
}

/* ---- Destructors. ---- */

enum { KEYS = 40 };

static pthread_key_t keys[KEYS];
static int destroyed[PTHREAD_DESTRUCTOR_ITERATIONS * KEYS + 1], destroyed_count;
static int rounds; /* in which a destructor sets a value again */

static void destroy(void *value)
{
    static _Thread_local int calls[KEYS];
    int number = (int)(uintptr_t)value - 1;

    CHECK(pthread_getspecific(keys[number]) == NULL);
    CHECK(destroyed_count < PTHREAD_DESTRUCTOR_ITERATIONS * KEYS);
    destroyed[destroyed_count++] = number;
    if (++calls[number] < rounds)
        CHECK(pthread_setspecific(keys[number], value) == 0);
    if (number % 8 == 7)
        wait_often();
}

static void set_all(void)
{
    destroyed_count = 0;
    for (uintptr_t i = 0; i < KEYS; i++)
        CHECK(pthread_setspecific(keys[i], value_of(i)) == 0);
}

static void *set_and_return(void *unused)
{
    set_all();
    return unused;
}

static void *set_and_exit(void *unused)
{
    set_all();
    pthread_exit(unused);
}

static void *set_and_be_cancelled(void *unused)
{
    set_all();
    pthread_cancel(pthread_self());
    pthread_testcancel();
    return unused;
}

/* Set, but of keys that are no more when it ends. */
static void *set_and_delete(void *unused)
{
    set_all();
    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_key_delete(keys[i]) == 0);
    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_key_create(&keys[i], destroy) == 0);
    return unused;
}

static void destructors_run_in_turn(void)
{
    void *(*const ends[])(void *) = {set_and_return, set_and_exit, set_and_be_cancelled};
    pthread_t thread;

    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_key_create(&keys[i], destroy) == 0);
    /* Endlessly set again: the C library gives up. */
    for (rounds = 1; rounds <= PTHREAD_DESTRUCTOR_ITERATIONS + 1; rounds++) {
        int turns = rounds < PTHREAD_DESTRUCTOR_ITERATIONS ? rounds : PTHREAD_DESTRUCTOR_ITERATIONS;
        for (size_t end = 0; end < sizeof ends / sizeof *ends; end++) {
            CHECK(pthread_create(&thread, NULL, ends[end], NULL) == 0);
            CHECK(pthread_join(thread, NULL) == 0);
            CHECK(destroyed_count == turns * KEYS);
            for (int i = 0; i < destroyed_count; i++)
                CHECK(destroyed[i] == i % KEYS);
        }
    }
    CHECK(pthread_create(&thread, NULL, set_and_delete, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(destroyed_count == 0);
}

/* ---- Many threads at once. ---- */

enum { THREADS = 4, TURNS = 200, HELD = 60 };

static void *make_and_delete(void *unused)
{
    pthread_key_t held[HELD];

    for (int turn = 0; turn < TURNS; turn++) {
        for (uintptr_t i = 0; i < HELD; i++) {
            CHECK(pthread_key_create(&held[i], NULL) == 0);
            CHECK(pthread_getspecific(held[i]) == NULL);
            CHECK(pthread_setspecific(held[i], value_of(i)) == 0);
        }
        for (uintptr_t i = 0; i < HELD; i++) {
            CHECK(pthread_getspecific(held[i]) == value_of(i));
            CHECK(pthread_key_delete(held[i]) == 0);
        }
    }
    return unused;
}

static void threads_make_keys_at_once(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, make_and_delete, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"all_keys_can_be_taken", all_keys_can_be_taken},
    {"all_keys_of_c11_can_be_taken", all_keys_of_c11_can_be_taken},
    {"destructors_run_in_turn", destructors_run_in_turn},
    {"threads_make_keys_at_once", threads_make_keys_at_once},
};

int main(void)
{
    int failures = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int status;
        pid_t child = fork();

        if (child == 0) {
            parts[i].run();
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) {
            printf("%s: wait status 0x%x\n", parts[i].name, status);
            failures++;
        }
    }
    if (failures == 0)
        puts("behaves");
    return failures != 0;
}
