# Prints the completions that zsh offers for a command line, one per line: zsh -f capture-zsh.zsh SCRIPT LINE
# Runs a real interactive zsh on a pseudo terminal, with a compadd that prints the matches instead of showing them.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; autoload -U compinit; compinit -u -D; source ${(q)1}; bindkey '^I' complete-word"
zpty -w shell '
comppostfuncs=(exit)
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a matches
  builtin compadd -A matches "$@"
  print -rl -- "<"${^matches}">"
}
print READY'
zpty -r -m shell output '*READY*READY*'
zpty -w -n shell "$2"$'\t'
while zpty -r shell chunk; do
  print -rn -- $chunk
done | sed -n 's/^.*<\(.*\)>.*$/\1/p'
