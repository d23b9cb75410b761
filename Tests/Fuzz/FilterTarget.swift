// Fuzzes the language of filters: any text, and what follows from one that is understood.

import Report
import SocketCore

@testable import KernelTables

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFilter(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = unsafe String(
    decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  let filter: Filter
  do throws(FilterError) {
    filter = try Filter(parsing: text, names: .fixed)
  } catch {
    checkMistake(error, text)
    return 0
  }
  check(
    (try? Filter(parsing: "( \(text) )", names: .fixed)) != nil || !canStandInParentheses(text),
    "no more a filter within parentheses")
  let printed = filter.expression.text
  guard let again = try? Filter(parsing: printed, names: .fixed) else {
    // Written out, one pair of parentheses may have become several.
    check(printed.count { $0 == "(" } > FilterParser.deepest, "not read again: \(printed)")
    return 0
  }
  check(again.needs == filter.needs, "needs something else: \(printed)")
  let selection = filter.selection
  check(selection.program.isEmpty || ProgramModel(selection.program).isValid, "a bad program")
  for subject in subjects {
    let answer = filter.answer(about: subject)
    check(answer == again.answer(about: subject), "another answer: \(printed)")
    if answer == .yes { check(subject.row.passes(selection), "the kernel leaves it out: \(text)") }
  }
  return 0
}

/// The place lies in the text, and the marks stand under it.
private func checkMistake(_ error: FilterError, _ text: String) {
  check(error.expression == text && !error.message.isEmpty, "the message")
  check(error.range.lowerBound >= 0 && error.range.upperBound <= text.utf8.count, "\(error.range)")
  for width in [20, 79, 1_000] {
    let (line, mark) = pointed(text, at: error.range, width: width)
    check(!line.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }, "control characters")
    check(mark.contains("^") && mark.drop { $0 == " " }.allSatisfy { $0 == "^" }, "the mark")
    check(mark.utf8.count <= width, "the mark is beyond the line")
  }
}

/// The states at the front, which hold for all that follows, are nothing inside; and there has to be a
/// condition.
private func canStandInParentheses(_ text: String) -> Bool {
  guard let tokens = try? FilterLexer.tokens(of: text) else { return false }
  return tokens.count > 1 && !["state", "exclude"].contains(tokens[0].text.lowercased())
    && tokens.count { $0.kind == .open } < FilterParser.deepest
}

/// Sockets over the ports and addresses that the seeds ask for.
private let subjects: [Subject] = {
  var maker = FilterMaker(
    random: SeededGenerator(seed: 4), ports: [0, 1, 80, 443, 8_000, 8_080, 65_535],
    addresses: ["127.0.0.1", "10.1.2.3", "::1", "::", "0.0.0.0", "::ffff:10.1.2.3", "fe80::1"])
  return (0..<48).map { number in
    let owner = SocketOwner(pid: 1 + Int32(number % 3), name: Array("nginx".utf8), descriptor: 3)
    return Subject(
      row: maker.row(), roundTripTime: maker.pick([nil, .zero, .milliseconds(50), .seconds(1)]),
      totalRetransmissions: maker.pick([nil, 0, 1]), owners: maker.pick([nil, [], [owner]]))
  }
}()

extension FilterExpression {
  /// The same once more in the language, with all parentheses.
  fileprivate var text: String {
    switch self {
    case .test(let test): test.text
    case .not(let part): "not ( \(part.text) )"
    case .all(let parts): Self.joined(parts, "and") ?? "state=all"
    case .any(let parts): Self.joined(parts, "or") ?? "state!=all"
    }
  }

  private static func joined(_ parts: [FilterExpression], _ word: String) -> String? {
    parts.isEmpty ? nil : parts.map { "( \($0.text) )" }.joined(separator: " \(word) ")
  }
}

extension FilterTest {
  fileprivate var text: String {
    switch self {
    case .state(let states):
      states.isEmpty
        ? "state!=all" : "state=" + states.map { "\($0.name)" }.sorted().joined(separator: ",")
    case .port(let end, let ranges):
      ranges.isEmpty
        ? "state!=all"
        : (end == .local ? "lport=" : "rport=")
          + ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    case .host(let end, let host):
      (end == .local ? "local=" : "peer=") + host.text
    case .receiveQueue(let comparison, let count): "recvq\(comparison.text)\(count)"
    case .sendQueue(let comparison, let count): "sendq\(comparison.text)\(count)"
    case .roundTripTime(let comparison, let time):
      "rtt\(comparison.text)\(Int64(time / .nanoseconds(1)))ns"
    case .retransmissions(let comparison, let count): "retrans\(comparison.text)\(count)"
    case .user(let comparison, let uid): "uid\(comparison.text)\(uid)"
    case .process(let comparison, let pid): "pid\(comparison.text)\(pid)"
    case .processName(let name):
      // The value has no quotes of the kind that it stood in.
      "process="
        + (name.contains(UInt8(ascii: "\"")) ? ["'", "'"] : ["\"", "\""])
        .joined(separator: String(decoding: name, as: UTF8.self))
    case .pending: "pending"
    case .orphan: "orphan"
    }
  }
}

extension FilterHost {
  fileprivate var text: String {
    let port = port.map { ":\($0)" } ?? ""
    guard let prefix else { return "*\(port)" }
    let (address, length) = (prefix.address, prefix.length)
    return (address.isIPv6 ? "[\(address)]" : "\(address)") + "/\(length)" + port
  }
}

extension FilterComparison {
  fileprivate var text: String {
    switch self {
    case .equal: "="
    case .notEqual: "!="
    case .greater: ">"
    case .atLeast: ">="
    case .less: "<"
    case .atMost: "<="
    }
  }
}
