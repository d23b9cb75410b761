// What the result of every experiment comes to, whatever it measured.

/// A result that can be told in a sentence.
public protocol Judged {
  /// Whether the kernel did what its rules predict.
  var match: Bool { get }
  /// Whether it ended too early to say more than that nothing was wrong until then.
  var isInterrupted: Bool { get }
  /// The result in one sentence, without a full stop.
  var verdict: String { get }
  /// What can be done about it, a sentence each.
  var advice: [String] { get }
}

extension Judged {
  public var isInterrupted: Bool { false }
}

extension PassResult: Judged {}
extension RelistenResult: Judged {}
extension PortGroupResult: Judged {}
extension LateACKResult: Judged {}
extension TargetResult: Judged {}
extension TrafficResult: Judged {}
