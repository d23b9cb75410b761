// The completion script for zsh: a specification for `_arguments` a subcommand.

extension CommandTable {
  func zshScript() -> String {
    let name = identifier
    let names = subcommands.map { entry in
      shellQuoted([entry.name, entry.abstract].map { zshEscaped($0, "\\") }.joined(separator: ":"))
    }
    let root = rootOptions.map { zshOption($0) }
    let bodies = commands.map { command in
      let specifications =
        command.options.map { zshOption($0) } + command.places.map { zshPlace($0) }
      return "    \(shellQuoted(command.page.name)))\n" + zshCall(specifications, "      ")
        + " && ret=0\n      ;;"
    }
    let rest = [shellQuoted("1:subcommand:_\(name)_subcommands")]
    return """
      #compdef \(tool.name)
      \(scriptHeading(.zsh))

      _\(name)_subcommands() {
        local -a names=(
      \(names.map { "    " + $0 }.joined(separator: "\n"))
        )
        _describe -t commands subcommand names "$@"
      }

      # Offers words, each of which may end with '=' and a list of its values; no blank follows where
      # there is more to type. What begins with '-' has to be attached to the option.
      _\(name)_terms() {
        local term
        local -a open closed
        for term; do
          [[ $term != -* || ( $IPREFIX == *= && $PREFIX == -* ) ]] || continue
          if [[ $term == *=?* && $PREFIX == ${term%%=*}=* ]]; then
            compset -P "${term%%=*}="
            _sequence compadd - ${(s:,:)term#*=}
            return
          fi
          case $term in
            *=*) open+=("${term%%=*}=") ;;
            *['<>:']) open+=("$term") ;;
            *) closed+=("$term") ;;
          esac
        done
        compadd -S '' -a open
        compadd -a closed
      }

      # Offers the words of a file, or the names in a folder; names of files behind a slash.
      _\(name)_listed() {
        local -a words
        if [[ $PREFIX == */* ]]; then
          _files
          return
        elif [[ -d $1 ]]; then
          words=($1/*(N:t))
        elif [[ -r $1 ]]; then
          words=(${=$(<$1)})
        fi
        compadd -a words
      }

      _\(name)() {
        local curcontext=$curcontext context state state_descr ret=1
        local -a line
        typeset -A opt_args

      \(zshCall(["-C"] + root + rest + ["'*:: :->arguments'"], "  ")) && ret=0
        [[ $state == arguments ]] || return ret

        curcontext="${curcontext%:*}-$words[1]:"
        case $words[1] in
      \(bodies.joined(separator: "\n"))
          help)
      \(zshCall([Parameter.version, .help].map { zshOption($0) } + rest, "      ")) && ret=0
            ;;
        esac
        return ret
      }

      if [[ $funcstack[1] == _\(name) ]]; then
        _\(name) "$@"
      else
        compdef _\(name) \(shellQuoted(tool.name))
      fi

      """
  }

  private func zshCall(_ arguments: [String], _ indent: String) -> String {
    (["\(indent)_arguments -s -S"] + arguments).joined(separator: " \\\n\(indent)  ")
  }

  /// `'(-b --backlog)'{-b+,--backlog=}'[help]:n:action'`: each spelling excludes the others. The
  /// signs behind the names say that the value is a word of its own or attached, or always attached.
  private func zshOption(_ option: Parameter) -> String {
    let group = option.spellings.joined(separator: " ")
    let head = shellQuoted(option.isRepeated ? "*" : "(\(group))")
    let isOption = option.kind == .option
    let signs = option.bareValue == nil ? (short: "+", long: "=") : (short: "-", long: "=-")
    let names = option.spellings.map { name in
      shellQuoted(name) + (isOption ? (name.hasPrefix("--") ? signs.long : signs.short) : "")
    }
    var tail = "[\(escaped(option.help, ["\\": "\\\\", "[": "\\[", "]": "\\]"]))]"
    if isOption {
      tail += option.bareValue == nil ? ":" : "::"
      tail += "\(zshEscaped(option.valueName)):\(zshAction([option]))"
    }
    if option.valueForm == .remaining { tail += ":*::argument:\(zshArguments)" }
    let spellings = names.count == 1 ? names[0] : "{\(names.joined(separator: ","))}"
    return head + spellings + shellQuoted(tail)
  }

  /// The completion of the command itself, which sees the words behind the option as its line; not
  /// so where the command is attached to the option.
  private var zshArguments: String {
    "{ if (( CURRENT > 1 )); then _normal; else _files; fi }"
  }

  private func zshPlace(_ place: Place) -> String {
    let names = zshEscaped(place.operands.map(\.name).joined(separator: " or "))
    let position = place.last.map { String($0 + 1) } ?? "*"
    return shellQuoted("\(position):\(names):\(zshAction(place.operands))")
  }

  /// What `_arguments` is to do for a value; it reads a colon as the end unless it is escaped.
  private func zshAction(_ parameters: [Parameter]) -> String {
    let actions = parameters.map { parameter in
      switch parameter.completion {
      case .none where parameter.choices.isEmpty: return ""
      case .none:
        let choices = parameter.choices.map { shellQuoted($0) }.joined(separator: " ")
        return (parameter.isList ? "_sequence " : "") + "compadd - \(choices)"
      case .file: return "_files"
      case .host: return "_hosts"
      case .port: return "_ports"
      // The blank keeps away the arguments that _arguments would put behind the name.
      case .command: return " _command_names -e"
      case .words(let words):
        return " _\(identifier)_terms " + words.map { shellQuoted($0) }.joined(separator: " ")
      case .listed(let path): return " _\(identifier)_listed \(shellQuoted(path))"
      }
    }
    if actions.count == 1 { return actions[0].isEmpty ? " " : zshEscaped(actions[0]) }
    let alternatives = zip(parameters, actions).filter { !$1.isEmpty }.map { parameter, action in
      let name = zshEscaped(parameter.name)
      return shellQuoted("\(name):\(name):\(action)")
    }
    return alternatives.isEmpty
      ? " " : zshEscaped(" _alternative \(alternatives.joined(separator: " "))")
  }

  /// Text that ends at the next colon; some readers take a backslash for an escape, too.
  private func zshEscaped(_ text: String, _ other: Unicode.Scalar = ":") -> String {
    escaped(text, [":": "\\:", other: "\\\(other)"])
  }
}
