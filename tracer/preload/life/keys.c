#include "keys.h"

#define CT_REAL_PLACE

#include "preload/core/hook.h"
#include "preload/core/sanitizers.h"
#include "preload/core/storage.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <threads.h>

CT_REAL(int, pthread_key_create, (pthread_key_t * key, void (*destructor)(void *)))
CT_REAL(int, pthread_key_delete, (pthread_key_t key))
CT_REAL(void *, pthread_getspecific, (pthread_key_t key))
CT_REAL(int, pthread_setspecific, (pthread_key_t key, const void *value))
CT_REAL(void, tss_delete, (tss_t key))
CT_REAL(void *, tss_get, (tss_t key))
CT_REAL(int, tss_set, (tss_t key, void *value))

/* Values of keys up to here are in the thread's own memory: beyond, the C library allocates. */
#define LAST_KEY_WITHOUT_HEAP 31

static pthread_key_t shared_key = UINT_MAX; /* no key's number as long as there is none */

/* The program's key of that number: its uses so far, odd while there is one. */
static _Atomic uint32_t uses;
static void (*_Atomic program_destructor)(void *value);

/* A thread's value of it. */
static CT_TLS struct {
    void *value;
    uint32_t use; /* of the key for which it was set */
} program_data;

/* ---- The end of a thread. ---- */

static void (*on_thread_end)(void);

/* The round of destructors in which a thread has ended for us. */
static int exit_round = PTHREAD_DESTRUCTOR_ITERATIONS;

static void free_program_data(void)
{
    void (*destructor)(void *) = atomic_load(&program_destructor);
    void *value = program_data.value;

    program_data.value = NULL;
    if (value != NULL && destructor != NULL && program_data.use == atomic_load(&uses))
        destructor(value);
}

/* The C library calls it once more, up to a limit, as long as there is a value again. */
static void on_thread_data_freed(void *data)
{
    static CT_TLS int rounds;

    rounds++;
    free_program_data();
    if (rounds == exit_round || (rounds < exit_round && real_pthread_setspecific(shared_key, data)))
        on_thread_end();
}

/* Any value does. */
static int watch_thread(void)
{
    CT_NEED_REAL(pthread_setspecific);
    return real_pthread_setspecific(shared_key, &program_data);
}

void ct_keys_watch_thread(void)
{
    if (shared_key != UINT_MAX)
        watch_thread();
}

/* Makes keys up to that number, keeps the last, and gives back the others. */
void ct_keys_init(void (*on_end)(void))
{
    pthread_key_t made[LAST_KEY_WITHOUT_HEAP + 1];
    int count = 0;

    CT_NEED_REAL(pthread_key_create);
    CT_NEED_REAL(pthread_key_delete);
    on_thread_end = on_end;
    if (ct_has_thread_sanitizer())
        exit_round -= 1; /* the last is the sanitizer's */
    while (count <= LAST_KEY_WITHOUT_HEAP &&
           real_pthread_key_create(&made[count], on_thread_data_freed) == 0)
        if (made[count++] >= LAST_KEY_WITHOUT_HEAP)
            break;
    if (count > 1 && made[count - 1] > LAST_KEY_WITHOUT_HEAP)
        real_pthread_key_delete(made[--count]);
    if (count > 0)
        shared_key = made[--count];
    while (count > 0)
        real_pthread_key_delete(made[--count]);
}

/* ---- The program's key of the same number. ---- */

static bool begin_use(void (*destructor)(void *))
{
    uint32_t use = atomic_load(&uses);

    do {
        if (use % 2 != 0)
            return false;
    } while (!atomic_compare_exchange_weak(&uses, &use, use + 1));
    atomic_store(&program_destructor, destructor);
    return true;
}

static int end_use(void)
{
    uint32_t use = atomic_load(&uses);

    do {
        if (use % 2 == 0)
            return EINVAL;
    } while (!atomic_compare_exchange_weak(&uses, &use, use + 1));
    return 0;
}

static void *get_program_data(void)
{
    return program_data.use == atomic_load(&uses) ? program_data.value : NULL;
}

static int set_program_data(const void *value)
{
    uint32_t use = atomic_load(&uses);

    if (use % 2 == 0)
        return EINVAL;
    program_data.value = (void *)value;
    program_data.use = use;
    return value != NULL ? watch_thread() : 0; /* the thread may be none of ours */
}

/* ---- All keys. ---- */

static int make_key(pthread_key_t *key, void (*destructor)(void *))
{
    int result = real_pthread_key_create(key, destructor);

    if ((result == 0 && *key < shared_key) || shared_key == UINT_MAX || !begin_use(destructor))
        return result;
    if (result == 0)
        real_pthread_key_delete(*key); /* ours is the lowest number that is free */
    *key = shared_key;
    return 0;
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    CT_NEED_REAL(pthread_key_create);
    CT_NEED_REAL(pthread_key_delete);
    return make_key(key, destructor);
}

int pthread_key_delete(pthread_key_t key)
{
    CT_NEED_REAL(pthread_key_delete);
    return CT_UNLIKELY(key == shared_key) ? end_use() : real_pthread_key_delete(key);
}

void *pthread_getspecific(pthread_key_t key)
{
    CT_NEED_REAL(pthread_getspecific);
    return CT_UNLIKELY(key == shared_key) ? get_program_data() : real_pthread_getspecific(key);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    CT_NEED_REAL(pthread_setspecific);
    if (CT_UNLIKELY(key == shared_key))
        return set_program_data(value);
    return real_pthread_setspecific(key, value);
}

/* C11's are pthread's under other names and results. */

CT_EXPORT int tss_create(tss_t *key, tss_dtor_t destructor)
{
    CT_NEED_REAL(pthread_key_create);
    CT_NEED_REAL(pthread_key_delete);
    return make_key(key, destructor) == 0 ? thrd_success : thrd_error;
}

void tss_delete(tss_t key)
{
    CT_NEED_REAL(tss_delete);
    if (CT_UNLIKELY(key == shared_key))
        end_use();
    else
        real_tss_delete(key);
}

void *tss_get(tss_t key)
{
    CT_NEED_REAL(tss_get);
    return CT_UNLIKELY(key == shared_key) ? get_program_data() : real_tss_get(key);
}

int tss_set(tss_t key, void *value)
{
    CT_NEED_REAL(tss_set);
    if (CT_LIKELY(key != shared_key))
        return real_tss_set(key, value);
    return set_program_data(value) == 0 ? thrd_success : thrd_error;
}

/* The names by which old programs and the C library's relatives call them. */
int __pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
void *__pthread_getspecific(pthread_key_t key);
int __pthread_setspecific(pthread_key_t key, const void *value);

CT_EXPORT int __pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    return pthread_key_create(key, destructor);
}

CT_EXPORT void *__pthread_getspecific(pthread_key_t key)
{
    return pthread_getspecific(key);
}

CT_EXPORT int __pthread_setspecific(pthread_key_t key, const void *value)
{
    return pthread_setspecific(key, value);
}
