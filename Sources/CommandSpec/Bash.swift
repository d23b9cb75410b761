// The completion script for bash 4.0 or later, with and without the bash-completion package.

extension CommandTable {
  func bashScript() -> String {
    let name = identifier
    let tables = optionRows.map { row in
      let words = row.options.map { shellQuoted(bashRow($0)) }.joined(separator: " ")
      return "    \(shellQuoted(row.command))) options=(\(words)) ;;"
    }
    var values: [String] = []
    for (command, options) in optionRows {
      for option in options {
        guard let call = bashCall([option]) else { continue }
        values.append("    \(shellQuoted("\(command) --\(option.name)"))) \(call) ;;")
      }
    }
    let names = subcommands.map { shellQuoted($0.name) }.joined(separator: " ")
    var operands = ["    'help 0') __\(name)_words \(names) ;;"]
    for command in commands {
      for place in command.places {
        guard let call = bashCall(place.operands) else { continue }
        let last = place.last.map(String.init) ?? ""
        let pattern = shellQuoted("\(command.page.name) \(last)") + (last.isEmpty ? "*" : "")
        operands.append("    \(pattern)) \(call) ;;")
      }
    }
    return """
      \(scriptHeading(.bash))
      # shellcheck shell=bash disable=SC2016  # what looks like an expansion is meant to stay text

      # The options of a subcommand, one word a row: '*' if repeated, spellings, '=' if it takes a value,
      # '?' if a value may be attached, '+' if it takes all the words that are left.
      __\(name)_table() {
        case $1 in
      \(tables.joined(separator: "\n"))
          *) options=() ;;
        esac
      }

      # What the value of an option may be.
      __\(name)_value() {
        case "$1 $2" in
      \(values.joined(separator: "\n"))
        esac
      }

      # What the operand at a position, counted from 0, may be.
      __\(name)_operand() {
        case "$1 $2" in
      \(operands.joined(separator: "\n"))
        esac
      }

      \(bashFunctions(name))
      complete -F _\(name) \(shellQuoted(tool.name))

      """
  }

  private func bashRow(_ option: Parameter) -> String {
    let mark =
      switch option.valueForm {
      case .required: option.kind == .option ? "=" : ""
      case .optional: "?"
      case .remaining: "+"
      }
    return (option.isRepeated ? "*" : "") + option.spellings.joined(separator: " ") + mark
  }

  private func bashCall(_ parameters: [Parameter]) -> String? {
    let calls = parameters.compactMap { parameter -> String? in
      switch parameter.completion {
      case .none where parameter.choices.isEmpty: return nil
      case .none:
        let choices = parameter.choices.map { shellQuoted($0) }.joined(separator: " ")
        return "__\(identifier)_\(parameter.isList ? "list" : "words") \(choices)"
      case .file: return "__\(identifier)_files"
      case .host: return "__\(identifier)_hosts"
      case .port: return "__\(identifier)_ports"
      case .command: return "__\(identifier)_commands"
      case .words(let words):
        return "__\(identifier)_terms \(words.map { shellQuoted($0) }.joined(separator: " "))"
      case .listed(let path): return "__\(identifier)_listed \(shellQuoted(path))"
      }
    }
    return calls.isEmpty ? nil : calls.joined(separator: "; ")
  }
}

