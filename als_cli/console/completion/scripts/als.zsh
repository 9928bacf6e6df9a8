#compdef als
# Completion of als in zsh. Load it with: source <(als completion zsh)
_als() {
    local line value
    local -a open open_shown closed closed_shown typed
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        [[ -n $value ]] || continue
        line=${line/$'\t'/  -- }
        if [[ $value == '~'* ]]; then
            typed+=("$value")
        elif [[ $value == *[=/.] ]]; then
            open+=("$value") open_shown+=("$line")
        else
            closed+=("$value") closed_shown+=("$line")
        fi
    done < <(_ALS_COMPLETE=zsh ${~words[1]} "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#open )) && compadd -S '' -l -d open_shown -a open
    (( $#closed )) && compadd -l -d closed_shown -a closed
    (( $#typed )) && compadd -Q -S '' -a typed
    return 0
}
if [[ $funcstack[1] == _als ]]; then
    _als "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _als als
fi
