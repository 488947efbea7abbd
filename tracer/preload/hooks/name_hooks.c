/* Names and addresses: what the resolver waits for inside the C library counts as one wait. */
#include "wrap.h"

#include <netdb.h>

/* One that gives an error number of its own kind. */
#define CT_WRAP_NAME(name, params, args, op) \
    CT_WRAP_OUTCOME(int, name, params, args, op, CT_CLASS_NET, 0, result)

/* One that gives NULL and h_errno. */
#define CT_WRAP_HOST(name, params, args, op) \
    CT_WRAP_OUTCOME(struct hostent *, name, params, args, op, CT_CLASS_NET, 0, result == NULL)

CT_WRAP_NAME(getaddrinfo,
             (const char *restrict host, const char *restrict service,
              const struct addrinfo *restrict hints, struct addrinfo **restrict found),
             (host, service, hints, found), CT_OP_GETADDRINFO)
CT_WRAP_NAME(getnameinfo,
             (const struct sockaddr *restrict address, socklen_t size, char *restrict host,
              socklen_t host_size, char *restrict service, socklen_t service_size, int flags),
             (address, size, host, host_size, service, service_size, flags), CT_OP_GETNAMEINFO)
CT_WRAP_HOST(gethostbyname, (const char *name), (name), CT_OP_GETHOSTBYNAME)
CT_WRAP_HOST(gethostbyname2, (const char *name, int family), (name, family), CT_OP_GETHOSTBYNAME)
CT_WRAP_HOST(gethostbyaddr, (const void *address, socklen_t size, int family),
             (address, size, family), CT_OP_GETHOSTBYADDR)
CT_WRAP_NAME(gethostbyname_r,
             (const char *restrict name, struct hostent *restrict entry, char *restrict buffer,
              size_t size, struct hostent **restrict found, int *restrict error),
             (name, entry, buffer, size, found, error), CT_OP_GETHOSTBYNAME)
CT_WRAP_NAME(gethostbyname2_r,
             (const char *restrict name, int family, struct hostent *restrict entry,
              char *restrict buffer, size_t size, struct hostent **restrict found,
              int *restrict error),
             (name, family, entry, buffer, size, found, error), CT_OP_GETHOSTBYNAME)
CT_WRAP_NAME(gethostbyaddr_r,
             (const void *restrict address, socklen_t address_size, int family,
              struct hostent *restrict entry, char *restrict buffer, size_t size,
              struct hostent **restrict found, int *restrict error),
             (address, address_size, family, entry, buffer, size, found, error),
             CT_OP_GETHOSTBYADDR)
