// The completion script for fish: a rule for each subcommand, option and operand.

extension CommandTable {
  func fishScript() -> String {
    let name = identifier
    let tool = fishQuoted(tool.name)
    var lists = OptionLists()
    var rules = ["complete -c \(tool) -f"]
    func rule(_ condition: String, _ rest: String) {
      rules.append("complete -c \(tool) -n \(fishQuoted(condition)) \(rest)")
    }
    func offerSubcommands(_ condition: String) {
      for (name, abstract) in subcommands {
        rule(condition, "-a \(fishQuoted(fishQuoted(name))) -d \(fishQuoted(abstract))")
      }
    }

    offerSubcommands("__\(name)_at \"\" 0 0")
    offerSubcommands("__\(name)_at help 0 0")
    for (command, options) in optionRows {
      for option in options {
        let keys = option.spellings.map { fishQuoted("\(command) \($0)") }
        lists.add(option, keys)
        let once = option.isRepeated ? [] : option.spellings
        let condition = (["__\(name)_may", fishQuoted(command)] + once).joined(separator: " ")
        let short = option.short.map { "-s \(fishQuoted(String($0))) " } ?? ""
        let isAlone = option.kind == .flag || option.bareValue != nil
        let value =
          fishValue([option], exclusive: !isAlone).map { $0 + " " } ?? (isAlone ? "" : "-x ")
        rule(condition, "\(short)-l \(option.name) \(value)-d \(fishQuoted(option.help))")
      }
    }
    for command in commands {
      for place in command.places {
        guard let value = fishValue(place.operands, exclusive: false) else { continue }
        let range = "\(place.first) \(place.last ?? 9999)"
        rule("__\(name)_at \(fishQuoted(command.page.name)) \(range)", value)
      }
      if !command.lastOptions.isEmpty {
        rule("__\(name)_at \(fishQuoted(command.page.name + " ...")) 0 9999", "-F")
      }
    }
    return """
      \(scriptHeading(.fish))

      \(lists.functions(name))

      \(fishFunctions(name))
      \(rules.joined(separator: "\n"))

      """
  }

  /// The switches that say what a value may be.
  private func fishValue(_ parameters: [Parameter], exclusive: Bool) -> String? {
    var words: [String] = []
    var isFile = false
    for parameter in parameters {
      switch parameter.completion {
      case .none where parameter.choices.isEmpty: break
      case .none:
        let choices = parameter.choices.map { fishQuoted($0) }.joined(separator: " ")
        words.append("(__\(identifier)_\(parameter.isList ? "list" : "words") \(choices))")
      case .file: isFile = true
      case .host: words.append("(__\(identifier)_hosts)")
      case .port: words.append("(__\(identifier)_ports)")
      case .command: words.append("(__\(identifier)_commands)")
      case .words(let offered):
        let list = offered.map { fishQuoted($0) }.joined(separator: " ")
        words.append("(__\(identifier)_terms \(list))")
      case .listed(let path): words.append("(__\(identifier)_listed \(fishQuoted(path)))")
      }
    }
    guard isFile || !words.isEmpty else { return nil }
    let files = isFile ? (exclusive ? ["-r -F"] : ["-F"]) : (exclusive ? ["-x"] : [])
    let list = words.isEmpty ? [] : ["-a \(fishQuoted(words.joined(separator: " ")))"]
    return (files + list).joined(separator: " ")
  }
}

/// What the script has to know of the options, each as it is spelled for a subcommand.
private struct OptionLists {
  private var valued: [String] = []
  private var attachable: [String] = []
  private var remaining: [String] = []
  private var digits: [String] = []

  mutating func add(_ option: Parameter, _ keys: [String]) {
    switch option.valueForm {
    case .required: if option.kind == .option { valued += keys }
    case .optional: attachable += keys
    case .remaining:
      valued += keys
      remaining += keys
    }
    if option.short?.isNumber == true { digits += keys.prefix(1) }
  }

