/* Where variables of ours lie. */
#ifndef CTRACE_PRELOAD_CORE_STORAGE_H
#define CTRACE_PRELOAD_CORE_STORAGE_H

/* For large tables, of which a program uses a few pages: they lie behind all other data, which then
 * lies together, since each page of it is a fault in each process. */
#define CT_LARGE __attribute__((section(".bss.large")))

/* For the one of them that every process uses the beginning of: it comes first. */
#define CT_LARGE_FIRST __attribute__((section(".bss.first")))

/* For many small variables, of which most processes use few or none. */
#define CT_SELDOM __attribute__((section(".bss.seldom")))

/* For the one table that goes with them: its beginning is on their page. */
#define CT_SELDOM_TABLE __attribute__((section(".bss.seldom_table")))

/* For what the kernel is to treat as the only thing on its pages: behind all else, by layout.ld. */
#define CT_OWN_PAGES __attribute__((section(".bss.pages")))

#define CT_TLS __thread __attribute__((tls_model("initial-exec")))

#endif
