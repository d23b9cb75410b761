// A file that an option names for a result: a plot, samples, a capture.

internal import Report
internal import SocketCore

/// A file that gets its name when it is whole. A class, so that whatever ends the run takes the
/// unfinished file with it.
final class ResultFile {
  private var file: NewFile?
  private let path: String

  /// Opens the file before there is a result: what cannot be written is found out first.
  ///
  /// - Parameter path: nil for none.
  /// - Throws: where it cannot be written.
  init(_ path: String?) throws(Failure) {
    self.path = path ?? ""
    do throws(SystemCallError) {
      file = if let path { try NewFile(path, replaces: true) } else { nil }
    } catch {
      throw Failure(.localStream, error)
    }
  }

  deinit { abandon() }

  /// Takes the unfinished file back; what had its name keeps it.
  func abandon() {
    file?.abandon()
    file = nil
  }

  /// Whether no reader can keep a write waiting.
  var isOnDisk: Bool { file?.temporaryPath != nil }

  /// Whether a file was asked for, and is not written yet.
  var isWanted: Bool { file != nil }

  /// Writes the text and gives the file its name. Nothing is written where there is no file, or no
  /// longer.
  func write(_ text: () -> String) throws(Failure) {
    try fill { buffer throws(OutputError) in try buffer.write(text()) }
  }

  /// Writes piece by piece, and gives the file its name.
  func fill(_ write: (inout OutputBuffer) throws(OutputError) -> Void) throws(Failure) {
    guard var output = file?.output() else { return }
    defer { abandon() }
    do throws(SystemCallError) {
      try output.check()
    } catch {
      throw Failure(.localStream, "\(error); nothing was saved")
    }
    do throws(OutputError) {
      var buffer = OutputBuffer(descriptor: output.descriptor, name: path)
      try write(&buffer)
      try buffer.flush()
    } catch {
      throw Failure(.localStream, "\(error.description); nothing was saved")
    }
    do throws(SystemCallError) {
      try output.close()
      try file?.commit()
    } catch {
      throw Failure(.localStream, "\(error); nothing was saved")
    }
  }
}
