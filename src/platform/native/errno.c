/* Names of errno.h. Of those that share a number, the one that the kernel's own sources use. */
#include "native.h"

#include <errno.h>
#include <string.h>

#define ENTRY(name) {name, #name}

static const struct {
  int number;
  const char *name;
} entries[] = {
    ENTRY(E2BIG),
    ENTRY(EACCES),
    ENTRY(EADDRINUSE),
    ENTRY(EADDRNOTAVAIL),
    ENTRY(EAFNOSUPPORT),
    ENTRY(EAGAIN),
    ENTRY(EALREADY),
    ENTRY(EBADF),
    ENTRY(EBADMSG),
    ENTRY(EBUSY),
    ENTRY(ECANCELED),
    ENTRY(ECHILD),
    ENTRY(ECONNABORTED),
    ENTRY(ECONNREFUSED),
    ENTRY(ECONNRESET),
    ENTRY(EDEADLK),
    ENTRY(EDESTADDRREQ),
    ENTRY(EDOM),
    ENTRY(EDQUOT),
    ENTRY(EEXIST),
    ENTRY(EFAULT),
    ENTRY(EFBIG),
    ENTRY(EHOSTUNREACH),
    ENTRY(EIDRM),
    ENTRY(EILSEQ),
    ENTRY(EINPROGRESS),
    ENTRY(EINTR),
    ENTRY(EINVAL),
    ENTRY(EIO),
    ENTRY(EISCONN),
    ENTRY(EISDIR),
    ENTRY(ELOOP),
    ENTRY(EMFILE),
    ENTRY(EMLINK),
    ENTRY(EMSGSIZE),
    ENTRY(EMULTIHOP),
    ENTRY(ENAMETOOLONG),
    ENTRY(ENETDOWN),
    ENTRY(ENETRESET),
    ENTRY(ENETUNREACH),
    ENTRY(ENFILE),
    ENTRY(ENOBUFS),
    ENTRY(ENODATA),
    ENTRY(ENODEV),
    ENTRY(ENOENT),
    ENTRY(ENOEXEC),
    ENTRY(ENOLCK),
    ENTRY(ENOLINK),
    ENTRY(ENOMEM),
    ENTRY(ENOMSG),
    ENTRY(ENOPROTOOPT),
    ENTRY(ENOSPC),
    ENTRY(ENOSR),
    ENTRY(ENOSTR),
    ENTRY(ENOSYS),
    ENTRY(ENOTCONN),
    ENTRY(ENOTDIR),
    ENTRY(ENOTEMPTY),
    ENTRY(ENOTSOCK),
    ENTRY(ENOTTY),
    ENTRY(ENXIO),
    ENTRY(EOPNOTSUPP),
    ENTRY(EOVERFLOW),
    ENTRY(EPERM),
    ENTRY(EPIPE),
    ENTRY(EPROTO),
    ENTRY(EPROTONOSUPPORT),
    ENTRY(EPROTOTYPE),
    ENTRY(ERANGE),
    ENTRY(EROFS),
    ENTRY(ESPIPE),
    ENTRY(ESRCH),
    ENTRY(ESTALE),
    ENTRY(ETIME),
    ENTRY(ETIMEDOUT),
    ENTRY(ETXTBSY),
    ENTRY(EXDEV),
};

enum { COUNT = sizeof entries / sizeof *entries };

const char *errno_name(int number) {
  for (size_t i = 0; i < COUNT; i++)
    if (entries[i].number == number) return entries[i].name;
  return NULL;
}

int errno_number(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(entries[i].name, name) == 0) return entries[i].number;
  return 0;
}
