/* Who root becomes in a sandbox: the kernel's user for those that have no name, which no file is to
 * belong to. */
#ifndef CTRACE_SANDBOX_USER_H
#define CTRACE_SANDBOX_USER_H

#define CT_SANDBOX_USER 65534

#endif
