// What the kernel's rules make of an experiment: every observable, as pure functions.
//
// Verified on Linux 6.18. Where another kernel differs the measurement says so.

extension QueueRules {
  /// What a flood of `connects` clients from one thread on this host leads to.
  ///
  /// A SYN that meets a full accept queue is dropped, cookies or not (tcp_conn_request in
  /// net/ipv4/tcp_input.c, since Linux 4.10: sk_acceptq_is_full), and counted by tcp_listendrop. Since
  /// the handshake completes inside connect(2) the SYN queue stays empty, so that neither
  /// tcp_max_syn_backlog nor tcp_abort_on_overflow has a part in it. With tcp_syncookies 2 every SYN is
  /// one that wants a cookie, also those that are dropped then (tcp_syn_flood_action), and the
  /// connections come into being by cookie_v4_check.
  ///
  /// - Parameter repetition: of the dropped SYNs.
  public static func acceptPass(
    _ conditions: Conditions, connects: Int, repetition: Repetition = .none
  ) -> Prediction {
    let capacity = conditions.acceptQueueCapacity
    let held = min(connects, capacity)
    let waiting = connects - held
    var prediction = Prediction()
    prediction[.effectiveBacklog] = .exactly(conditions.backlog)
    prediction[.acceptQueue] = .exactly(held)
    for end in [Observable.reset, .refused, .timedOut] { prediction[end] = .exactly(0) }
    guard conditions.kernel.dropsSYNsAtFullAcceptQueue else {
      prediction[.established] = PredictedRange(held, connects)
      prediction[.synSent] = PredictedRange(0, waiting)
      prediction[.synQueue] = PredictedRange(0, waiting)
      return prediction
    }
    prediction[.established] = .exactly(held)
    prediction[.synSent] = .exactly(waiting)
    prediction[.synQueue] = .exactly(0)
    prediction[.ghosts] = .exactly(0)
    if waiting > 0 { prediction[.firstDrop] = .exactly(capacity + 1) }
    for counter in [Observable.drops, .listenOverflows, .listenDrops] {
      prediction[counter] = repetition(waiting)
    }
    prediction[.queueFullDrops] = .exactly(0)
    prediction[.embryonicResets] = .exactly(0)
    prediction[.passiveOpens] = .exactly(held)
    if let cookies = conditions.settings.tcpSyncookies {
      let always = cookies == 2
      let repeated = repetition(waiting)
      prediction[.queueFullCookies] =
        always
        ? PredictedRange(held + repeated.least, repeated.most.map { held + $0 }) : .exactly(0)
      prediction[.cookiesSent] = .exactly(always ? held : 0)
      prediction[.cookiesReceived] = .exactly(always ? held : 0)
    }
    return prediction
  }

