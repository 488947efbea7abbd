/*
 * blame LOCK: one thread holds a lock for milliseconds, over and over, and three take it for a
 * moment. LOCK is mutex, rwlock, semaphore, condition or futex: the last three are used as locks.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS  100
#define HOLD_NS 4000000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void lock_mutex(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock_mutex(void)
{
    pthread_mutex_unlock(&mutex);
}

static void lock_rwlock(void)
{
    pthread_rwlock_wrlock(&rwlock);
}

static void unlock_rwlock(void)
{
    pthread_rwlock_unlock(&rwlock);
}

static void lock_semaphore(void)
{
    while (sem_wait(&semaphore) != 0 && errno == EINTR)
        ;
}

static void unlock_semaphore(void)
{
    sem_post(&semaphore);
}

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int is_held;

static void lock_condition(void)
{
    pthread_mutex_lock(&mutex);
    while (is_held)
        pthread_cond_wait(&condition, &mutex);
    is_held = 1;
    pthread_mutex_unlock(&mutex);
}

static void unlock_condition(void)
{
    pthread_mutex_lock(&mutex);
    is_held = 0;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&condition);
}

static _Atomic int futex;

static void lock_futex(void)
{
    while (atomic_exchange(&futex, 2) != 0)
        syscall(SYS_futex, &futex, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void unlock_futex(void)
{
    atomic_store(&futex, 0);
    syscall(SYS_futex, &futex, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static const struct {
    const char *name;
    void (*lock)(void);
    void (*unlock)(void);
} locks[] = {
    {"mutex", lock_mutex, unlock_mutex},
    {"rwlock", lock_rwlock, unlock_rwlock},
    {"semaphore", lock_semaphore, unlock_semaphore},
    {"condition", lock_condition, unlock_condition},
    {"futex", lock_futex, unlock_futex},
};

static void (*lock)(void);
static void (*unlock)(void);
static _Atomic int is_over;

static void pass(long time_ns)
{
    const struct timespec time = {.tv_nsec = time_ns};

    nanosleep(&time, NULL);
}

/* Else the compiler ends a function by a jump to the last that it calls. */
#define STAY_ON_STACK __asm__ volatile("")

static __attribute__((noinline)) void append_journal(void)
{
    lock();
    pass(HOLD_NS);
    unlock();
    STAY_ON_STACK;
}

static __attribute__((noinline)) void peek(void)
{
    lock();
    unlock();
    STAY_ON_STACK;
}

static void *append(void *argument)
{
    for (int i = 0; i < ROUNDS; i++)
        append_journal();
    is_over = 1;
    return argument;
}

static void *look(void *argument)
{
    while (!is_over) {
        peek();
        pass(100000);
    }
    return argument;
}

int main(int count, char **arguments)
{
    pthread_t threads[4];

    for (size_t i = 0; count == 2 && i < sizeof(locks) / sizeof(locks[0]); i++) {
        if (strcmp(arguments[1], locks[i].name) == 0) {
            lock = locks[i].lock;
            unlock = locks[i].unlock;
        }
    }
    if (lock == NULL) {
        fprintf(stderr, "blame: no such lock\n");
        return 2;
    }
    sem_init(&semaphore, 0, 1);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, i == 0 ? append : look, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
