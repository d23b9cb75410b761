// A watch whose output is no terminal: a line or a JSON object for each thing that happened.

internal import Glibc
internal import Report
internal import SocketCore

/// Tells what happens until a signal comes or nobody reads any more.
func watchInLines(
  _ view: inout some Watched, _ options: WatchOptions, _ narrator: Narrator
) throws(Failure) -> Ending {
  let wait = ReaderWait()
  var output = OutputBuffer(descriptor: STDOUT_FILENO, whileWaiting: wait.mayGoOn)
  do throws(SystemCallError) {
    var loop = try ReadinessLoop()
    // With no interest only a reader that is gone is reported.
    try loop.watch(STDOUT_FILENO, for: [])
    var due = MonotonicInstant.now
    do throws(OutputError) {
      if options.isJSON {
        try output.line(view.opening.json)
      } else {
        narrator.tell(view.opening)
      }
      try view.tell(asJSON: options.isJSON, to: &output)
      try output.flush()
    } catch {
      return try endOfWatch(after: error, &loop)
    }
    while true {
      due = options.next(after: due)
      switch try loop.wait(until: due) {
      case .signal(let signal): return .signal(signal)
      case .ready: return .signal(SIGPIPE)
      case .deadline: break
      }
      try view.read()
      do throws(OutputError) {
        try view.tell(asJSON: options.isJSON, to: &output)
        try output.flush()
      } catch {
        return try endOfWatch(after: error, &loop)
      }
    }
  } catch {
    throw Failure(.failure, error)
  }
}

/// A reader that is gone ends the program as SIGPIPE does; a signal that came while it took nothing
/// ends it by itself.
///
/// - Throws: where the output failed for another reason.
func endOfWatch(
  after error: OutputError, _ loop: inout ReadinessLoop
) throws(SystemCallError) -> Ending {
  if error.isBrokenPipe { return .signal(SIGPIPE) }
  if case .signal(let signal) = try loop.wait(until: .now) { return .signal(signal) }
  throw SystemCallError("write", "to \(error.name)", Errno(rawValue: error.code))
}
