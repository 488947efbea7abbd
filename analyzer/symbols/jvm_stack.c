#include "symbols/jvm_stack.h"

#include <string.h>

/* Where they wait for something to do, in the versions from 11 to 21. */
static const char *const loops[] = {
    "CompileQueue::get",
    "G1ConcurrentMarkThread::run_service",
    "G1ConcurrentMarkThread::wait_for_next_cycle",
    "G1ConcurrentRefineThread::run_service",
    "G1ConcurrentRefineThread::wait_for_completed_buffers",
    "G1ServiceThread::run_service",
    "G1ServiceThread::sleep_before_next_cycle",
    "G1ServiceThread::wait_for_task",
    "GangWorker::loop",
    "JVM_WaitForReferencePendingList",
    "MonitorDeflationThread::monitor_deflation_thread_entry",
    "NotificationThread::notification_thread_entry",
    "ServiceThread::service_thread_entry",
    "VMThread::loop",
    "VMThread::run",
    "VMThread::wait_for_operation",
    "WatcherThread::sleep",
    "WorkerTaskDispatcher::worker_run_task",
    "os::signal_wait",
    "signal_thread_entry",
};

/* What they wait by: it says nothing of what for. */
static const char *const waits[] = {
    "Monitor::",
    "MonitorLocker::",
    "PosixSemaphore::",
    "Semaphore::",
    "os::",
    "SemaphoreGangTaskDispatcher::",
    "_",
    "pthread_",
    "sem_",
    "futex",
};

/* Of "CompileQueue::get()", without its parameters. */
static gboolean is_loop(const char *function)
{
    size_t size = strcspn(function, "(");

    for (size_t i = 0; i < G_N_ELEMENTS(loops); i++) {
        if (strlen(loops[i]) == size && strncmp(function, loops[i], size) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_wait(const char *function)
{
    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        if (g_str_has_prefix(function, waits[i]))
            return TRUE;
    }
    return FALSE;
}

gboolean ct_jvm_stack_is_idle(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                              const struct ct_stack *stack)
{
    for (uint32_t i = 0; stack && i < stack->count; i++) {
        const struct ct_symbol *symbol =
            ct_symbolizer_resolve_return(symbolizer, process, stack->addresses[i], stack->time_ns);

        for (size_t k = 0; k < symbol->frame_count; k++) {
            if (is_loop(symbol->frames[k].function))
                return TRUE;
            if (!symbol->is_own && !is_wait(symbol->frames[k].function))
                return FALSE;
        }
    }
    return FALSE;
}
