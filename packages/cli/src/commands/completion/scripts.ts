import type { Place } from './words';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The script that a shell reads once; what else may stand there is asked of the program, and names by that of the master. */
export function scriptFor(shell: Shell, places: readonly Place[]): string {
  if (shell === 'fish') return fish(places);
  const cases = places.map(({ path, words, asks }) => `    "${path}") words="${words.join(' ')}"; asks=${asks ? 'yes' : ''} ;;`).join('\n');
  // The words that name commands are the path; an option's value among them does no harm, for it names none.
  const shared = `_paravcl_place() {
  words= asks=
  case "$1" in
${cases}
    *) return 1 ;;
  esac
}
_paravcl_find() {
  path=
  for word in "$@"; do
    case "$word" in -*) continue ;; esac
    _paravcl_place "\${path:+$path }$word" && path="\${path:+$path }$word"
  done
  _paravcl_place "$path"
}
`;
  return shell === 'bash' ? bash(shared) : zsh(shared);
}

const bash = (places: string): string => `# bash completion of paravcl: source <(paravcl completion bash)
${places}_paravcl() {
  local path word words asks cur name
  cur="\${COMP_WORDS[COMP_CWORD]}"
  _paravcl_find "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$cur")
  if [ -n "$asks" ] && [ "\${cur#-}" = "$cur" ]; then
    while IFS= read -r name; do
      case "$name" in "$cur"*) COMPREPLY+=("$(printf %q "$name")") ;; esac
    done < <(paravcl __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
  fi
}
complete -o default -F _paravcl paravcl
`;

const zsh = (places: string): string => `#compdef paravcl
# zsh completion of paravcl: source <(paravcl completion zsh)
${places}_paravcl() {
  # "words" and "path" are zsh's own: the line is taken before they are shadowed.
  local -a before
  before=("\${(@)words[2,CURRENT-1]}")
  local found asks
  local -a names
  found=$(local -h words path; _paravcl_find "\${before[@]}"; print -r -- "$words"; print -r -- "asks=$asks")
  asks=\${found##*asks=}
  [ -n "$asks" ] && [[ $PREFIX != -* ]] && names=("\${(@f)$(paravcl __complete -- "\${(@Q)before}" 2>/dev/null)}") && names=("\${(@)names:#}")
  compadd -- \${=found%%$'\n'*}
  if (( $#names )); then compadd -- "\${(@)names}"; elif [ -n "$asks" ]; then _files; fi
}
compdef _paravcl paravcl
`;

const fish = (places: readonly Place[]): string => `# fish completion of paravcl: paravcl completion fish | source
function __paravcl_names
    set -l names (paravcl __complete -- (commandline -opc)[2..-1] 2>/dev/null)
    if set -q names[1]
        printf '%s\\n' $names
    else
        __fish_complete_path (commandline -ct)
    end
end
function __paravcl_place
    switch "$argv[1]"
${places.map(({ path, words, asks }) => `        case "${path}"\n            printf '%s\\n' ${words.join(' ')}${asks ? `\n            test -n "$argv[2]"; and __paravcl_names` : ''}`).join('\n')}
        case '*'
            return 1
    end
    return 0
end
function __paravcl_words
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and continue
        set -l longer (string join ' ' $path $word)
        __paravcl_place "$longer" >/dev/null; and set path $longer
    end
    __paravcl_place "$path" names
end
complete -c paravcl -f -a '(__paravcl_words)'
`;
