// PORTS as a person types them: numbers, ranges and services, in one word.

internal import CommandSpec
internal import SocketCore

/// The ports of `22,80,8000-8100,https`.
enum PortList {
  /// Each port once, in ascending order.
  static func ports(_ text: String) throws(UsageError) -> [UInt16] {
    var found = Set<UInt16>()
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      found.formUnion(try range(String(word)))
    }
    return found.sorted()
  }

  private static func range(_ word: String) throws(UsageError) -> ClosedRange<UInt16> {
    let ends = word.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    // A hyphen may also stand in a service's name.
    guard ends.count == 2, ends.allSatisfy(\.isDecimal) else {
      let port = try port(word, of: word)
      return port...port
    }
    let first = try port(String(ends[0]), of: word)
    let last = try port(String(ends[1]), of: word)
    guard first <= last else {
      throw refusal(word, "The range ends before it begins. Did you mean '\(last)-\(first)'?")
    }
    return first...last
  }

  private static func port(_ text: String, of word: String) throws(UsageError) -> UInt16 {
    do throws(ResolutionError) {
      let port = try Resolver.port(text)
      if port > 0 { return port }
    } catch {
      throw refusal(
        word, "Give ports from 1 to 65535, ranges and services' names: 22,8000-8100,https.")
    }
    throw refusal(word, "Nothing can listen on port 0; give ports from 1 to 65535.")
  }

  private static func refusal(_ word: String, _ reason: String) -> UsageError {
    UsageError("The value '\(word)' is invalid for '--probe <ports>'. \(reason)")
  }
}
