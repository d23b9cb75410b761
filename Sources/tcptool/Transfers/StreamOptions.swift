// --streams of `send` and `recv`: how many connections carry one transfer.

internal import CommandSpec
internal import Report
internal import SocketCore

/// How many connections.
struct StreamCount: ArgumentValue, Hashable {
  var value: Int
  static let most = 1_024

  init?(argument: String) {
    guard let value = Int(argument), (1...Self.most).contains(value) else { return nil }
    self.value = value
  }

  static let form = "a whole number from 1 to \(most)"
  var argumentText: String { String(value) }

  /// What each stream has of a whole; the first ones get what cannot be divided.
  ///
  /// - Parameter stream: its number, from 1.
  func share(of whole: Int, for stream: Int) -> Int {
    whole / value + (stream <= whole % value ? 1 : 0)
  }

  /// Makes sure that there are enough descriptors.
  ///
  /// - Parameter each: How many a stream needs.
  func checkDescriptors(_ each: Int) throws(Failure) {
    // The standard streams, the loop, a listener, files of events and plots.
    let needed = value * each + 16
    let limit = DescriptorLimit.raise()
    guard needed > limit else { return }
    throw Failure(
      .localEnd,
      "--streams \(value) needs up to \(Units.count(needed)) descriptors, and this process may have "
        + "\(Units.count(limit)): raise the limit (ulimit -n) or take fewer streams")
  }
}

/// Refuses a local port for several connections, which only one of them could have.
func checkStreamSource(_ dialing: DialOptions) throws(UsageError) {
  guard let port = dialing.source?.endpoint.port, port > 0 else { return }
  throw UsageError(
    "'--streams' makes several connections, and only one can have the local port \(port): give "
      + "'--source' an address without a port.")
}

extension String {
  /// What the manual says about streams.
  static let streamNotes = """
    With --streams one process uses that many connections at the same time. Each has its own \
    counters. At the end it reports what all of them moved, the fastest and the slowest stream, \
    and the processor time. If a stream is lost, it reports what was acknowledged of it. The \
    others go on to their end, and the exit status is that of the first loss. --interval, the \
    progress line on a terminal and --svg show the sum (windows are added up, the round trip is \
    the mean). With --verbose and in JSON each stream has its own intervals too. --idle-timeout \
    and --total-timeout apply to each stream.
    """
}
