// The values of a filter: ports, addresses, states, users, quantities.

internal import SocketCore

/// A part of a filter with its place.
private struct FilterWord {
  var text: String
  var range: Range<Int>
}

/// Reads values, and remembers the names that it has looked up.
struct FilterValues {
  private let names: FilterNames
  private var ports: [String: UInt16?] = [:]
  private var users: [String: UInt32?] = [:]

  init(_ names: FilterNames) { self.names = names }

  /// The test of a condition with its value.
  mutating func expression(
    _ condition: FilterCondition, _ relation: FilterComparison, _ value: FilterToken
  ) throws(FilterMistake) -> FilterExpression {
    switch condition {
    case .port(let end):
      if relation == .notEqual { return .not(try ports(end, .equal, value)) }
      return try ports(end, relation, value)
    case .host(let end):
      return try each(value, .host(end), .equal) { values, word, _ throws(FilterMistake) in
        Self.test(try values.host(word), end)
      }.negated(relation == .notEqual)
    case .state: return .test(.state(try states(value))).negated(relation == .notEqual)
    case .excludedState: return .test(.state(try states(value))).negated(relation == .equal)
    case .process:
      return try each(value, condition, relation) { values, word, relation throws(FilterMistake) in
        .test(.process(relation, try values.pid(word)))
      }.negated(relation == .notEqual)
    case .user:
      return try each(value, condition, relation) { values, word, relation throws(FilterMistake) in
        .test(.user(relation, try values.uid(word)))
      }.negated(relation == .notEqual)
    case .processName:
      return try each(value, condition, relation) { _, word, _ in
        // The kernel keeps 15 bytes of a name (TASK_COMM_LEN).
        .test(.processName(Array(word.text.utf8.prefix(15))))
      }.negated(relation == .notEqual)
    case .receiveQueue: return .test(.receiveQueue(relation, try bytes(value)))
    case .sendQueue: return .test(.sendQueue(relation, try bytes(value)))
    case .roundTripTime: return .test(.roundTripTime(relation, try time(value)))
    case .retransmissions:
      guard let count = FilterQuantity.whole(value.text) else {
        throw FilterMistake(value, "expected a whole number, not \(quoted(value.text))")
      }
      return .test(.retransmissions(relation, count))
    case .pending: return .test(.pending)
    case .orphan: return .test(.orphan)
    case .ssOnly: return .any([])
    }
  }

  /// All states that a list names.
  mutating func states(_ value: FilterToken) throws(FilterMistake) -> Set<TCPState> {
    var found: Set<TCPState> = []
    for word in try Self.list(value, .state) {
      guard let states = FilterWords.states(word.text) else {
        let hint = didYouMean(word.text, FilterWords.stateNames)
        let known =
          hint.isEmpty ? ": \(FilterWords.stateNames.joined(separator: ", "))" : ""
        throw FilterMistake(
          word.range, "expected a state, not \(quoted(word.text))\(hint)\(known)")
      }
      found.formUnion(states)
    }
    return found
  }