/// The part that does not depend on the table.
///
/// Readline replaces only what follows the last break, so a candidate loses its `head`; the words in
/// `COMP_WORDS` are cut at the same breaks, and are joined again where no blank stands between them.
private func bashFunctions(_ tool: String) -> String {
  #"""
  # Offers the words that continue the current one.
  __\#(tool)_words() {
    local word
    for word; do
      [[ $word == *[!A-Za-z0-9_%+=:,./-]* ]] && printf -v word %q "$word"
      [[ $prefix$word == "$current"* ]] || continue
      word=$prefix$word
      COMPREPLY+=("${word#"$head"}")
    done
  }

  # Offers one more element of a comma-separated list.
  __\#(tool)_list() {
    local begun=${current#"$prefix"} element
    begun=${begun%"${begun##*,}"}
    local prefix=$prefix$begun
    compopt -o nospace 2>/dev/null
    for element; do
      [[ ,$begun == *",$element,"* ]] || __\#(tool)_words "$element"
    done
  }

  # Offers words, each of which may end with '=' and a list of its values; no blank follows where
  # there is more to type. What begins with '-' has to be attached to the option.
  __\#(tool)_terms() {
    local term values i
    compopt -o nospace 2>/dev/null
    for term; do
      [[ $term != -* || ($prefix && $current == "$prefix-"*) ]] || continue
      if [[ $term == *=?* && $current == "$prefix${term%%=*}="* ]]; then
        local prefix=$prefix${term%%=*}=
        IFS=, read -ra values <<<"${term#*=}"
        __\#(tool)_list "${values[@]}"
        return
      fi
      [[ $term == *=* ]] && term=${term%%=*}=
      __\#(tool)_words "$term"
    done
    for i in "${!COMPREPLY[@]}"; do
      [[ ${COMPREPLY[i]} == *['=<>:'] ]] || COMPREPLY[i]+=' '
    done
  }

  # Offers the words of a file, or the names in a folder; names of files behind a slash.
  __\#(tool)_listed() {
    local words=()
    if [[ ${current#"$prefix"} == */* ]]; then
      __\#(tool)_files
    elif [[ -d $1 ]]; then
      mapfile -t words < <(compgen -f -- "$1/")
      __\#(tool)_words "${words[@]#"$1/"}"
    elif [[ -r $1 ]]; then
      read -rd '' -a words <"$1"
      __\#(tool)_words "${words[@]}"
    fi
  }

  # Leaves names of files to readline, which knows how to quote them, unless it would take the
  # option for a part of the name.
  __\#(tool)_files() {
    if [[ $head == "$prefix"* ]]; then
      compopt -o default 2>/dev/null
    else
      local files
      mapfile -t files < <(compgen -f -- "${current#"$prefix"}")
      __\#(tool)_words "${files[@]}"
    fi
  }

  # Offers the hosts of the hosts file and of known_hosts; patterns and hashed names are none.
  __\#(tool)_hosts() {
    local fields name names
    while read -ra fields || [[ ${fields[0]-} ]]; do
      [[ ${fields[0]-} == '#'* ]] && continue
      for name in "${fields[@]:1}"; do
        [[ $name == '#'* ]] && break
        __\#(tool)_words "$name"
      done
    done 2>/dev/null <"${HOSTFILE:-/etc/hosts}"
    while read -r names _; do
      [[ $names == ['@#|']* ]] && continue
      while [[ $names ]]; do
        name=${names%%,*}
        names=${names#"$name"}
        names=${names#,}
        name=${name#[}
        name=${name%%]*}
        [[ $name == *[*?!]* ]] || __\#(tool)_words "$name"
      done
    done 2>/dev/null <~/.ssh/known_hosts
  }

  # Offers the names of TCP services.
  __\#(tool)_ports() {
    local name number
    while read -r name number _; do
      [[ $name != '#'* && $number == */tcp ]] && __\#(tool)_words "$name"
    done 2>/dev/null </etc/services
  }

  # Offers the names of commands.
  __\#(tool)_commands() {
    local names
    mapfile -t names < <(compgen -c -- "${current#"$prefix"}")
    __\#(tool)_words "${names[@]}"
  }

  # Finds the row of an option by its spelling.
  __\#(tool)_find() {
    for row in "${options[@]}"; do
      [[ " ${row//[*=?+]/} " == *" $1 "* ]] && return
    done
    row=
    return 1
  }

  # Takes note of an option that has been given, and of what has to follow unless a value is attached.
  __\#(tool)_note() {
    given+="$row|"
    if [[ ! $1 ]]; then
      [[ $row == *[=+] ]] && option=$row
    elif [[ $row == *+ ]]; then
      remaining=1
    fi
  }

  _\#(tool)() {
    local words=() rest=${COMP_LINE:0:COMP_POINT} before word last=-1 i
    for ((i = 0; i <= COMP_CWORD; i++)); do
      before=$rest
      rest=${rest#"${rest%%[![:blank:]]*}"}
      word=${COMP_WORDS[i]}
      ((i == COMP_CWORD)) && word=$rest
      if ((last >= 0)) && [[ $rest == "$before" ]]; then
        words[last]+=$word
      else
        words[++last]=$word
      fi
      rest=${rest#"$word"}
    done
    local current=${words[last]} prefix='' head=''
    [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && head=${current%"${current##*:}"}
    [[ $COMP_WORDBREAKS == *=* && ${current#"$head"} == *=* ]] && head=${current%"${current##*=}"}

    local options command='' option='' row='' given='|' ended='' remaining='' attached='' position=0 letters
    COMPREPLY=()
    __\#(tool)_table ''
    for word in "${words[@]:1:last-1}"; do
      attached=
      if [[ $option ]]; then
        [[ $option == *+ ]] && remaining=1
        option=
      elif [[ ! $ended && $word == -- ]]; then
        ended=1
      elif [[ ! $ended && $word == --* ]]; then
        __\#(tool)_find "${word%%=*}" || continue
        [[ $word == *=* ]] && attached=1
        __\#(tool)_note "$attached"
      elif [[ ! $ended && $word == -[!0-9]* ]] || { [[ ! $ended ]] && __\#(tool)_find "${word:0:2}"; }; then
        letters=${word#-}
        while [[ $letters ]] && __\#(tool)_find "-${letters:0:1}"; do
          letters=${letters:1}
          __\#(tool)_note "$letters"
          [[ $row == *[=?+] ]] && break
        done
      elif [[ ! $command ]]; then
        command=$word
        __\#(tool)_table "$command"
      else
        ((position += 1))
      fi
      [[ $remaining ]] && break
    done

    if [[ ! $option && ! $ended && ! $remaining && $current == --*=* ]]; then
      prefix=${current%%=*}=
      __\#(tool)_find "${prefix%=}" || return
      option=$row
    fi
    if [[ $remaining ]]; then
      __\#(tool)_files
    elif [[ $option ]]; then
      option=${option##* }
      option=${option#\*}
      __\#(tool)_value "$command" "${option%[=?+]}"
    elif [[ ! $ended && $current == -* ]]; then
      for row in "${options[@]}"; do
        [[ $row == \** || $given != *"|$row|"* ]] || continue
        for word in ${row//[*=?+]/}; do
          __\#(tool)_words "$word"
        done
      done
    elif [[ $command ]]; then
      __\#(tool)_operand "$command" "$position"
    else
      __\#(tool)_operand help 0
    fi
  }

  """#
}