  func functions(_ tool: String) -> String {
    [
      (
        "takes_value", "Whether an option, as it is spelled for a subcommand, takes a value.",
        valued
      ),
      ("may_take_value", "Whether a value may be attached to an option.", attachable),
      ("takes_all", "Whether an option takes all the words that are left.", remaining),
      ("is_digit", "Whether a word that looks like a negative number is an option.", digits),
    ].map { name, comment, keys in
      #"""
      # \#(comment)
      function __\#(tool)_\#(name)
          contains -- "$argv" \
              \#(keys.joined(separator: " "))
      end
      """#
    }.joined(separator: "\n\n")
  }
}

/// The part that does not depend on the table.
private func fishFunctions(_ tool: String) -> String {
  #"""
  # Prints the subcommand before the cursor, the number of its operands, and the options that have
  # been given, without one whose value is being typed. Where all the words belong to an option, the
  # subcommand is followed by ' ...'.
  function __\#(tool)_where
      set -l words (commandline -opc)
      set -l command ''
      set -l count 0
      set -l given
      set -l pending
      set -l ended
      for word in $words[2..-1]
          if set -q pending[1]
              if __\#(tool)_takes_all "$command" $pending
                  set command "$command ..."
                  break
              end
              set -a given $pending
              set pending
          else if set -q ended[1]; or not string match -q -- '-?*' $word
              or begin
                  string match -qr -- '^-\d' $word
                  and not __\#(tool)_is_digit $command (string sub -l 2 -- $word)
              end
              if test -z "$command"
                  set command $word
              else
                  set count (math $count + 1)
              end
          else if test "$word" = --
              set ended 1
          else if string match -q -- '--*=*' $word
              set -l option (string replace -r '=.*' '' -- $word)
              if __\#(tool)_takes_all "$command" $option
                  set command "$command ..."
                  break
              end
              set -a given $option
          else if string match -q -- '--*' $word
              if __\#(tool)_takes_value "$command" $word
                  set pending $word
              else
                  set -a given $word
              end
          else
              set -l letters (string split '' -- (string sub -s 2 -- $word))
              while set -q letters[1]
                  set -l option -$letters[1]
                  set -e letters[1]
                  if not set -q letters[1]; and __\#(tool)_takes_value "$command" $option
                      set pending $option
                      break
                  end
                  set -a given $option
                  if __\#(tool)_takes_all "$command" $option
                      set command "$command ..."
                      break
                  else if __\#(tool)_takes_value "$command" $option
                      or __\#(tool)_may_take_value "$command" $option
                      break
                  end
              end
          end
      end
      printf '%s\n' "$command" $count $given
  end

  # Whether the cursor is at an operand of a subcommand between two positions.
  function __\#(tool)_at -a command first last
      set -l where (__\#(tool)_where)
      test "$where[1]" = "$command"; and test $where[2] -ge $first; and test $where[2] -le $last
  end

  # Whether an option of a subcommand, in none of its spellings, has been given.
  function __\#(tool)_may
      set -l where (__\#(tool)_where)
      test "$where[1]" = "$argv[1]"; or return 1
      for option in $argv[2..-1]
          contains -- $option $where[3..-1]; and return 1
      end
      return 0
  end

  # Prints words without a description: the empty one keeps fish from giving each that of the option.
  function __\#(tool)_words
      set -q argv[1]; and printf '%s\t\n' $argv
  end

  # Prints the list that is being typed with one more element.
  function __\#(tool)_list
      set -l word (string replace -r -- '^--[^=]*=' '' (commandline -ct))
      set -l begun (string replace -r -- '[^,]*$' '' $word)
      set -l elements (string split , -- $begun)
      for element in $argv
          contains -- $element $elements; or __\#(tool)_words $begun$element
      end
  end

  # Prints words, each of which may end with '=' and a list of its values. What begins with '-' has
  # to be attached to the option.
  function __\#(tool)_terms
      set -l word (string replace -r -- '^--[^=]*=' '' (commandline -ct))
      if not string match -q -- '--*=-*' (commandline -ct)
          set argv (string match -v -- '-*' $argv)
      end
      for term in $argv
          set -l parts (string split -m 1 = -- $term)
          if test -n "$parts[2]"; and string match -q -- "$parts[1]=*" $word
              set -l begun (string replace -r -- '[^,=]*$' '' $word)
              set -l elements (string split , -- (string replace -- "$parts[1]=" '' $begun))
              for element in (string split , -- $parts[2])
                  contains -- $element $elements; or __\#(tool)_words $begun$element
              end
              return
          end
      end
      __\#(tool)_words (string replace -r -- '=.*' = $argv)
  end

  # Prints the words of a file, or the names in a folder; names of files behind a slash.
  function __\#(tool)_listed -a path
      set -l word (string replace -r -- '^--[^=]*=' '' (commandline -ct))
      if string match -q '*/*' -- $word
          __fish_complete_path $word
      else if test -d $path
          set -l names $path/*
          __\#(tool)_words (string replace -r '.*/' '' -- $names)
      else if test -r $path
          __\#(tool)_words (string match -ar '\S+' <$path)
      end
  end

  # Prints the hosts of the hosts file and of known_hosts; patterns and hashed names are none.
  # (fish has a function of its own, which leaves out localhost.)
  function __\#(tool)_hosts
      test -r /etc/hosts
      and string replace -rf '^\s*[^#\s]+\s+([^#]*).*' '$1' </etc/hosts | string match -ar '\S+'
      test -r ~/.ssh/known_hosts
      and string match -r '^[^@#|\s]\S*' <~/.ssh/known_hosts | string split , |
          string replace -r '^\[(.*?)\].*' '$1' | string match -rv '[*?!]'
  end

  # Prints the commands that continue the word that is being typed.
  function __\#(tool)_commands
      complete -C (string replace -r -- '^--[^=]*=' '' (commandline -ct))
  end

  # Prints the names of TCP services with their numbers.
  function __\#(tool)_ports
      string replace -rf '^([^#\s]\S*)\s+(\d+)/tcp.*' '$1\t$2' </etc/services
  end

  """#
}
