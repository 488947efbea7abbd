/* Where variables of ours lie. */
#ifndef CTRACE_PRELOAD_CORE_STORAGE_H
#define CTRACE_PRELOAD_CORE_STORAGE_H

/* For large tables, of which a program uses a few pages: they lie behind all other data, which then
 * lies together, since each page of it is a fault in each process. */
#define CT_LARGE __attribute__((section(".bss.large")))

#define CT_TLS __thread __attribute__((tls_model("initial-exec")))

#endif