  /// What `connects` clients lead to that send their SYN and never hear the answer.
  ///
  /// Each SYN that is let in leaves a request in SYN_RECV (inet_csk_reqsk_queue_hash_add). Where the
  /// queue is full (inet_csk_reqsk_queue_is_full) it is dropped without cookies, and answered with one
  /// otherwise (tcp_syn_flood_action, cookie_v4_init_sequence), of which nothing is kept. Without cookies
  /// tcp_max_syn_backlog may hold it up before, which no counter but ListenDrops tells.
  ///
  /// - Parameters:
  ///   - repetition: of the SYNs that are not let in.
  ///   - repetitionOfHeld: of those that are.
  /// - Returns: without what depends on a setting that is not known.
  public static func synPass(
    _ conditions: Conditions, connects: Int, repetition: Repetition = .none,
    repetitionOfHeld: Repetition = .none
  ) -> Prediction {
    var prediction = Prediction()
    prediction[.effectiveBacklog] = .exactly(conditions.backlog)
    let none: [Observable] = [
      .acceptQueue, .established, .reset, .refused, .timedOut, .listenOverflows,
      .cookiesReceived, .embryonicResets, .passiveOpens,
    ]
    for observable in none { prediction[observable] = .exactly(0) }
    prediction[.synSent] = .exactly(connects)
    guard let cookies = conditions.settings.tcpSyncookies,
      let capacity = conditions.synQueueCapacity
    else { return prediction }
    let held = min(connects, capacity)
    let rest = connects - held
    prediction[.synQueue] = .exactly(held)
    let dropped = cookies == 0 ? rest : 0
    if dropped > 0 { prediction[.firstDrop] = .exactly(held + 1) }
    // A client that is in the queue sends its SYN again, too, since it does not hear the answer: what
    // tcp_check_req has no further use for counts as a drop of the listener, and as no ListenDrops.
    let again = PredictedRange(held * repetitionOfHeld.least, held * repetitionOfHeld.most)
    let first = repetition(dropped)
    prediction[.drops] = PredictedRange(
      first.least + again.least, first.most.map { $0 + (again.most ?? 0) })
    prediction[.listenDrops] = first
    prediction[.queueFullDrops] =
      conditions.isHeldUpByMaxSynBacklog ? .exactly(0) : repetition(dropped)
    prediction[.queueFullCookies] = repetition(cookies == 0 ? 0 : rest)
    prediction[.cookiesSent] = repetition(cookies == 0 ? 0 : rest)
    return prediction
  }

  /// What comes of handshakes that are under way all at once, when their last ACKs arrive.
  ///
  /// The queue is checked for the SYN (tcp_conn_request) and again for the last ACK
  /// (tcp_v4_syn_recv_sock): what finds it full then is dropped and keeps its place in the SYN queue
  /// (tcp_check_req), or is reset with tcp_abort_on_overflow 1. An ACK that carries a cookie is dropped
  /// and forgotten either way (tcp_get_cookie_sock): its client is a ghost.
  ///
  /// - Parameters:
  ///   - queued: connections that wait in the accept queue before.
  ///   - inFlight: SYNs that all came before the first last ACK.
  /// - Returns: nil where a setting that decides is not known.
  public static func inFlight(
    _ conditions: Conditions, queued: Int, inFlight: Int
  ) -> Prediction? {
    guard let cookies = conditions.settings.tcpSyncookies,
      let abort = conditions.settings.tcpAbortOnOverflow,
      let capacity = conditions.synQueueCapacity
    else { return nil }
    let requests = min(inFlight, capacity)
    let free = max(0, conditions.acceptQueueCapacity - queued)
    let stuck = max(0, requests - free)
    let rest = inFlight - requests
    let cookieACKs = cookies == 0 ? 0 : rest
    let admittedCookies = min(cookieACKs, free - min(free, requests))
    let ghosts = cookieACKs - admittedCookies
    let droppedSYNs = cookies == 0 ? rest : 0
    let resets = abort == 0 ? 0 : stuck

    var prediction = Prediction()
    func exactly(_ numbers: KeyValuePairs<Observable, Int>) {
      for (observable, number) in numbers { prediction[observable] = .exactly(number) }
    }
    exactly([
      .effectiveBacklog: conditions.backlog,
      .acceptQueue: queued + requests - stuck + admittedCookies,
      .synQueue: stuck - resets,
      .established: queued + requests - resets + cookieACKs,
      .synSent: droppedSYNs,
      .reset: resets, .refused: 0, .timedOut: 0,
      .ghosts: ghosts,
      .drops: 2 * stuck + ghosts + droppedSYNs,
      .listenOverflows: stuck + ghosts,
      .listenDrops: stuck + ghosts + droppedSYNs,
      .queueFullDrops: conditions.isHeldUpByMaxSynBacklog ? 0 : droppedSYNs,
      .queueFullCookies: cookieACKs, .cookiesSent: cookieACKs, .cookiesReceived: cookieACKs,
      .embryonicResets: resets,
    ])
    return prediction
  }
}
