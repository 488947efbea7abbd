# Completion of ctrace's command line in bash: ctrace itself answers (tracer/options/complete.h).

# The words up to the cursor as ctrace would get them, in `words`, and with which of bash's own words
# each begins: bash takes them apart at = and :.
_ctrace_words()
{
    local line=${COMP_LINE:0:COMP_POINT} i word
    words=() begins=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == 0)) || [[ $line == [[:space:]]* || (-z $line && -z $word) ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=("") begins+=("$i")
        fi
        [[ ${#word} -le ${#line} ]] || word=$line
        words[-1]+=$word
        line=${line:${#word}}
    done
}

# Of names of files that begin so, the part that is still to be typed.
_ctrace_paths()
{
    local kind=$1 begin=$2 path
    local -a paths
    compopt -o filenames
    mapfile -t paths < <(compgen "$kind" -- "${words[-1]#"$begin"}")
    for path in "${paths[@]}"; do
        path=$begin$path
        COMPREPLY+=("${path#"$typed"}")
    done
}

_ctrace()
{
    local typed answer line word
    local -a words begins lines
    _ctrace_words
    # What bash itself holds for the words before the one that is typed.
    typed=${words[-1]%"${COMP_WORDS[COMP_CWORD]:0:${#words[-1]}}"}
    [[ ${COMP_WORDS[COMP_CWORD]} != [=:] ]] || typed=${words[-1]}
    COMPREPLY=()
    mapfile -t lines < <("${words[0]/#\~/$HOME}" --complete "${words[@]:1}" 2>/dev/null)
    answer=${lines[0]-}
    case $answer in
    files\ *) _ctrace_paths -f "${answer#files }" ;;
    folders\ *) _ctrace_paths -d "${answer#folders }" ;;
    command\ *)
        # Of the program that is recorded, by its own rules where bash-completion knows them.
        if declare -F _command_offset >/dev/null; then
            _command_offset "${begins[${answer#command } + 2]}"
        elif ((${answer#command } + 3 == ${#words[@]})); then
            _ctrace_paths -c ""
        else
            _ctrace_paths -f ""
        fi
        ;;
    words)
        for line in "${lines[@]:1}"; do
            word=${line%%$'\t'*}
            word=${word#"$typed"}
            [[ $word != *= ]] || compopt -o nospace
            [[ $word != *[^[:alnum:]_./,:@%+=-]* ]] || printf -v word %q "$word"
            COMPREPLY+=("$word")
        done
        ;;
    esac
}

complete -F _ctrace ctrace
