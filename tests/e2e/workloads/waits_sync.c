/* Waits that know the answer: every other kind of synchronisation between threads. */
#include "scenario.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>

#define LONG_MS 60000

static struct timespec monotonic_in_ms(long ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    return at;
}

/* ---- Locks that another thread holds for WAIT_MS. ---- */

/* How a lock is taken and given back by whoever holds it. */
struct lock {
    void *lock;
    int (*take)(void *lock);
    int (*give_back)(void *lock);
    sem_t is_taken;
};

static void *hold(void *data)
{
    struct lock *lock = data;

    require(lock->take(lock->lock) == 0, "take");
    sem_post(&lock->is_taken);
    sleep_ms(WAIT_MS);
    require(lock->give_back(lock->lock) == 0, "give back");
    return NULL;
}

static void run_lock(struct scenario *scenario, struct lock *lock, int (*wait)(void *lock))
{
    sem_init(&lock->is_taken, 0, 0);
    for (int i = 0; i < REPEATS; i++) {
        pthread_t holder;

        require(pthread_create(&holder, NULL, hold, lock) == 0, "pthread_create");
        sem_wait(&lock->is_taken);
        MEASURED(scenario, wait(lock->lock) == 0);
        require(lock->give_back(lock->lock) == 0, "give back");
        pthread_join(holder, NULL);
    }
}

static int take_rwlock(void *lock)
{
    return pthread_rwlock_wrlock(lock);
}

static int give_back_rwlock(void *lock)
{
    return pthread_rwlock_unlock(lock);
}

/* A scenario of its own for each way to wait for a lock. */
#define LOCK_SCENARIO(name, type, initial, hold_it, give_it_back, wait)                 \
    static int wait_##name(void *lock)                                                  \
    {                                                                                   \
        return wait;                                                                    \
    }                                                                                   \
    static void run_##name(struct scenario *scenario)                                   \
    {                                                                                   \
        static type object = initial;                                                   \
        struct lock lock = {(void *)&object, hold_it, give_it_back, .is_taken = {{0}}}; \
        run_lock(scenario, &lock, wait_##name);                                         \
    }

#define RWLOCK_SCENARIO(name, wait)                                                \
    LOCK_SCENARIO(name, pthread_rwlock_t, PTHREAD_RWLOCK_INITIALIZER, take_rwlock, \
                  give_back_rwlock, wait)

RWLOCK_SCENARIO(rdlock, pthread_rwlock_rdlock(lock))
RWLOCK_SCENARIO(wrlock, pthread_rwlock_wrlock(lock))
RWLOCK_SCENARIO(timedrdlock,
                pthread_rwlock_timedrdlock(lock, &(struct timespec){.tv_sec = INT32_MAX}))
RWLOCK_SCENARIO(timedwrlock,
                pthread_rwlock_timedwrlock(lock, &(struct timespec){.tv_sec = INT32_MAX}))
RWLOCK_SCENARIO(clockrdlock, pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC,
                                                        &(struct timespec){.tv_sec = INT32_MAX}))
RWLOCK_SCENARIO(clockwrlock, pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC,
                                                        &(struct timespec){.tv_sec = INT32_MAX}))

static int take_spin(void *lock)
{
    return pthread_spin_lock(lock);
}

static int give_back_spin(void *lock)
{
    return pthread_spin_unlock(lock);
}

LOCK_SCENARIO(spin, pthread_spinlock_t, 1, take_spin, give_back_spin, pthread_spin_lock(lock))

static int take_mtx(void *lock)
{
    return mtx_lock(lock);
}

static int give_back_mtx(void *lock)
{
    return mtx_unlock(lock);
}

#define PLAIN_MTX \
    {             \
        {         \
            0     \
        }         \
    }

LOCK_SCENARIO(mtx, mtx_t, PLAIN_MTX, take_mtx, give_back_mtx, mtx_lock(lock))

static void run_mtx_timed(struct scenario *scenario)
{
    mtx_t mutex;
    struct lock lock = {&mutex, take_mtx, give_back_mtx, .is_taken = {{0}}};

    sem_init(&lock.is_taken, 0, 0);
    mtx_init(&mutex, mtx_timed);
    for (int i = 0; i < REPEATS; i++) {
        struct timespec deadline = realtime_in_ms(LONG_MS);
        pthread_t holder;

        require(pthread_create(&holder, NULL, hold, &lock) == 0, "pthread_create");
        sem_wait(&lock.is_taken);
        MEASURED(scenario, mtx_timedlock(&mutex, &deadline) == thrd_success);
        mtx_unlock(&mutex);
        pthread_join(holder, NULL);
    }
}

