// A terminal in the hands of one program: keys come one by one, and it is given back as it was.

internal import Glibc

/// A terminal whose keys are read one by one and not echoed, from its making to its end.
///
/// Its end gives the terminal back as it was, whatever the way out is. termios(3). Signals of the
/// keyboard (Ctrl-C, Ctrl-Z, Ctrl-\) stay signals.
public struct RawTerminal: ~Copyable {
  private let source: Descriptor
  private let output: Int32
  private let saved: termios
  private let leaving: [UInt8]

  /// Keys come from standard input, or where that is no terminal, from the controlling one.
  ///
  /// - Parameters:
  ///   - output: The terminal's descriptor for output.
  ///   - leaving: What is written there at the end.
  /// - Throws: ENXIO where there is no terminal for input; the errno of tcgetattr(3) or tcsetattr(3).
  public init(output: Int32, leaving: [UInt8]) throws(SystemCallError) {
    let source = try Self.openInput()
    var mode = termios()
    try SystemCall(name: "tcgetattr").make("of the terminal") {
      unsafe tcgetattr(source.rawValue, &mode)
    }
    try Self.take(source.rawValue, from: mode)
    saved = mode
    self.source = source
    self.output = output
    self.leaving = leaving
  }

  private static func openInput() throws(SystemCallError) -> Descriptor {
    guard isatty(STDIN_FILENO) == 1 else {
      return try Descriptor.open("/dev/tty", flags: O_RDONLY | O_NOCTTY)
    }
    return Descriptor(
      owning: try SystemCall(name: "fcntl").make("of the terminal") {
        fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
      })
  }

  /// Where keys come from: to be watched for readability.
  public var input: Int32 { source.rawValue }

  deinit { giveBack() }

  /// Takes the terminal again after it was given back.
  ///
  /// - Throws: the errno of tcsetattr(3).
  public func enter() throws(SystemCallError) { try Self.take(input, from: saved) }

  private static func take(_ input: Int32, from saved: termios) throws(SystemCallError) {
    var mode = saved
    mode.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
    mode.c_lflag |= tcflag_t(ISIG)
    // Ctrl-S must not hold the screen up.
    mode.c_iflag &= ~tcflag_t(IXON)
    unsafe withUnsafeMutableBytes(of: &mode.c_cc) { keys in
      // A read never waits: the readiness loop does.
      unsafe keys[Int(VMIN)] = 0
      unsafe keys[Int(VTIME)] = 0
    }
    try SystemCall(name: "tcsetattr").make("of the terminal") {
      unsafe tcsetattr(input, TCSANOW, &mode)
    }
  }

  /// Gives the terminal back for a while; `enter` takes it again.
  public func giveBack() {
    var done = 0
    while done < leaving.count {
      var entry = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
      // A terminal that takes nothing for a second is gone.
      guard unsafe poll(&entry, 1, 1_000) > 0 else { break }
      let count = unsafe leaving.withUnsafeBytes { bytes in
        unsafe write(output, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      }
      if count < 0, Errno.last != .interrupted { break }
      done += max(0, count)
    }
    var mode = saved
    _ = unsafe tcsetattr(input, TCSANOW, &mode)
  }

  /// What was typed since the last time; does not wait.
  ///
  /// - Throws: the errno of read(2), EIO where the terminal is gone.
  public func read() throws(SystemCallError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 256)
    let call = SystemCall(name: "read")
    switch call.attempt({ unsafe Glibc.read(input, &bytes, bytes.count) }) {
    case .success(let count): return Array(bytes.prefix(count))
    case .failure(.tryAgain): return []
    case .failure(let errno): throw SystemCallError("read", "from the terminal", errno)
    }
  }

  /// Stops this process as Ctrl-Z does, until it is continued; the terminal is given back meanwhile.
  ///
  /// - Throws: the errno of tcsetattr(3).
  public func suspend() throws(SystemCallError) {
    giveBack()
    _ = raise(SIGSTOP)
    try enter()
  }
}