  /// One of the values of a list, or what is in order with the only one.
  private mutating func each(
    _ value: FilterToken, _ condition: FilterCondition, _ relation: FilterComparison,
    _ make: (inout Self, FilterWord, FilterComparison) throws(FilterMistake) -> FilterExpression
  ) throws(FilterMistake) -> FilterExpression {
    let words = try Self.list(value, condition)
    let isEquality = relation == .equal || relation == .notEqual
    if !isEquality, words.count > 1 {
      throw FilterMistake(words[1].range, "expected one value: a list has no order")
    }
    var parts: [FilterExpression] = []
    for word in words { parts.append(try make(&self, word, isEquality ? .equal : relation)) }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  /// The parts between commas; a quoted value is one.
  private static func list(
    _ value: FilterToken, _ condition: FilterCondition
  ) throws(FilterMistake) -> [FilterWord] {
    if value.kind == .quoted {
      if value.text.isEmpty {
        throw FilterMistake(value, "expected \(condition.expected) between the quotes")
      }
      return [FilterWord(text: value.text, range: value.range)]
    }
    var words: [FilterWord] = []
    var start = value.range.lowerBound
    for part in value.text.utf8.split(
      separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    {
      let range = start..<(start + part.count)
      if part.isEmpty {
        let end = min(range.lowerBound + 1, value.range.upperBound)
        throw FilterMistake(
          range.lowerBound..<end, "expected \(condition.expected) on both sides of a comma")
      }
      words.append(FilterWord(text: String(Substring(part)), range: range))
      start = range.upperBound + 1
    }
    return words
  }

  // MARK: Ports

  private mutating func ports(
    _ end: FilterEnd?, _ relation: FilterComparison, _ value: FilterToken
  ) throws(FilterMistake) -> FilterExpression {
    var ranges: [ClosedRange<UInt16>] = []
    let words = try Self.list(value, .port(end))
    if relation != .equal, words.count > 1 {
      throw FilterMistake(words[1].range, "expected one port: a list has no order")
    }
    for word in words {
      let range = try portRange(word)
      if relation == .equal {
        ranges.append(range)
        continue
      }
      if range.count > 1 {
        throw FilterMistake(word.range, "expected one port: a range has no order")
      }
      let port = range.lowerBound
      switch relation {
      case .greater: if port < .max { ranges.append((port + 1)...(.max)) }
      case .atLeast: ranges.append(port...(.max))
      case .less: if port > 0 { ranges.append(0...(port - 1)) }
      default: ranges.append(0...port)
      }
    }
    return Self.test(PortRanges.merged(ranges), end)
  }

  private static func test(
    _ ranges: [ClosedRange<UInt16>], _ end: FilterEnd?
  ) -> FilterExpression {
    if let end { return .test(.port(end, ranges)) }
    // Port 0 is what a listener has in place of a peer.
    return .any([
      .test(.port(.local, ranges)), .test(.port(.peer, PortRanges.without0(ranges))),
    ])
  }

  private mutating func portRange(_ word: FilterWord) throws(FilterMistake) -> ClosedRange<UInt16> {
    // ss has a colon before each port.
    let text = word.text.hasPrefix(":") ? String(word.text.dropFirst()) : word.text
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    // A hyphen may also stand in a service's name.
    guard ends.count == 2, ends.allSatisfy(\.isDecimal) else {
      let port = try port(text, word.range)
      return port...port
    }
    let first = try port(String(ends[0]), word.range)
    let last = try port(String(ends[1]), word.range)
    guard first <= last else {
      throw FilterMistake(
        word.range, "the range ends before it begins. Did you mean '\(last)-\(first)'?")
    }
    return first...last
  }

  private mutating func port(
    _ text: String, _ range: Range<Int>
  ) throws(FilterMistake) -> UInt16 {
    if text.isDecimal {
      if let port = UInt16(text) { return port }
      throw FilterMistake(range, "expected a port from 0 to 65535, not \(quoted(text))")
    }
    // Longer than the name of any service (RFC 6335 allows 15 letters).
    if !text.isEmpty, text.utf8.count <= 64 {
      let known = ports[text] ?? names.port(text)
      ports[text] = known
      if let known { return known }
    }
    throw FilterMistake(
      range,
      "expected a port, a range like 8000-8100 or a service's name, not \(quoted(text))"
        + didYouMean(text, names.services()))
  }

  // MARK: Addresses

  private static func test(_ host: FilterHost, _ end: FilterEnd?) -> FilterExpression {
    if let end { return .test(.host(end, host)) }
    // A listener has no peer, whose address would be the unspecified one.
    return .any([
      .test(.host(.local, host)),
      .all([.test(.port(.peer, [1...(.max)])), .test(.host(.peer, host))]),
    ])
  }

  /// `ADDRESS[/LENGTH][:PORT]`, where an IPv6 address with a port stands in brackets; `*` is any
  /// address, and so is none before a colon.
  private mutating func host(_ word: FilterWord) throws(FilterMistake) -> FilterHost {
    let text = word.text
    var address = Substring(text)
    var port: Substring?
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let behind = text[text.index(after: end)...]
      let inner = text[text.index(after: text.startIndex)..<end]
      let parts = behind.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      address = inner + (parts.first ?? "")
      port = parts.count == 2 ? parts[1] : nil
      if let rest = parts.first, !rest.isEmpty, !rest.hasPrefix("/") { address = Substring(text) }
    } else if IPAddress(text) == nil, let colon = text.lastIndex(of: ":"),
      // With a length behind it, only what follows that can be a port.
      text.firstIndex(of: "/").map({ $0 < colon }) ?? (text.firstIndex(of: ":") == colon)
    {
      address = text[..<colon]
      port = text[text.index(after: colon)...]
    }
    var host = FilterHost()
    if let port { host.port = try self.port(String(port), word.range) }
    if address.isEmpty && port != nil || address == "*" { return host }
    host.prefix = try prefix(address, word)
    return host
  }

  private func prefix(
    _ text: Substring, _ word: FilterWord
  ) throws(FilterMistake) -> AddressPrefix {
    if let prefix = AddressPrefix(text) { return prefix }
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    var message = "expected an address like 10.0.0.1, 10.0.0.0/8 or [::1]:443, not "
    message += quoted(word.text)
    if let first = parts.first, let address = IPAddress(first) {
      if case .v6(let v6) = address, v6.scope != 0 {
        message = "expected an address without an interface: it is matched on every one"
      } else if parts.count == 2, let length = UInt8(parts[1]),
        let whole = AddressPrefix(masking: address, length: Int(length))
      {
        message = "bits are set behind the prefix. Did you mean '\(whole)'?"
      } else if parts.count == 2 {
        message = "expected a length from 0 to \(address.isIPv6 ? 128 : 32) after the '/'"
      }
    } else if text.utf8.contains(where: { (0x61...0x7A).contains($0 | 0x20) }),
      !text.contains(":")
    {
      message += ": names of hosts are not looked up here"
    }
    throw FilterMistake(word.range, message)
  }

  // MARK: Users, processes, quantities

  private func pid(_ word: FilterWord) throws(FilterMistake) -> Int32 {
    if let number = FilterQuantity.whole(word.text), let pid = Int32(exactly: number), pid > 0 {
      return pid
    }
    throw FilterMistake(
      word.range, "expected a process's number, not \(quoted(word.text)); names go with 'process='")
  }

  private mutating func uid(_ word: FilterWord) throws(FilterMistake) -> UInt32 {
    if let number = FilterQuantity.whole(word.text), let uid = UInt32(exactly: number) {
      return uid
    }
    let known = users[word.text] ?? names.uid(word.text)
    users[word.text] = known
    if let known { return known }
    throw FilterMistake(
      word.range,
      "expected a user's number, or a name from /etc/passwd, not \(quoted(word.text))"
        + didYouMean(word.text, names.users()))
  }

  private func bytes(_ value: FilterToken) throws(FilterMistake) -> Int {
    if let bytes = FilterQuantity.bytes(value.text) { return bytes }
    throw FilterMistake(
      value, "expected a number of bytes like 0, 1500 or 64K, not \(quoted(value.text))")
  }

  private func time(_ value: FilterToken) throws(FilterMistake) -> Duration {
    if let time = FilterQuantity.time(value.text) { return time }
    let isBare = FilterQuantity.time(value.text + "ms") != nil
    throw FilterMistake(
      value,
      "expected a time with a unit like 500us, 50ms or 1.5s, not \(quoted(value.text))"
        + (isBare ? ". Did you mean '\(value.text)ms'?" : ""))
  }
}

extension FilterExpression {
  fileprivate func negated(_ isNegated: Bool) -> FilterExpression { isNegated ? .not(self) : self }
}
