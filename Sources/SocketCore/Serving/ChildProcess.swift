// A program that gets a connection as its standard input and output.

internal import CLinux
internal import Glibc

/// How a program ended.
public enum ChildStatus: Hashable, Sendable {
  case exited(Int32)
  case signalled(Int32)
  /// It has ended, and the kernel does not tell how.
  case unknown
}

/// A child process, in a process group of its own, that is told to end when its owner goes before it,
/// and with it all that it has started.
struct ChildProcess: ~Copyable {
  private let pid: pid_t
  /// Becomes readable when the process ends; nil before Linux 5.3.
  private let exitDescriptor: Descriptor?
  /// Its number: what to watch; nil where the kernel has nothing to be watched.
  let descriptor: Int32?
  private var isReaped = false

  /// Starts a program with a connection as its standard input and output, which then may make it
  /// wait. posix_spawnp(3).
  ///
  /// - Parameters:
  ///   - command: the program, which is looked for in PATH, and its arguments. Nothing that a peer
  ///     sent is among them.
  ///   - environment: `NAME=VALUE`, added to this process's own.
  /// - Throws: ENOENT, EACCES and the rest of execve(2).
  init(
    _ command: [String], environment added: [String], connection: borrowing Connection
  ) throws(SystemCallError) {
    // A parent that ignores it has the kernel forget how children end.
    _ = signal(SIGCHLD, SIG_DFL)
    let socket = connection.socket.descriptor.rawValue
    try connection.socket.setWaiting(true)
    var actions = unsafe posix_spawn_file_actions_t()
    _ = unsafe posix_spawn_file_actions_init(&actions)
    defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
    for standard in [STDIN_FILENO, STDOUT_FILENO] {
      _ = unsafe posix_spawn_file_actions_adddup2(&actions, socket, standard)
    }
    var attributes = posix_spawnattr_t()
    _ = unsafe posix_spawnattr_init(&attributes)
    defer { _ = unsafe posix_spawnattr_destroy(&attributes) }
    // The readiness loop's blocked signals are its own affair.
    var noSignals = sigset_t()
    _ = unsafe sigemptyset(&noSignals)
    _ = unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
    _ = unsafe posix_spawnattr_setpgroup(&attributes, 0)
    var defaults = sigset_t()
    _ = unsafe sigemptyset(&defaults)
    if FileSizeLimit.isOurs { _ = unsafe sigaddset(&defaults, SIGXFSZ) }
    _ = unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    _ = unsafe posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))

    let words = unsafe cStrings(command)
    let variables = unsafe cStrings(Self.environment(with: added))
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    let code = DescriptorLimit.underTheOriginal {
      unsafe posix_spawnp(&pid, command.first ?? "", &actions, &attributes, words, variables)
    }
    guard code == 0 else {
      throw SystemCallError("execve", "of \(command.first ?? "")", Errno(rawValue: code))
    }
    self.pid = pid
    let number = clinux_pidfd_open(pid)
    exitDescriptor = number >= 0 ? Descriptor(owning: number) : nil
    descriptor = number >= 0 ? number : nil
  }

  /// This process's environment, with some variables added or replaced.
  private static func environment(with added: [String]) -> [String] {
    func name(_ variable: String) -> Substring { variable.prefix { $0 != "=" } }
    let names = Set(added.map(name))
    var variables = added
    var index: Int32 = 0
    while let text = unsafe clinux_environment(index) {
      let variable = unsafe String(cString: text)
      if !names.contains(name(variable)) { variables.append(variable) }
      index += 1
    }
    return variables
  }

  deinit {
    // Not reaped, so that the number is still its own and its group's.
    if !isReaped { _ = kill(-pid, SIGTERM) }
  }

  /// How it ended; nil while it runs. waitpid(2), without waiting.
  mutating func takeStatus() -> ChildStatus? {
    var status: Int32 = 0
    guard !isReaped else { return nil }
    switch SystemCall(name: "waitpid").attempt({ unsafe waitpid(pid, &status, WNOHANG) }) {
    case .success(0): return nil
    case .success: isReaped = true
    case .failure:
      isReaped = true
      return .unknown
    }
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
  }
}

extension Socket {
  /// Whether calls on the socket wait (O_NONBLOCK off), for every process that has it.
  func setWaiting(_ waits: Bool) throws(SystemCallError) {
    let flags = try SystemCall(name: "fcntl", descriptor: descriptor.rawValue).make("F_GETFL") {
      fcntl(descriptor.rawValue, F_GETFL)
    }
    try SystemCall(name: "fcntl", descriptor: descriptor.rawValue).make("F_SETFL") {
      fcntl(
        descriptor.rawValue, F_SETFL, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK)
    }
  }
}

/// Texts as a C function wants them: pointers, and a null one behind them. The caller frees them.
private func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
  unsafe texts.map { unsafe strdup($0) } + [nil]
}