static int take_flock(void *lock)
{
    return flock(*(int *)lock, LOCK_EX);
}

static int give_back_flock(void *lock)
{
    return flock(*(int *)lock, LOCK_UN);
}

/* Two descriptions of one file: the holder's and the waiter's. */
struct file_lock {
    int held_by;
    int wanted_by;
};

static struct file_lock open_twice(void)
{
    char path[] = "/tmp/ctrace-lock-XXXXXX";
    struct file_lock files = {.held_by = mkstemp(path)};

    files.wanted_by = open(path, O_RDWR | O_CLOEXEC);
    require(files.held_by >= 0 && files.wanted_by >= 0, path);
    unlink(path);
    return files;
}

static void run_flock(struct scenario *scenario)
{
    struct file_lock files = open_twice();
    struct lock lock = {&files.held_by, take_flock, give_back_flock, .is_taken = {{0}}};

    sem_init(&lock.is_taken, 0, 0);
    for (int i = 0; i < REPEATS; i++) {
        pthread_t holder;

        require(pthread_create(&holder, NULL, hold, &lock) == 0, "pthread_create");
        sem_wait(&lock.is_taken);
        MEASURED(scenario, flock(files.wanted_by, LOCK_EX) == 0);
        require(flock(files.wanted_by, LOCK_UN) == 0, "flock");
        pthread_join(holder, NULL);
    }
}

static int set_file_lock(int fd, int command, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET};

    return fcntl(fd, command, &range);
}

static int take_ofd_lock(void *lock)
{
    return set_file_lock(*(int *)lock, F_OFD_SETLKW, F_WRLCK);
}

static int give_back_ofd_lock(void *lock)
{
    return set_file_lock(*(int *)lock, F_OFD_SETLKW, F_UNLCK);
}

static void run_fcntl(struct scenario *scenario)
{
    struct file_lock files = open_twice();
    struct lock lock = {&files.held_by, take_ofd_lock, give_back_ofd_lock, .is_taken = {{0}}};

    sem_init(&lock.is_taken, 0, 0);
    for (int i = 0; i < REPEATS; i++) {
        pthread_t holder;

        require(pthread_create(&holder, NULL, hold, &lock) == 0, "pthread_create");
        sem_wait(&lock.is_taken);
        MEASURED(scenario, set_file_lock(files.wanted_by, F_OFD_SETLKW, F_WRLCK) == 0);
        require(set_file_lock(files.wanted_by, F_OFD_SETLK, F_UNLCK) == 0, "fcntl");
        pthread_join(holder, NULL);
    }
}

/* lockf's locks are the process's: it takes another process to hold one. */
static void run_lockf(struct scenario *scenario)
{
    struct file_lock files = open_twice();

    for (int i = 0; i < REPEATS; i++) {
        int ends[2];
        char byte;

        require(pipe(ends) == 0, "pipe");
        pid_t child = fork();
        if (child == 0) {
            require(lockf(files.held_by, F_LOCK, 0) == 0, "lockf");
            require(write(ends[1], "x", 1) == 1, "write");
            sleep_ms(WAIT_MS);
            _exit(0);
        }
        require(read(ends[0], &byte, 1) == 1, "read");
        MEASURED(scenario, lockf(files.wanted_by, F_LOCK, 0) == 0);
        require(lockf(files.wanted_by, F_ULOCK, 0) == 0, "lockf");
        waitpid(child, NULL, 0);
        close(ends[0]);
        close(ends[1]);
    }
}

/* ---- Meeting other threads. ---- */

static void *begin_barrier(void)
{
    static pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, 2);
    return &barrier;
}

static int wait_barrier(void *barrier)
{
    int result = pthread_barrier_wait(barrier);

    return result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD;
}

static void act_barrier(void *barrier)
{
    pthread_barrier_wait(barrier);
}

static sem_t once_has_begun;

static void initialise_slowly(void)
{
    sem_post(&once_has_begun);
    sleep_ms(WAIT_MS);
}

