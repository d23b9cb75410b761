// What to do about a call that failed at this end, said behind the error.

internal import SocketCore

extension SystemCallError {
  /// What to do next, behind a semicolon; empty where the error says it all.
  var advice: String {
    switch (call, errno) {
    case ("bind", .addressNotAvailable): "; no interface of this host has that address"
    case ("bind", .addressInUse): "; 'tcptool states' shows who has that port"
    case ("bind", .accessDenied):
      "; ports below net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE"
    case ("bind", .invalidArgument) where isAboutLinkLocal,
      ("connect", .invalidArgument) where isAboutLinkLocal:
      "; a link-local address needs its interface behind it, as in fe80::1%eth0"
    case ("connect", .invalidArgument):
      "; a route of type blackhole leads there: 'ip route get' and the address show it"
    case ("connect", .networkUnreachable):
      "; this host has no route there: 'ip route' lists those that it has"
    case ("connect", .hostUnreachable):
      "; no host on the link has that address ('ip neigh'), or a route is of type unreachable "
        + "('ip route get')"
    case ("connect", .accessDenied), ("connect", .operationNotPermitted):
      "; this host forbids it: a route of type prohibit ('ip route get'), or its firewall"
    case ("connect", .addressNotAvailable):
      "; the source has no free port for this peer, or its connection from that port still exists"
    case ("setsockopt", _): optionAdvice
    case ("execve", .notFound): "; give --exec a program and its words, without a shell's syntax"
    case ("execve", .accessDenied): "; it has to be a program that this user may run"
    case ("lseek", .notSeekable): "; it has to be a regular file"
    case ("read", .notSeekable):
      "; only regular files can be sent in a row: use 'cat FILE ... | tcptool send ...'"
    case ("open", .alreadyThere), ("rename", .alreadyThere):
      "; --force replaces it, another --output leaves it alone"
    case ("realpath", _):
      "; the link leads to a name that is not UTF-8: use '> FILE' instead of --output"
    case ("open", _), ("read", _), ("write", _), ("rename", _), ("fsync", _): errno.fileAdvice
    default: errno.advice
    }
  }

  /// Whether it is about an address of fe80::/10 without its interface.
  private var isAboutLinkLocal: Bool {
    guard let start = subject.firstIndex(of: "["), let end = subject.lastIndex(of: "]"),
      let address = IPAddress(String(subject[start..<end].dropFirst()))
    else { return false }
    return AddressPrefix("fe80::/10")?.contains(address) == true && !subject.contains("%")
  }

  private var optionAdvice: String {
    switch (subject.prefix { $0 != " " }, errno) {
    case ("SO_BINDTODEVICE", .noSuchDevice): "; this host has no interface of that name"
    case ("SO_BINDTODEVICE", .operationNotPermitted):
      "; before Linux 5.7 it needs root or CAP_NET_RAW"
    case ("SO_MARK", .operationNotPermitted): "; it needs root or CAP_NET_ADMIN"
    case ("TCP_CONGESTION", .notFound):
      "; net.ipv4.tcp_available_congestion_control lists what this kernel has loaded"
    case ("TCP_CONGESTION", .operationNotPermitted):
      "; without CAP_NET_ADMIN only net.ipv4.tcp_allowed_congestion_control may be used"
    case ("TCP_MAXSEG", _): "; the kernel takes 88 to 32767"
    case ("TCP_KEEPIDLE", _), ("TCP_KEEPINTVL", _): "; the kernel takes 1 to 32767 seconds"
    case ("TCP_KEEPCNT", _): "; the kernel takes 1 to 127"
    default: errno.advice
    }
  }
}

extension Errno {
  /// The same for files.
  var fileAdvice: String {
    switch self {
    case .notFound, .notADirectory: "; see whether the path and its folder are right"
    case .isADirectory: "; name a file in it"
    case .accessDenied, .operationNotPermitted: "; 'ls -ld' shows what this user may do there"
    case .readOnly: "; name a place that can be written"
    case .noSpace: "; free some space, or write elsewhere"
    case .badDescriptor: "; it is closed, or open for the other direction"
    default: advice
    }
  }

  /// The same for everything.
  fileprivate var advice: String {
    switch self {
    case .tooManyDescriptors: "; 'ulimit -n' shows and raises how many a process may have"
    case .tooManyOpenFiles: "; fs.file-max bounds how many the whole host may have"
    case .noMemory, .noBuffers: "; this host is short of memory"
    default: ""
    }
  }
}
