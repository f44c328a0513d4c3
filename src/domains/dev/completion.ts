// Completion scripts. They ask the program itself (`seed __complete`), which answers from its catalogue.
import type { OperationContext } from '#operation/operation.ts';
import type { DevPorts } from './ports.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

export function completion(input: { shell: Shell }, _context: OperationContext<DevPorts>): string {
  return SCRIPTS[input.shell];
}

// bash ends a word at : and = (COMP_WORDBREAKS): what it is given back must then begin after the last of them.
const BASH = `# Completion of seed for bash. In ~/.bashrc: source <(seed cli:completion --shell bash)
_seed_complete() {
  local line="\${COMP_LINE:0:$COMP_POINT}" candidate strip=""
  local word="\${line##*[[:space:]]}"
  case "$COMP_WORDBREAKS" in *:*) [[ "$word" == *:* ]] && strip="\${word%"\${word##*:}"}" ;; esac
  case "$COMP_WORDBREAKS" in *=*) [[ "$word" == -*=* ]] && strip="\${word%%=*}=" ;; esac
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("\${candidate#"$strip"}")
  done < <("\${COMP_WORDS[0]}" __complete bash "$line" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -gt 0 && "\${COMPREPLY[0]}" == *[:=] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o bashdefault -o default -F _seed_complete seed
`;

const ZSH = `#compdef seed
# Completion of seed for zsh. Write it to a file called _seed in a folder of $fpath, or: source <(seed cli:completion --shell zsh)
_seed() {
  local -a values shown
  local value summary ending=' '
  while IFS=$'\\t' read -r value summary; do
    values+=("$value")
    shown+=("$value\${summary:+  -- $summary}")
    [[ "$value" == *[:=] ]] && ending=''
  done < <("\${words[1]}" __complete zsh "\${(j: :)words[1,CURRENT]}" 2>/dev/null)
  if (( \${#values} )); then compadd -S "$ending" -l -d shown -a values; else _files; fi
}
if [[ "$funcstack[1]" == _seed ]]; then _seed "$@"; else compdef _seed seed; fi
`;

const FISH = `# Completion of seed for fish. Write it to ~/.config/fish/completions/seed.fish
function __seed_wants_file
  set -l words (commandline -opc)
  contains -- "$words[-1]" --output -o --batch --from --file
end
complete -c seed -f -a '(seed __complete fish (commandline -cp))'
complete -c seed -F -n __seed_wants_file
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