static void *do_pthread_once(void *control)
{
    pthread_once(control, initialise_slowly);
    return NULL;
}

static void run_once(struct scenario *scenario)
{
    static pthread_once_t controls[REPEATS]; /* PTHREAD_ONCE_INIT is 0 */

    for (int i = 0; i < REPEATS; i++) {
        pthread_t other;

        require(pthread_create(&other, NULL, do_pthread_once, &controls[i]) == 0, "pthread_create");
        sem_wait(&once_has_begun);
        MEASURED(scenario, pthread_once(&controls[i], initialise_slowly) == 0);
        pthread_join(other, NULL);
    }
}

static sem_t call_once_has_begun;

static void initialise_c11_slowly(void)
{
    sem_post(&call_once_has_begun);
    sleep_ms(WAIT_MS);
}

static void *do_call_once(void *control)
{
    call_once(control, initialise_c11_slowly);
    return NULL;
}

static void run_call_once(struct scenario *scenario)
{
    static once_flag controls[REPEATS]; /* ONCE_FLAG_INIT is 0 */

    for (int i = 0; i < REPEATS; i++) {
        pthread_t other;

        require(pthread_create(&other, NULL, do_call_once, &controls[i]) == 0, "pthread_create");
        sem_wait(&call_once_has_begun);
        MEASURED(scenario, (call_once(&controls[i], initialise_c11_slowly), 1));
        pthread_join(other, NULL);
    }
}

struct c11_condition {
    mtx_t mutex;
    cnd_t condition;
    int is_set;
};

static void *begin_cnd(void)
{
    static struct c11_condition condition;

    mtx_init(&condition.mutex, mtx_plain);
    cnd_init(&condition.condition);
    return &condition;
}

static void act_cnd(void *data)
{
    struct c11_condition *condition = data;

    mtx_lock(&condition->mutex);
    condition->is_set = 1;
    cnd_signal(&condition->condition);
    mtx_unlock(&condition->mutex);
}

static void run_cnd(struct scenario *scenario)
{
    struct c11_condition *condition = begin_cnd();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        mtx_lock(&condition->mutex);
        condition->is_set = 0;
        partner_start(&partner, act_cnd, condition);
        while (!condition->is_set)
            MEASURED(scenario, cnd_wait(&condition->condition, &condition->mutex) == thrd_success);
        mtx_unlock(&condition->mutex);
        partner_end(&partner);
    }
}

static void run_cnd_timed(struct scenario *scenario)
{
    mtx_t mutex;
    cnd_t condition;

    mtx_init(&mutex, mtx_plain);
    cnd_init(&condition);
    mtx_lock(&mutex);
    for (int i = 0; i < REPEATS; i++) {
        struct timespec deadline = realtime_in_ms(WAIT_MS);

        MEASURED(scenario, cnd_timedwait(&condition, &mutex, &deadline) == thrd_timedout);
    }
}

static int sleep_and_end(void *unused)
{
    (void)unused;
    sleep_ms(WAIT_MS);
    return 7;
}

static void run_thrd_join(struct scenario *scenario)
{
    for (int i = 0; i < REPEATS; i++) {
        thrd_t thread;
        int result = 0;

        require(thrd_create(&thread, sleep_and_end, NULL) == thrd_success, "thrd_create");
        MEASURED(scenario, thrd_join(thread, &result) == thrd_success);
        require(result == 7, "the result of a C11 thread");
    }
}

static int wait_thrd_sleep(void *unused)
{
    (void)unused;
    return thrd_sleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL) == 0;
}

/* ---- Semaphores. ---- */

static void *begin_named_semaphore(void)
{
    char name[64];

    snprintf(name, sizeof name, "/ctrace-waits-%d", (int)getpid());
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    require(semaphore != SEM_FAILED, "sem_open");
    sem_unlink(name);
    return semaphore;
}

static int wait_semaphore(void *semaphore)
{
    return sem_wait(semaphore) == 0;
}

static void act_semaphore(void *semaphore)
{
    sem_post(semaphore);
}

static void *begin_semaphore(void)
{
    static sem_t semaphore;

    sem_init(&semaphore, 0, 0);
    return &semaphore;
}

static int wait_semaphore_by_clock(void *semaphore)
{
    struct timespec deadline = monotonic_in_ms(LONG_MS);

    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &deadline) == 0;
}

