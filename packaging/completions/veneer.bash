# shellcheck shell=bash
# bash completion for veneer(8), below share/bash-completion/completions.

_veneer() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local options='--json --quiet --no-pager --root --store --runtime --help --version' command='' at i
    COMPREPLY=()
    case $prev in
        --base)
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -f -W staged -- "$cur")
            return
            ;;
        --initrd)
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        --root | --store | --runtime)
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return
            ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --base | --initrd | --root | --store | --runtime) ((++i)) ;;
            -*) ;;
            *)
                command=${COMP_WORDS[i]} at=$i
                break
                ;;
        esac
    done
    case $command in
        check) options+=' --base --force --verbose' ;;
        diff) options+=' --base' ;;
        doctor) options+=' --strict' ;;
        gc) options+=' --dry-run --yes' ;;
        guard) options='' ;;
        lint) options+=' --initrd --stamp --strict' ;;
        rebase) options+=' --base --dry-run --force' ;;
        refresh) options+=' --dry-run --early' ;;
        reset) options+=' --soft --yes' ;;
        run)
            # What follows is another command, completed as such where bash-completion is there.
            if declare -F _command_offset > /dev/null; then
                _command_offset "$((at + 1))"
            else
                mapfile -t COMPREPLY < <(compgen -c -- "$cur")
            fi
            return
            ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $command in
        '')
            options='status layers diff why check rebase retry use reset gc doctor lint run bless record refresh guard'
            ;;
        use) options=$(veneer layers --json 2> /dev/null | grep -oE '"id":"[0-9]+-[0-9a-f]+"' | cut -d '"' -f 4) ;;
        guard) options='prepare open close hold shut' ;;
        why)
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        *) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
}

complete -F _veneer veneer
