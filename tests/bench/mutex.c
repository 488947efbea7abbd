/* Nanoseconds for one uncontended lock and unlock. */
#include "timing.h"

#include <pthread.h>

static void *nothing(void *unused)
{
    return unused;
}

int main(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;

    /* glibc takes short cuts in programs that never had a second thread. */
    pthread_create(&thread, NULL, nothing, NULL);
    pthread_join(thread, NULL);
    BENCH(pthread_mutex_lock(&lock); pthread_mutex_unlock(&lock));
    return 0;
}
