// A parameter and where its value goes: what a command's own declaration of its options is made of.

/// What a property that stands for an option may be: a value, an optional value or an array of values.
public protocol ArgumentStorage: Sendable {
  /// What one word holds.
  associatedtype Value: ArgumentValue = Self
  /// Whether the option may be given more than once.
  static var isRepeated: Bool { get }
  /// The values held.
  var values: [Value] { get }
  /// Takes a value from the command line, the first one or a later one.
  mutating func take(_ value: Value, isFirst: Bool)
}

extension ArgumentValue {
  /// The last value wins.
  public static var isRepeated: Bool { false }
  /// The value itself.
  public var values: [Self] { [self] }
  /// Replaces the value.
  public mutating func take(_ value: Self, isFirst: Bool) { self = value }
}

extension Optional: ArgumentStorage where Wrapped: ArgumentValue {
  /// The last value wins.
  public static var isRepeated: Bool { false }
  /// The value, if there is one.
  public var values: [Wrapped] { map { [$0] } ?? [] }
  /// Replaces the value.
  public mutating func take(_ value: Wrapped, isFirst: Bool) { self = value }
}

extension Array: ArgumentStorage where Element: ArgumentValue {
  /// All values count.
  public static var isRepeated: Bool { true }
  /// The values themselves.
  public var values: Self { self }
  /// Appends the value; the first one replaces the default.
  public mutating func take(_ value: Element, isFirst: Bool) {
    self = (isFirst ? [] : self) + [value]
  }
}

/// A parameter plus what documentation does not need: where its value goes.
public struct Bound<Options: CommandOptions>: Sendable {
  /// A writable place in the options.
  public typealias Path<Value> = any WritableKeyPath<Options, Value> & Sendable

  /// What documentation and completion read.
  public let parameter: Parameter
  /// Stores a word, the first of this parameter or a later one; `false` refuses it.
  let store: @Sendable (inout Options, String, _ isFirst: Bool) -> Bool

  /// A switch that is off until it is given.
  ///
  /// - Parameter waivedOperands: the operands that it leaves nothing to say for.
  public static func flag(
    _ name: String, _ short: Character?, _ path: Path<Bool>, help: String,
    waives waivedOperands: [String] = []
  ) -> Self {
    let parameter = Parameter(
      kind: .flag, name: name, short: short, help: help, waivedOperands: waivedOperands)
    return Self(parameter: parameter) { options, _, _ in
      options[keyPath: path] = true
      return true
    }
  }

  /// A switch without a short form.
  public static func flag(
    _ name: String, _ path: Path<Bool>, help: String, waives waivedOperands: [String] = []
  ) -> Self {
    flag(name, nil, path, help: help, waives: waivedOperands)
  }

  /// An option whose default is what `Options()` holds.
  ///
  /// - Parameters:
  ///   - bare: the value where the option is given without one, as a person would type it. With it
  ///     a value has to be attached: `--name=value` or `-nvalue`.
  ///   - completion: what a shell offers; left out, what the type of the value has.
  ///   - waivedOperands: the operands that it leaves nothing to say for.
  public static func option<S: ArgumentStorage>(
    _ name: String, _ short: Character?, _ path: Path<S>, value: String, bare: String? = nil,
    help: String, completion: Parameter.Completion? = nil,
    waives waivedOperands: [String] = []
  ) -> Self {
    let completion = completion ?? S.Value.completion
    let fallback = Options()[keyPath: path].values.map(\.argumentText).joined(separator: ", ")
    let parameter = Parameter(
      kind: .option, name: name, short: short, valueName: value,
      valueForm: bare.map { .optional(bare: $0) } ?? .required, help: help,
      choices: S.Value.choices, isList: S.Value.isList,
      form: completion == .file ? "the name of a file" : S.Value.form, completion: completion,
      defaultText: fallback.isEmpty ? nil : fallback, isRepeated: S.isRepeated,
      waivedOperands: waivedOperands)
    return Self(parameter: parameter) { options, word, isFirst in
      // An unset variable in a script would else become a file without a name.
      if completion == .file && word.isEmpty { return false }
      guard let value = S.Value(argument: word) else { return false }
      options[keyPath: path].take(value, isFirst: isFirst)
      return true
    }
  }

  /// An option without a short form.
  public static func option<S: ArgumentStorage>(
    _ name: String, _ path: Path<S>, value: String, bare: String? = nil, help: String,
    completion: Parameter.Completion? = nil, waives waivedOperands: [String] = []
  ) -> Self {
    option(
      name, nil, path, value: value, bare: bare, help: help, completion: completion,
      waives: waivedOperands)
  }

  /// An option that takes all the words that are left: a program and its arguments. It stands last.
  ///
  /// - Parameter waivedOperands: the operands that it leaves nothing to say for.
  public static func command(
    _ name: String, _ short: Character?, _ path: Path<[String]>, value: String, help: String,
    waives waivedOperands: [String] = []
  ) -> Self {
    let parameter = Parameter(
      kind: .option, name: name, short: short, valueName: value, valueForm: .remaining, help: help,
      form: "the name of a program", completion: .command, waivedOperands: waivedOperands)
    return Self(parameter: parameter) { options, word, isFirst in
      if isFirst && word.isEmpty { return false }
      options[keyPath: path].take(word, isFirst: isFirst)
      return true
    }
  }

  /// An option without a short form that takes all the words that are left.
  public static func command(
    _ name: String, _ path: Path<[String]>, value: String, help: String,
    waives waivedOperands: [String] = []
  ) -> Self {
    command(name, nil, path, value: value, help: help, waives: waivedOperands)
  }
}
