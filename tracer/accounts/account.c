#include "account.h"

static uint64_t minus(uint64_t amount, uint64_t less)
{
    return amount > less ? amount - less : 0;
}

uint64_t ct_account_off_cpu_ns(const struct ct_account *account)
{
    uint64_t sum_ns = 0;

    for (int i = CT_CLASS_RUNNABLE + 1; i < CT_CLASS_COUNT; i++)
        sum_ns += account->ns[i];
    return sum_ns;
}

uint64_t ct_account_untold_ns(const struct ct_account *account, uint64_t now_ns)
{
    uint64_t told_ns = account->ns[CT_CLASS_RUNNING] + account->ns[CT_CLASS_RUNNABLE] +
                       ct_account_off_cpu_ns(account);

    return minus(minus(now_ns, account->begin_ns), told_ns);
}

static void advance(struct ct_account *account, enum ct_class class, uint64_t to_ns,
                    uint64_t *added)
{
    added[class] = minus(to_ns, account->ns[class]);
    account->ns[class] += added[class];
}

void ct_account_update(struct ct_account *account, uint64_t now_ns,
                       const struct ct_look_times *times, enum ct_class class,
                       uint64_t added[CT_CLASS_COUNT])
{
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        added[i] = 0;
    advance(account, CT_CLASS_RUNNING, minus(times->running_ns, account->at_begin.running_ns),
            added);
    advance(account, CT_CLASS_RUNNABLE, minus(times->runnable_ns, account->at_begin.runnable_ns),
            added);
    if (class == CT_CLASS_RUNNING || class == CT_CLASS_RUNNABLE)
        return; /* the kernel has not told yet what it runs or waits for a CPU just now */
    advance(account, class, account->ns[class] + ct_account_untold_ns(account, now_ns), added);
}
