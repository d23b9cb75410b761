// Which options go together: declared at an option, checked for all of them here.

/// Options that an option leaves nothing to do for.
public struct Exclusion: Sendable, Equatable {
  /// Long names.
  public var names: [String]
  /// What follows the colon: `nothing is relayed`.
  public var reason: String
}

extension Bound {
  /// The same option, which may not be given together with certain others of the command.
  ///
  /// - Parameters:
  ///   - names: Their long names.
  ///   - reason: Why, as it follows a colon, without a full stop.
  public func excluding(_ names: [String], because reason: String) -> Self {
    var parameter = parameter
    parameter.exclusions.append(Exclusion(names: names, reason: reason))
    return Self(parameter: parameter, store: store)
  }

  /// The same option, which does nothing, and is therefore refused, unless one of certain others is
  /// given, named by their long names.
  public func needing(_ names: String...) -> Self {
    var parameter = parameter
    parameter.neededOptions += names
    return Self(parameter: parameter, store: store)
  }
}

extension Bound {
  /// The same option, which does nothing, and is therefore refused, unless certain operands are given.
  public func needingOperands(_ names: String...) -> Self {
    var parameter = parameter
    parameter.neededOperands += names
    return Self(parameter: parameter, store: store)
  }

  /// The same option, which leaves nothing to say for certain operands: for many options at once.
  public func waiving(_ names: String...) -> Self {
    var parameter = parameter
    parameter.waivedOperands += names
    return Self(parameter: parameter, store: store)
  }
}

/// Throws where a given option lacks an operand that it needs.
func checkOperands(neededBy settings: [Scan.Setting], given words: [String]) throws(UsageError) {
  for setting in settings where words.isEmpty && !setting.parameter.neededOperands.isEmpty {
    let names = setting.parameter.neededOperands.map { "'<\($0)>'" }.joined(separator: " and ")
    throw UsageError(
      "The option '--\(setting.parameter.name)' needs \(names)", about: setting.parameter)
  }
}

/// Throws where given options exclude each other, and where one lacks another that it needs.
func checkCombination(of settings: [Scan.Setting]) throws(UsageError) {
  for setting in settings {
    for exclusion in setting.parameter.exclusions {
      guard let other = settings.first(where: { exclusion.names.contains($0.parameter.name) })
      else { continue }
      throw UsageError(
        "The options '--\(setting.parameter.name)' and '--\(other.parameter.name)' "
          + "exclude each other: \(exclusion.reason)")
    }
    let needed = setting.parameter.neededOptions
    if !needed.isEmpty, !settings.contains(where: { needed.contains($0.parameter.name) }) {
      let names = needed.map { "'--\($0)'" }.joined(separator: " or ")
      throw UsageError(
        "The option '--\(setting.parameter.name)' needs \(names)", about: setting.parameter)
    }
  }
}
