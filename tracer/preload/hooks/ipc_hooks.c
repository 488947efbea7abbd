/* System V semaphores and message queues, POSIX message queues. */
#include "preload/core/memory.h"
#include "preload/wait/fd.h"
#include "wrap.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>

/* ---- System V. ---- */

/* More operations at once than any system allows. */
#define OPERATIONS_MAX 65536

/* Some operation of the set waits for the semaphore: a positive one never does. */
static bool may_wait(const struct sembuf *operations, size_t count)
{
    if ((!*ct_is_ours && !ct_self_settle()) || count > OPERATIONS_MAX ||
        !ct_memory_is_readable(operations, count * sizeof(*operations)))
        return false; /* it fails at once */
    for (size_t i = 0; i < count; i++)
        if (operations[i].sem_op <= 0 && !(operations[i].sem_flg & IPC_NOWAIT))
            return true;
    return false;
}

#define CT_WRAP_IPC(type, name, params, args, op, may_wait) \
    CT_WRAP_IF(type, name, params, args, op, may_wait, CT_CLASS_SYNC, (uint32_t)id)

CT_WRAP_IPC(int, semop, (int id, struct sembuf *operations, size_t count), (id, operations, count),
            CT_OP_SEMOP, may_wait(operations, count))
CT_WRAP_IPC(int, semtimedop,
            (int id, struct sembuf *operations, size_t count, const struct timespec *timeout),
            (id, operations, count, timeout), CT_OP_SEMOP, may_wait(operations, count))
CT_WRAP_IPC(int, msgsnd, (int id, const void *message, size_t size, int flags),
            (id, message, size, flags), CT_OP_MSGSND, !(flags & IPC_NOWAIT))
CT_WRAP_IPC(ssize_t, msgrcv, (int id, void *message, size_t size, long type, int flags),
            (id, message, size, type, flags), CT_OP_MSGRCV, !(flags & IPC_NOWAIT))

/* ---- POSIX: a message queue is a descriptor. ---- */

#define CT_WRAP_MQ(type, name, params, args, op) \
    CT_WRAP_IF(type, name, params, args, op, ct_fd_may_wait(queue), CT_CLASS_SYNC, queue)

CT_WRAP_MQ(int, mq_send, (mqd_t queue, const char *message, size_t size, unsigned priority),
           (queue, message, size, priority), CT_OP_MQ_SEND)
CT_WRAP_MQ(int, mq_timedsend,
           (mqd_t queue, const char *message, size_t size, unsigned priority,
            const struct timespec *deadline),
           (queue, message, size, priority, deadline), CT_OP_MQ_SEND)
CT_WRAP_MQ(ssize_t, mq_receive, (mqd_t queue, char *message, size_t size, unsigned *priority),
           (queue, message, size, priority), CT_OP_MQ_RECEIVE)
CT_WRAP_MQ(ssize_t, mq_timedreceive,
           (mqd_t queue, char *restrict message, size_t size, unsigned *restrict priority,
            const struct timespec *restrict deadline),
           (queue, message, size, priority, deadline), CT_OP_MQ_RECEIVE)

CT_REAL(int, mq_close, (mqd_t queue))

int mq_close(mqd_t queue)
{
    CT_NEED_REAL(mq_close);
    ct_fd_forget(queue); /* before: the number may be another thread's at once */
    return real_mq_close(queue);
}
