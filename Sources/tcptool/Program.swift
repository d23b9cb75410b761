// From the words of the command line to the exit status.

internal import CLinux
internal import CommandSpec
internal import Glibc
internal import Report
internal import SocketCore

/// A subcommand: its options, and what it does with them.
protocol Subcommand: CommandOptions {
  /// Makes what tells its events.
  func makeNarrator() throws(Failure) -> Narrator
  func run(_ narrator: Narrator) throws(Failure) -> Ending
}

extension Subcommand {
  func makeNarrator() throws(Failure) -> Narrator { .standard }
}

enum Program {
  /// Runs the command line and returns the exit status; does not return where a signal is to be
  /// seen by the shell.
  static func run() -> Int32 {
    Descriptor.fillStandardDescriptors()
    FileSizeLimit.becomesError()
    switch perform() {
    case .status(let status): return status.rawValue
    case .signal(let signal): return raise(signal)
    }
  }

  /// The arguments without the program's name.
  ///
  /// - Throws: Where one is not UTF-8. A file would be looked for, or made, under another name.
  private static func words() throws(UsageError) -> [String] {
    var words: [String] = []
    while let bytes = unsafe clinux_argument(Int32(words.count + 1)) {
      guard let word = unsafe String(validatingCString: bytes) else {
        let word = unsafe Array(UnsafeBufferPointer(start: bytes, count: strlen(bytes)))
        throw UsageError(
          """
          The argument '\(sanitized(word.map { UInt8(bitPattern: $0) }))' is not UTF-8. \
          Give a file of such a name by redirection ('< FILE', '> FILE') or through a link (ln -s).
          """)
      }
      words.append(word)
    }
    return words
  }

  private static func perform() -> Ending {
    let request: CommandTable<any Subcommand>.Request
    do throws(UsageError) {
      // Lines of prose that are longer are hard to read.
      let columns = min(Display(descriptor: STDOUT_FILENO).columns, 100)
      request = try table.parse(words(), columns: columns, shell: environment("SHELL"))
    } catch {
      Narrator.standard.line(error.description, indent: 7)
      return .status(.usage)
    }
    var narrator = Narrator.standard
    do throws(Failure) {
      switch request {
      case .invoke(let subcommand):
        narrator = try subcommand.makeNarrator()
        let ending = try subcommand.run(narrator)
        try narrator.finish(ending)
        return ending
      case .print(let text):
        try toStandardOutput { output throws(OutputError) in try output.write(text) }
        return .status(.done)
      }
    } catch {
      narrator.tell(.failed(error))
      return .status(error.status)
    }
  }

  /// Ends the program by the signal itself, so that a shell sees 128 + its number and stops a loop on Ctrl-C.
  private static func raise(_ signal: Int32) -> Int32 {
    _ = Glibc.signal(signal, SIG_DFL)
    var mask = sigset_t()
    _ = unsafe sigemptyset(&mask)
    _ = unsafe sigaddset(&mask, signal)
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    _ = Glibc.raise(signal)
    return 128 + signal
  }
}

/// A variable of this process's environment.
func environment(_ name: String) -> String? {
  unsafe getenv(name).map { unsafe String(cString: $0) }
}

/// Writes to standard output, all of it or a failure.
///
/// - Parameter mayWait: asked while the reader takes nothing, where a loop keeps signals back.
func toStandardOutput(
  whileWaiting mayWait: (() -> Bool)? = nil,
  _ write: (inout OutputBuffer) throws(OutputError) -> Void
) throws(Failure) {
  var output = OutputBuffer(descriptor: STDOUT_FILENO, whileWaiting: mayWait)
  do throws(OutputError) {
    try write(&output)
    try output.flush()
  } catch {
    throw Failure(error)
  }
}
