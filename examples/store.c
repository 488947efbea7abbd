/* The store: a thread that answers each question after a while, whatever is in it. */
#include "store.h"

#include "clock.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_US = 200 };

static void *serve(void *connection)
{
    int fd = (int)(intptr_t)connection;
    struct store_question question;
    struct store_answer answer;

    while (recv(fd, &question, sizeof(question), 0) == (ssize_t)sizeof(question)) {
        const struct timespec pause = {.tv_nsec = ANSWER_US * 1000L};

        nanosleep(&pause, NULL);
        for (uint32_t i = 0; i < question.count && i < STORE_KEYS_MAX; i++)
            answer.values[i] = 2 * question.keys[i];
        if (send(fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
            break;
    }
    close(fd);
    return NULL;
}

int store_connect(void)
{
    pthread_t thread;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0)
        return -1;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fds[1]) == 0) {
        pthread_setname_np(thread, "store");
        pthread_detach(thread);
        return fds[0];
    }
    close(fds[0]);
    close(fds[1]);
    return -1;
}
