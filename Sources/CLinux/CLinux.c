// Definitions behind CLinux.h; the only file that is compiled with _GNU_SOURCE.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <nss.h>
#include <sched.h>
#include <signal.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <endian.h>
// Uses struct timespec without declaring it.
#include <linux/errqueue.h>

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

// The error queue hands this over, and right behind it the sender's address (ip_recv_error).
_Static_assert(sizeof(struct sock_extended_err) == 16, "sock_extended_err");
_Static_assert(offsetof(struct sock_extended_err, ee_origin) == 4, "sock_extended_err: ee_origin");

int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return accept4(fd, address, length, flags);
}

const char *clinux_strerrorname(int error) { return strerrorname_np(error); }
const char *clinux_strerrordesc(int error) { return strerrordesc_np(error); }

// A descriptor that can be neither read nor written and needs no /dev.
int clinux_open_placeholder(void) { return open("/", O_PATH | O_DIRECTORY); }

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_enter_network_namespace(int fd) { return setns(fd, CLONE_NEWNET); }

enum isolation_step { step_unshare, step_map_user, step_map_group, step_raise_loopback, step_fork };
static const char *const isolation_steps[] = {
    "unshare", "write to uid_map", "write to gid_map", "raise the loopback interface", "fork",
};

static int write_file(const char *path, const char *text, size_t length) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd == -1) return errno;
  const int error = write(fd, text, length) == (ssize_t)length ? 0 : errno;
  close(fd);
  return error;
}

// The same number inside as outside, so that files still belong to whom they did.
static int map_to_itself(const char *path, unsigned id) {
  char line[32];
  return write_file(path, line, (size_t)snprintf(line, sizeof line, "%u %u 1", id, id));
}

static int raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo"};
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd == -1) return errno;
  int error = ioctl(fd, SIOCGIFFLAGS, &request) == -1 ? errno : 0;
  request.ifr_flags |= IFF_UP;
  if (error == 0 && ioctl(fd, SIOCSIFFLAGS, &request) == -1) error = errno;
  close(fd);
  return error;
}

static int isolate(int with_user_namespace, enum isolation_step *step) {
  // Read before: afterwards, and until there is a map, nobody has a number.
  const uid_t user = geteuid();
  const gid_t group = getegid();
  int error;
  *step = step_unshare;
  if (unshare(CLONE_NEWNET | (with_user_namespace ? CLONE_NEWUSER : 0)) == -1) return errno;
  if (with_user_namespace) {
    *step = step_map_user;
    if ((error = map_to_itself("/proc/self/uid_map", user)) != 0) return error;
    // Without it a group may not be mapped by an ordinary user; before Linux 3.19 there is no such file.
    (void)write_file("/proc/self/setgroups", "deny", 4);
    *step = step_map_group;
    if ((error = map_to_itself("/proc/self/gid_map", group)) != 0) return error;
  }
  *step = step_raise_loopback;
  return raise_loopback();
}

int clinux_isolate_network(int with_user_namespace, const char **step) {
  enum isolation_step reached;
  const int error = isolate(with_user_namespace, &reached);
  *step = isolation_steps[reached];
  return error;
}

