// Fewer wake-ups while much is received: a connection's low-water mark, SO_RCVLOWAT of socket(7).

/// Decides when the kernel is to wake this program only once a whole lot of bytes is there.
///
/// On a fast path a receiver that takes each segment as it comes spends its time on waking, and so does
/// the sender, whose acknowledgements come as often. With the mark a GiB over loopback is received 1.9
/// times as fast by recv(2) with MSG_TRUNC and 1.8 times by splice(2) into a pipe, in half of the
/// processor time (medians of 9 paired runs of a bare loop, two processors, Linux 6.18). Twice the mark
/// gains nothing more, and eight times the mark loses all of it: the sender then waits for its window.
///
/// The mark never holds bytes up for long. It is raised when at least as much came in one turn, and
/// lowered as soon as less than that has come in `patience`; the kernel itself leaves it out of account
/// at the end of the data, on a reset, and when the receive buffer is full (tcp_epollin_ready in
/// include/net/tcp.h).
struct ReceiveLowWater {
  /// Bytes.
  static let mark = 128 << 10
  /// How long bytes below the mark wait at most.
  static let patience = Duration.milliseconds(2)
  /// What the mark is without this, in bytes.
  static let unset = 1

  private(set) var isRaised = false
  /// When what has come is taken, be it much or little; nil where nothing waits for the mark.
  private(set) var deadline: MonotonicInstant?
  /// Bytes that had been received when the last wait began.
  private var before = 0

  /// Takes in how much has been received until now, in front of the next wait.
  ///
  /// - Parameter isWanted: Whether it is the peer that is waited for.
  /// - Returns: what the mark has to be from now on; nil where it stays.
  mutating func change(received: Int, isWanted: Bool, at now: MonotonicInstant) -> Int? {
    let came = received - before
    before = received
    guard isWanted, isRaised || came >= Self.mark else {
      deadline = nil
      return nil
    }
    if isRaised, came == 0, let deadline {
      guard now >= deadline else { return nil }
      isRaised = false
      self.deadline = nil
      return Self.unset
    }
    deadline = now + Self.patience
    guard !isRaised else { return nil }
    isRaised = true
    return Self.mark
  }
}