/* ---- System V and POSIX queues and semaphores. ---- */

static void *begin_semaphore_set(void)
{
    static int id;

    id = semget(IPC_PRIVATE, 1, 0600);
    require(id >= 0, "semget");
    return &id;
}

static int wait_semop(void *id)
{
    return semop(*(int *)id, &(struct sembuf){.sem_op = -1}, 1) == 0;
}

static void act_semop(void *id)
{
    require(semop(*(int *)id, &(struct sembuf){.sem_op = 1}, 1) == 0, "semop");
}

static int wait_semtimedop(void *id)
{
    return semtimedop(*(int *)id, &(struct sembuf){.sem_op = -1}, 1,
                      &(struct timespec){.tv_nsec = WAIT_MS * 1000000}) == -1;
}

static void run_semop(struct scenario *scenario)
{
    int *id = begin_semaphore_set();

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, act_semop, id);
        MEASURED(scenario, wait_semop(id));
        partner_end(&partner);
    }
    semctl(*id, 0, IPC_RMID);
}

static void run_semtimedop(struct scenario *scenario)
{
    int id = semget(IPC_PRIVATE, 1, 0600);

    for (int i = 0; i < REPEATS; i++)
        MEASURED(scenario, wait_semtimedop(&id));
    semctl(id, 0, IPC_RMID);
}

struct message {
    long type;
    char text[4000];
};

static void send_message(void *id)
{
    require(msgsnd(*(int *)id, &(struct message){.type = 1}, 1, 0) == 0, "msgsnd");
}

static void run_msgrcv(struct scenario *scenario)
{
    int id = msgget(IPC_PRIVATE, 0600);
    struct message message;

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, send_message, &id);
        MEASURED(scenario, msgrcv(id, &message, sizeof message.text, 0, 0) == 1);
        partner_end(&partner);
    }
    msgctl(id, IPC_RMID, NULL);
}

static void receive_message(void *id)
{
    static __thread struct message message;

    require(msgrcv(*(int *)id, &message, sizeof message.text, 0, 0) > 0, "msgrcv");
}

static void run_msgsnd(struct scenario *scenario)
{
    static const struct message message = {.type = 1};
    int id = msgget(IPC_PRIVATE, 0600);

    while (msgsnd(id, &message, sizeof message.text, IPC_NOWAIT) == 0)
        ;
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, receive_message, &id);
        MEASURED(scenario, msgsnd(id, &message, sizeof message.text, 0) == 0);
        partner_end(&partner);
    }
    msgctl(id, IPC_RMID, NULL);
}

static mqd_t open_queue(const char *which)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
    char name[64];

    snprintf(name, sizeof name, "/ctrace-%s-%d", which, (int)getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    require(queue >= 0, "mq_open");
    mq_unlink(name);
    return queue;
}

static void *begin_mq_receive(void)
{
    static mqd_t queue;

    queue = open_queue("receive");
    return &queue;
}

static int wait_mq_receive(void *queue)
{
    char byte;

    return mq_receive(*(mqd_t *)queue, &byte, 1, NULL) == 1;
}

static void act_mq_send(void *queue)
{
    require(mq_send(*(mqd_t *)queue, "x", 1, 0) == 0, "mq_send");
}

static void *begin_mq_send(void)
{
    static mqd_t queue;

    queue = open_queue("send");
    act_mq_send(&queue);
    return &queue;
}

static int wait_mq_send(void *queue)
{
    struct timespec deadline = realtime_in_ms(LONG_MS);

    return mq_timedsend(*(mqd_t *)queue, "x", 1, 0, &deadline) == 0;
}

static void act_mq_receive(void *queue)
{
    char byte;

    require(mq_receive(*(mqd_t *)queue, &byte, 1, NULL) == 1, "mq_receive");
}

/* ---- Futexes by syscall(), as Rust's standard library does. ---- */

static void *begin_futex(void)
{
    return calloc(1, sizeof(_Atomic uint32_t));
}

static int wait_futex(void *futex)
{
    _Atomic uint32_t *word = futex;

    while (atomic_load(word) == 0)
        syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
    atomic_store(word, 0);
    return 1;
}

static int wait_futex_bitset(void *futex)
{
    _Atomic uint32_t *word = futex;

    while (atomic_load(word) == 0)
        syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL,
                FUTEX_BITSET_MATCH_ANY);
    atomic_store(word, 0);
    return 1;
}

