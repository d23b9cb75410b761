// CLinux: the Linux declarations that Swift's Glibc module lacks, each with its reason.
//
// Rules. `_GNU_SOURCE` is never defined here: it would change structs that the Glibc module has
// already imported (fd_set, __SOCKADDR_ARG). Functions hidden behind it get a wrapper with the
// prefix `clinux_`, declared here and defined in CLinux.c. Constants come from the kernel's and
// libc's headers and are never typed in by hand; those that are hidden or whose type Swift cannot
// import are functions. What a wrapper mirrors is held to the kernel's layout by _Static_assert.

#ifndef TCPTOOL_CLINUX_H
#define TCPTOOL_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>

// Not part of the Glibc module.
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>

#include "Digests.h"

// The kernel's struct tcp_info. The Glibc module holds libc's older one (104 bytes: no bytes_acked,
// no delivery rate) and a few neighbours under the same names, and two definitions of one name do
// not coexist in Swift. So the kernel's get a prefix while its header is read.
#define tcp_info linux_tcp_info
#define tcp_md5sig linux_tcp_md5sig
#define tcp_diag_md5sig linux_tcp_diag_md5sig
#define tcp_repair_opt linux_tcp_repair_opt
#define tcp_repair_window linux_tcp_repair_window
#define tcp_zerocopy_receive linux_tcp_zerocopy_receive
#define tcp_ca_state linux_tcp_ca_state
#define tcp_fastopen_client_fail linux_tcp_fastopen_client_fail
#define tcphdr linux_tcphdr
#define tcp_word_hdr linux_tcp_word_hdr
#define TCP_CA_Open linux_TCP_CA_Open
#define TCP_CA_Disorder linux_TCP_CA_Disorder
#define TCP_CA_CWR linux_TCP_CA_CWR
#define TCP_CA_Recovery linux_TCP_CA_Recovery
#define TCP_CA_Loss linux_TCP_CA_Loss
#include <linux/tcp.h>
#undef tcp_info
#undef tcp_md5sig
#undef tcp_diag_md5sig
#undef tcp_repair_opt
#undef tcp_repair_window
#undef tcp_zerocopy_receive
#undef tcp_ca_state
#undef tcp_fastopen_client_fail
#undef tcphdr
#undef tcp_word_hdr
#undef TCP_CA_Open
#undef TCP_CA_Disorder
#undef TCP_CA_CWR
#undef TCP_CA_Recovery
#undef TCP_CA_Loss

// Hidden behind _GNU_SOURCE in libc.
int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
const char *clinux_strerrorname(int error);
const char *clinux_strerrordesc(int error);
int clinux_open_placeholder(void);

// A descriptor that becomes readable when the process ends, Linux 5.3; libc has no wrapper before
// 2.36. -1 with errno.
int clinux_pidfd_open(pid_t pid);

// Moves the calling thread into the network namespace behind a descriptor: setns(2) with CLONE_NEWNET,
// both hidden behind _GNU_SOURCE. -1 with errno.
int clinux_enter_network_namespace(int fd);

// Moves the calling thread into a new network namespace, with its loopback interface up: unshare(2) with
// CLONE_NEWNET, hidden like setns(2). With a user namespace, in which this user is mapped to himself, no
// privilege is needed, but then the process must have one thread and there is no way back. Returns 0, or
// the errno, and the step that failed.
int clinux_isolate_network(int with_user_namespace, const char **step);
// The same in a child process that ends at once: whether it would succeed. In C, since the child of
// fork(2) may do little before it ends.
int clinux_try_isolation(int with_user_namespace, const char **step);

// Gives a file another name that nobody has yet: renameat2(2) with RENAME_NOREPLACE, both hidden
// behind _GNU_SOURCE. -1 with errno: EEXIST where somebody has it, EINVAL where this kind of file
// system cannot do it.
int clinux_rename_unless_there(const char *from, const char *to);

// EAI_* beyond POSIX's are hidden likewise.
const char *clinux_gai_name(int error);

// libc's resolver asks the sources that /etc/nsswitch.conf names. Sources other than "files" and
// "dns" are shared objects, and a statically linked program that loads one gets a second libc with
// it, of whatever version the host has. True if this program is statically linked.
int clinux_is_static(void);
// Restricts the host and service look-ups of this process to the sources inside libc itself.
// Returns 0, or -1 where libc refuses.
int clinux_use_builtin_name_sources(void);

// The arguments as the kernel handed them over. Swift's own list is read from /proc/self/cmdline and
// is empty in a container without /proc. NULL past the end.
const char *clinux_argument(int index);

// The variables of the environment, `NAME=VALUE`, for a program that is started: `environ` is a global
// variable, which Swift does not let anybody read. NULL past the end.
const char *clinux_environment(int index);

// An ICMP message that the kernel kept in a socket's error queue, with its sender.
struct clinux_icmp_error {
  int error;              // The errno that the kernel made of it.
  uint8_t is_icmpv6;
  uint8_t type;
  uint8_t code;
  uint8_t sender_family;  // 4, 6, or 0 where the kernel does not know the sender.
  uint64_t sender_high;   // The address as numbers, its first byte in the highest place;
  uint64_t sender_low;    // an IPv4 address is in the low one.
  uint32_t sender_scope;
};
// Takes one message off the error queue: recvmsg(2) with MSG_ERRQUEUE. Control messages are walked
// with macros that Swift does not import, and the sender's address lies behind the structure by a
// macro too. Returns 1 for an ICMP message, 0 for another one, -1 with EAGAIN where there is none.
int clinux_take_icmp_error(int fd, struct clinux_icmp_error *taken);

// SIOCOUTQ is a macro over another macro, which Swift does not import.
unsigned long clinux_siocoutq(void);

// Moves bytes between a pipe and another descriptor, or two pipes, without copying them: splice(2),
// hidden behind _GNU_SOURCE. Never waits for the pipe. -1 with errno.
ssize_t clinux_splice(int from, int to, size_t count);
// Moves bytes of a file, from its offset on, to another descriptor: sendfile(2).
ssize_t clinux_sendfile(int to, int file, size_t count);
// A pipe that never waits: its end to read from, then that to write to. pipe2(2), hidden likewise.
int clinux_make_pipe(int *ends);
// The bytes that a pipe has room for, and another number of them: F_GETPIPE_SZ and F_SETPIPE_SZ,
// hidden likewise. -1 with errno.
int clinux_pipe_size(int fd);
int clinux_set_pipe_size(int fd, int size);

// Whether a device is that of /dev/null. The macros that take a number of a device apart are not
// imported.
int clinux_is_null_device(dev_t device);

#endif
