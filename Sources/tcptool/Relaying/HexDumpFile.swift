// --hex-dump: the bytes of all connections in one readable file.

internal import Glibc
internal import Report
internal import SocketCore

/// Writes bytes as they are sent and received. The first failure is kept for the end.
final class HexDumpFile {
  private let file: Descriptor?
  private var output: OutputBuffer
  private let isPlural: Bool
  private var connections: [Int: (dump: HexDump, began: MonotonicInstant)] = [:]
  private var failure: OutputError?

  /// - Parameters:
  ///   - path: `-` is standard output.
  ///   - isPlural: whether each line names its connection.
  fileprivate init(_ path: String, isPlural: Bool) throws(SystemCallError) {
    self.isPlural = isPlural
    let wait = ReaderWait()
    if path == "-" {
      file = nil
      output = OutputBuffer(descriptor: STDOUT_FILENO, whileWaiting: wait.mayGoOn)
    } else {
      let opened = try Descriptor.creating(path)
      output = OutputBuffer(
        descriptor: opened.rawValue, name: path, whileWaiting: wait.mayGoOn)
      file = consume opened
    }
  }

  var isStandardOutput: Bool { file == nil }

  /// Takes in that a connection begins; times are counted from here.
  func begin(_ connection: Int) { connections[connection] = (HexDump(), .now) }

  /// Takes in that a connection has ended.
  func end(_ connection: Int) { connections[connection] = nil }

  func tap(_ connection: Int, _ direction: RelayDirection, _ bytes: Span<UInt8>) {
    guard failure == nil, let began = connections[connection]?.began else { return }
    var text: [UInt8] = []
    connections[connection]?.dump.append(
      bytes, direction == .inbound ? .received : .sent, at: .now - began, to: &text)
    if isPlural {
      let tag = Array("#\(connection) ".utf8)
      text = Array(
        text.split(separator: UInt8(ascii: "\n")).flatMap { tag + $0 + [UInt8(ascii: "\n")] })
    }
    do throws(OutputError) {
      try output.write(text)
      // At once: it is for somebody who wonders what happens now.
      try output.flush()
    } catch {
      failure = error
    }
  }

  /// - Throws: where not all could be written.
  func finish() throws(Failure) {
    // Where a signal came while nobody read, it is the signal that ends the program.
    if let failure, failure.code != EAGAIN {
      throw Failure(.localStream, "\(failure); the hex dump is not whole")
    }
  }
}

extension RelayPolicy {
  /// Opens the file that was asked for, before anything is connected.
  func openHexDump(isPlural: Bool) throws(Failure) -> HexDumpFile? {
    do throws(SystemCallError) {
      return try hexDump.map { path throws(SystemCallError) in
        try HexDumpFile(path, isPlural: isPlural)
      }
    } catch {
      throw Failure(.localStream, error)
    }
  }
}
