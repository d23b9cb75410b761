// What a relay is told, and what it tells at its end.

/// What the end of the local input means.
public enum LocalEndPolicy: Hashable, Sendable {
  /// Half-close: the peer is told, and may go on.
  case finish
  /// Nothing until the peer has ended: some peers stop in the middle of a reply when they see a FIN.
  case wait
  /// The end of the relay as soon as the peer has acknowledged everything, whatever it still has to
  /// say. What has come until then is handed over.
  case close
}

/// What a relay is for.
public struct RelayOptions: Hashable, Sendable {
  /// Whether there is anything to be sent. Without it this end is silent until the peer has ended.
  public var readsInput = true
  /// What follows when the local input has ended.
  public var onLocalEnd = LocalEndPolicy.finish
  /// Whether the peer's end is the end, or the local input goes on until its own.
  public var endsWithPeer = false
  /// Whether the output is closed behind the last byte from the peer, so that its reader sees the
  /// end at once. Not where it will be used again.
  public var closesOutput = true
  /// Whether the local input is to arrive as a whole, and less than that is a failure. Then a signal
  /// before its end resets the connection: a FIN would tell the peer that it has everything.
  public var mustDeliver = false
  /// How long to wait for the peer's end once it has acknowledged everything; nil waits for ever.
  public var linger: Duration?
  /// Whether each LF of the local input that has no CR before it gets one.
  public var convertsLineEnds = false
  /// How long nothing may move, and how long everything may take; nil is for ever.
  public var idleTimeout: Duration?
  public var totalTimeout: Duration?
  /// How often at most it is told how much has moved; nil is never.
  public var progressInterval: Duration?
  /// How often it is told how things stand, whether or not something moves; nil is never.
  public var readingInterval: Duration?
  /// Whether the kernel is asked at the end what it has measured: `RelayOutcome.info` and
  /// `congestionControl`, and when exactly the last acknowledgement came.
  public var measuresEnd = true
  /// The most bytes a second that are sent; nil is without a limit.
  public var rate: Int?
  /// Whether the kernel holds this connection to the rate too (`Connection.paces`), so that the relay
  /// need not where `TokenBucket` says so.
  public var isPacedByKernel = false
  /// How the bytes are moved. What does not fit a direction leaves that one as `auto` would have it:
  /// whoever asks for it looks at `CopyRoute` before.
  public var copy = CopyChoice.auto
  /// Whether a direction may have a pipe of its own, which costs two descriptors: not where there
  /// are many connections.
  public var mayOwnPipes = true

  public init() {}
}

/// What several relays are told; none of them has a copy of its own.
final class SharedRelayOptions: Sendable {
  let options: RelayOptions

  init(_ options: RelayOptions) { self.options = options }
}

/// How many bytes may come, or be sent, on one connection or on several together.
public final class ByteBudget {
  public let most: Int
  /// Bytes that have come.
  public private(set) var taken = 0

  public init(most: Int) { self.most = most }

  /// - Returns: whether they may still come.
  func take(_ count: Int) -> Bool {
    taken += count
    return taken <= most
  }
}

/// One of the two ends of a connection.
public enum ConnectionSide: String, Hashable, Sendable {
  /// This program.
  case local
  case peer
}

/// How a relay ended.
public struct RelayOutcome: Sendable {
  /// Bytes read from the local input, its line ends as the peer gets them, and whether its end was
  /// reached.
  public var read = 0
  public var inputEnded = false
  /// Bytes handed to the kernel for the peer.
  public var sent = 0
  /// How many of these the peer's kernel has acknowledged.
  public var acknowledged = 0
  /// Bytes received and handed to the local output.
  public var received = 0
  /// Which calls moved the bytes that were sent, and those that were received.
  public var sentBy = CopyTally()
  public var receivedBy = CopyTally()
  /// Bytes that came and did not reach the local output any more.
  public var undelivered = 0
  /// Whether the peer's FIN came.
  public var peerEnded = false
  /// Which side's FIN was first, by the state of the socket when ours was sent; nil where there was none.
  public var closedFirst: ConnectionSide?
  /// Who ended the connection with RST; nil where nobody did.
  public var resetBy: ConnectionSide?
  /// From the connection to the first byte of the peer; nil where none came.
  public var firstByte: Duration?
  /// From the connection to its end.
  public var elapsed = Duration.zero
  /// From the connection to the acknowledgement of the last byte and our FIN; nil where there was none.
  /// It is looked for some milliseconds apart; with `RelayOptions.measuresEnd` the kernel says when it
  /// came.
  public var acknowledgedAfter: Duration?
  /// The processor time of this process meanwhile; nil where other connections had their part in it.
  @Boxed public var processorTime: ProcessorTime?
  /// What the kernel knows about the connection at its end; nil where it could not be asked, or was not.
  @Boxed public var info: TCPInfo?
  /// The algorithm of congestion control; nil as that is.
  public var congestionControl: String?
  /// What went wrong with the connection: an RST, a peer that receives no more, silence.
  @Boxed public var connectionError: SystemCallError?
  /// What went wrong at this end: with the local input or output, with what waits for them, or with a
  /// call that the connection does not answer.
  @Boxed public var localError: SystemCallError?
  /// Whether what moved was refused at its end, for not being what it had to be.
  public var isRefused = false
  /// The signal that ended it.
  public var signal: Int32?
  /// The time limit that cut it short.
  public var timeout: RelayTimeout?

  public init() {}
}

/// What happens during a relay, as it happens.
public enum RelayEvent: Hashable, Sendable {
  /// All of the local input has been sent; FIN follows.
  case localEnded
  /// The peer's FIN has come and all that it sent has been handed over.
  case peerEnded
  /// The connection was reset, or has failed in another way: no more can be sent.
  case failed(Errno)
  /// Bytes have moved since this was told before: so many altogether.
  case progress(sent: Int, received: Int)
  /// How things stand, once an interval. Indirect, since every event that is passed on takes the room
  /// of the largest.
  indirect case reading(RelayReading)
}