static void act_futex(void *futex)
{
    atomic_store((_Atomic uint32_t *)futex, 1);
    syscall(SYS_futex, futex, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

#ifdef SYS_futex_waitv
static int wait_futex_waitv(void *futex)
{
    _Atomic uint32_t *word = futex;
    struct futex_waitv waiter = {.uaddr = (uintptr_t)word, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};

    while (atomic_load(word) == 0)
        syscall(SYS_futex_waitv, &waiter, 1, 0, NULL, 0);
    atomic_store(word, 0);
    return 1;
}
#endif

#define SYNC(n, o, ...)                                  \
    {                                                    \
        .name = n, .op = o, .class = "sync", __VA_ARGS__ \
    }

static struct scenario scenarios[] = {
    SYNC("rdlock", "pthread_rwlock_rdlock", .run = run_rdlock, .is_woken = 1),
    SYNC("wrlock", "pthread_rwlock_wrlock", .run = run_wrlock, .is_woken = 1),
    SYNC("timedrdlock", "pthread_rwlock_timedrdlock", .run = run_timedrdlock, .is_woken = 1),
    SYNC("timedwrlock", "pthread_rwlock_timedwrlock", .run = run_timedwrlock, .is_woken = 1),
    SYNC("clockrdlock", "pthread_rwlock_timedrdlock", .run = run_clockrdlock, .is_woken = 1),
    SYNC("clockwrlock", "pthread_rwlock_timedwrlock", .run = run_clockwrlock, .is_woken = 1),
    SYNC("mtx", "pthread_mutex_lock", .run = run_mtx, .is_woken = 1),
    SYNC("mtx-timed", "pthread_mutex_timedlock", .run = run_mtx_timed, .is_woken = 1),
    SYNC("spin", "pthread_spin_lock", .run = run_spin, .is_woken = 1),
    SYNC("flock", "flock", .run = run_flock),
    SYNC("fcntl", "fcntl", .run = run_fcntl),
    SYNC("lockf", "fcntl", .run = run_lockf),
    SYNC("barrier", "pthread_barrier_wait", .begin = begin_barrier, .wait = wait_barrier,
         .act = act_barrier, .is_woken = 1),
    SYNC("once", "pthread_once", .run = run_once, .is_woken = 1),
    SYNC("call-once", "pthread_once", .run = run_call_once, .is_woken = 1),
    SYNC("cnd", "pthread_cond_wait", .run = run_cnd, .is_woken = 1),
    SYNC("cnd-timed", "pthread_cond_timedwait", .run = run_cnd_timed),
    SYNC("thrd-join", "pthread_join", .run = run_thrd_join, .is_woken = 1),
    {.name = "thrd-sleep", .op = "nanosleep", .class = "sleep", .wait = wait_thrd_sleep},
    SYNC("named-sem", "sem_wait", .begin = begin_named_semaphore, .wait = wait_semaphore,
         .act = act_semaphore, .is_woken = 1),
    SYNC("sem-clock", "sem_timedwait", .begin = begin_semaphore, .wait = wait_semaphore_by_clock,
         .act = act_semaphore, .is_woken = 1),
    SYNC("semop", "semop", .run = run_semop),
    SYNC("semtimedop", "semop", .run = run_semtimedop),
    SYNC("msgrcv", "msgrcv", .run = run_msgrcv),
    SYNC("msgsnd", "msgsnd", .run = run_msgsnd),
    SYNC("mq-receive", "mq_receive", .begin = begin_mq_receive, .wait = wait_mq_receive,
         .act = act_mq_send),
    SYNC("mq-send", "mq_send", .begin = begin_mq_send, .wait = wait_mq_send, .act = act_mq_receive),
    SYNC("futex", "futex_wait", .begin = begin_futex, .wait = wait_futex, .act = act_futex,
         .is_woken = 1),
    SYNC("futex-bitset", "futex_wait", .begin = begin_futex, .wait = wait_futex_bitset,
         .act = act_futex, .is_woken = 1),
#ifdef SYS_futex_waitv
    SYNC("futex-waitv", "futex_wait", .begin = begin_futex, .wait = wait_futex_waitv,
         .act = act_futex, .is_woken = 1),
#endif
};

int main(void)
{
    return run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}
