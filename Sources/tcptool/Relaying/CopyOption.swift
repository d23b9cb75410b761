// --copy: how `send` and `recv` move the bytes, and what is said where that is not possible.

internal import CommandSpec
internal import SocketCore

extension CommandOptions {
  static func copyParameter<Choice: ArgumentValue>(
    _ path: Bound<Self>.Path<Choice>
  ) -> Bound<Self> {
    .option(
      "copy", path, value: "way",
      help: "How bytes are moved: auto (the fastest way that fits), "
        + (Choice.choices.contains(CopyChoice.sendfile.rawValue) ? "sendfile, " : "")
        + "splice, or userspace (through a buffer). All but auto fail where the kernel refuses.")
  }
}

/// The ways that lead from a connection to somewhere.
struct InboundCopyChoice: ArgumentValue, Hashable {
  var choice = CopyChoice.auto

  init() {}

  init?(argument: String) {
    guard let choice = CopyChoice(argument: argument), Self.all.contains(choice) else { return nil }
    self.choice = choice
  }

  private static let all = CopyChoice.allCases.filter {
    CopyRoute.inbound(to: .file, $0) != nil
  }
  static let choices = all.map(\.rawValue)
  var argumentText: String { choice.rawValue }
}

extension CopyChoice {
  /// Whether bytes that are moved so can be looked at on the way.
  var showsBytes: Bool { self == .auto || self == .userspace }

  /// Refuses a way that does not lead from this input to a connection.
  func check(_ input: borrowing ByteInput) throws(Failure) {
    guard CopyRoute.outbound(from: input.kind, self) == nil else { return }
    do throws(SystemCallError) {
      try input.check()
    } catch {
      throw Failure(.localStream, error)
    }
    throw Failure(
      .usage,
      self == .sendfile
        ? "--copy sendfile takes a file, and \(input.name) is \(input.kind.text): "
          + "use --copy \(input.kind == .pipe ? "splice" : "auto")"
        : "--copy splice takes a file, a pipe or a socket, and \(input.name) is "
          + "\(input.kind.text): use --copy auto")
  }

  /// Refuses a way that does not lead from a connection to this output.
  func check(_ output: borrowing ByteOutput) throws(Failure) {
    guard CopyRoute.inbound(to: output.kind, self) == nil else { return }
    do throws(SystemCallError) {
      try output.check()
    } catch {
      throw Failure(.localStream, error)
    }
    throw Failure(
      .usage,
      "--copy \(rawValue) gives to a file, a pipe or a socket, and \(output.name) is "
        + "\(output.kind.text): use --copy auto")
  }
}

extension StreamKind {
  fileprivate var text: String {
    switch self {
    case .file: "a file"
    case .appendingFile: "a file that is appended to"
    case .pipe: "a pipe"
    case .socket: "a socket"
    case .device: "a device"
    case .nowhere: "nowhere"
    case .inside, .uniform: "made here"
    case .unusable: "not open"
    }
  }
}

extension String {
  /// What the manual says about the ways to move bytes.
  static let copyNotes = """
    Bytes that nobody has to look at are not copied through tcptool. splice(2) moves them \
    between a socket and a pipe directly, and between a socket and a file through a pipe of its \
    own. What is to be discarded is dropped in the receive buffer (recv(2) with MSG_TRUNC). \
    Where there may be many connections, a file is sent by sendfile(2). Pipes are enlarged to \
    fs.pipe-max-size once 64 KiB have gone through them. Where the kernel refuses (a file opened \
    for appending, a terminal, some file systems), a buffer is used from there on, and no byte \
    is lost. With --verbose the last lines say which call moved how much. If a file is changed \
    while it is being sent, the receiver may get parts of both versions.
    """
}
