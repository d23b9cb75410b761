// Definitions behind CLinux.h; the only file that is compiled with _GNU_SOURCE.
#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>

// SocketCore reads these by offset from what the kernel returned; the layout is ABI and only grows.
_Static_assert(offsetof(struct linux_tcp_info, tcpi_rtt) == 68, "tcp_info: tcpi_rtt");
_Static_assert(offsetof(struct linux_tcp_info, tcpi_total_retrans) == 100, "tcp_info: total_retrans");
_Static_assert(offsetof(struct linux_tcp_info, tcpi_bytes_acked) == 120, "tcp_info: bytes_acked");
_Static_assert(sizeof(struct linux_tcp_info) >= 192, "tcp_info: headers older than Linux 4.10");

// sock_diag(7) messages are read by these offsets (Sources/KernelTables/SockDiag.swift).
_Static_assert(sizeof(struct nlmsghdr) == 16, "nlmsghdr");
_Static_assert(sizeof(struct inet_diag_req) == 60, "inet_diag_req");
_Static_assert(sizeof(struct inet_diag_req_v2) == 56, "inet_diag_req_v2");
_Static_assert(sizeof(struct inet_diag_msg) == 72, "inet_diag_msg");

int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return accept4(fd, address, length, flags);
}

const char *clinux_strerrorname(int error) { return strerrorname_np(error); }
const char *clinux_strerrordesc(int error) { return strerrordesc_np(error); }

// A descriptor that can be neither read nor written and needs no /dev.
int clinux_open_placeholder(void) { return open("/", O_PATH | O_DIRECTORY); }

const char *clinux_gai_name(int error) {
  switch (error) {
    case EAI_AGAIN: return "EAI_AGAIN";
    case EAI_BADFLAGS: return "EAI_BADFLAGS";
    case EAI_FAIL: return "EAI_FAIL";
    case EAI_FAMILY: return "EAI_FAMILY";
    case EAI_MEMORY: return "EAI_MEMORY";
    case EAI_NODATA: return "EAI_NODATA";
    case EAI_NONAME: return "EAI_NONAME";
    case EAI_SERVICE: return "EAI_SERVICE";
    case EAI_SOCKTYPE: return "EAI_SOCKTYPE";
    case EAI_SYSTEM: return "EAI_SYSTEM";
    case EAI_ADDRFAMILY: return "EAI_ADDRFAMILY";
    case EAI_IDN_ENCODE: return "EAI_IDN_ENCODE";
    default: return NULL;
  }
}

// The kernel passes the load address of the program interpreter, which a static program lacks.
int clinux_is_static(void) { return getauxval(AT_BASE) == 0; }

int clinux_use_builtin_name_sources(void) {
  return __nss_configure_lookup("hosts", "files dns") == 0 &&
                 __nss_configure_lookup("services", "files") == 0
             ? 0
             : -1;
}

unsigned long clinux_siocoutq(void) { return SIOCOUTQ; }

static int argument_count;
static char **arguments;

// Runs before the Swift runtime starts, which looks for its backtracer beside its own shared
// library: in a static program it asks /proc for that and, without /proc, ends the program. There
// is no backtracer to be found beside this one, so the answer is given in advance. Whoever sets the
// variable has the last word.
__attribute__((constructor(101))) static void before_the_runtime(int count, char **vector) {
  argument_count = count;
  arguments = vector;
  if (clinux_is_static()) setenv("SWIFT_BACKTRACE", "enable=no,swift-backtrace=/", 0);
}

const char *clinux_argument(int index) {
  return index >= 0 && index < argument_count ? arguments[index] : NULL;
}