int clinux_try_isolation(int with_user_namespace, const char **step) {
  struct {
    int error;
    enum isolation_step step;
  } answer = {EIO, step_fork};
  int ends[2];
  *step = isolation_steps[step_fork];
  if (pipe2(ends, O_CLOEXEC) == -1) return errno;
  const pid_t child = fork();
  if (child == -1) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    return error;
  }
  if (child == 0) {
    answer.error = isolate(with_user_namespace, &answer.step);
    _exit(write(ends[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
  }
  close(ends[1]);
  // A child that dies writes nothing, and then the answer is as it was.
  while (read(ends[0], &answer, sizeof answer) == -1 && errno == EINTR) {}
  close(ends[0]);
  while (waitpid(child, NULL, 0) == -1 && errno == EINTR) {}
  *step = isolation_steps[answer.step];
  return answer.error;
}

int clinux_rename_unless_there(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

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

static uint64_t number_at(const uint8_t *bytes) {
  uint64_t number;
  memcpy(&number, bytes, sizeof number);
  return be64toh(number);
}

static void take_sender(struct clinux_icmp_error *taken, const char *address, size_t length) {
  sa_family_t family;
  if (length < sizeof family) return;
  memcpy(&family, address, sizeof family);
  if (family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in v4;
    memcpy(&v4, address, sizeof v4);
    taken->sender_family = 4;
    taken->sender_low = ntohl(v4.sin_addr.s_addr);
  } else if (family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    taken->sender_family = 6;
    taken->sender_high = number_at(v6.sin6_addr.s6_addr);
    taken->sender_low = number_at(v6.sin6_addr.s6_addr + 8);
    taken->sender_scope = v6.sin6_scope_id;
  }
}

int clinux_take_icmp_error(int fd, struct clinux_icmp_error *taken) {
  // Room for more than one control message: options such as IP_PKTINFO add theirs.
  union {
    struct cmsghdr header;
    char bytes[512];
  } control;
  // Without room for the packet that the message quotes: nobody reads it.
  struct msghdr message = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  memset(taken, 0, sizeof *taken);
  if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) == -1) return -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    const int is_v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
    const int is_v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
    struct sock_extended_err error;
    if ((!is_v4 && !is_v6) || c->cmsg_len < CMSG_LEN(sizeof error)) continue;
    memcpy(&error, CMSG_DATA(c), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    taken->error = (int)error.ee_errno;
    taken->is_icmpv6 = error.ee_origin == SO_EE_ORIGIN_ICMP6;
    taken->type = error.ee_type;
    taken->code = error.ee_code;
    take_sender(
        taken, (const char *)CMSG_DATA(c) + sizeof error, c->cmsg_len - CMSG_LEN(sizeof error));
    return 1;
  }
  return 0;
}

unsigned long clinux_siocoutq(void) { return SIOCOUTQ; }

// Swift and the C library call abort(3) where there is no memory left, and Swift's reader of the names
// of types (6.3) writes to where it got none. That is no bug of this program: where it is memory that is
// lacking, it ends as it does for every other lack of its own end, with the status that
// ExitStatus.localEnd has. abort(3) goes on when this returns; a fault, or a signal from elsewhere, ends
// the program as it would have without this.
static void no_memory(int signal) {
  static const char text[] = "Error: out of memory (ENOMEM)\n";
  const void *const probe =
      mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe != MAP_FAILED || errno != ENOMEM) {
    if (signal == SIGSEGV) (void)raise(signal);
    return;
  }
  // Who cannot be told has the status.
  const ssize_t told = write(STDERR_FILENO, text, sizeof text - 1);
  (void)told;
  _exit(15);
}

static int argument_count;
static char **arguments;

// Runs before the Swift runtime starts, which looks for its backtracer beside its own shared
// library: in a static program it asks /proc for that and, without /proc, ends the program. There
// is no backtracer to be found beside this one, so the answer is given in advance. Whoever sets the
// variable has the last word.
__attribute__((constructor(101))) static void before_the_runtime(int count, char **vector) {
  argument_count = count;
  arguments = vector;
  (void)signal(SIGABRT, no_memory);
  const struct sigaction once = {.sa_handler = no_memory, .sa_flags = (int)SA_RESETHAND};
  (void)sigaction(SIGSEGV, &once, NULL);
  if (clinux_is_static()) setenv("SWIFT_BACKTRACE", "enable=no,swift-backtrace=/", 0);
}

const char *clinux_argument(int index) {
  return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

const char *clinux_environment(int index) {
  for (int i = 0; environ != NULL && environ[i] != NULL; i++) {
    if (i == index) return environ[i];
  }
  return NULL;
}

ssize_t clinux_splice(int from, int to, size_t count) {
  return splice(from, NULL, to, NULL, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

ssize_t clinux_sendfile(int to, int file, size_t count) { return sendfile(to, file, NULL, count); }

int clinux_make_pipe(int *ends) { return pipe2(ends, O_CLOEXEC | O_NONBLOCK); }

int clinux_pipe_size(int fd) { return fcntl(fd, F_GETPIPE_SZ); }

int clinux_set_pipe_size(int fd, int size) { return fcntl(fd, F_SETPIPE_SZ, size); }

int clinux_is_null_device(dev_t device) { return device == makedev(1, 3); }
