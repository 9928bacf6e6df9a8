# Completion of als in bash 3.2 and later. Load it with: source <(als completion bash)
_als_completion() {
    local IFS=$'\n' line
    COMPREPLY=()
    while read -r line; do
        COMPREPLY[${#COMPREPLY[@]}]=$line
    done < <(_ALS_COMPLETE=bash "${1/#\~\//$HOME/}" "$COMP_LINE" "$COMP_POINT" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _als_completion als
