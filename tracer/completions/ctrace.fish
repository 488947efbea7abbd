# Completion of ctrace's command line in fish: ctrace itself answers (tracer/options/complete.h).

function __ctrace_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l lines ($words[1] --complete $words[2..-1] "$typed" 2>/dev/null)
    set -l answer (string split -m 1 ' ' -- $lines[1])
    switch $answer[1]
        case files
            __ctrace_paths $answer[2] $typed __fish_complete_path
        case folders
            __ctrace_paths $answer[2] $typed __fish_complete_directories
        case command
            # Of the program that is recorded, by its own rules.
            set -l begin (math $answer[2] + 3)
            set -l rest
            if test $begin -le (count $words)
                set rest (string escape -- $words[$begin..-1])
            end
            complete -C (string join ' ' -- $rest "$typed")
        case words
            printf '%s\n' $lines[2..-1]
    end
end

function __ctrace_paths -a begin typed lister
    set -l rest (string sub -s (math (string length -- "$begin") + 1) -- "$typed")
    for path in ($lister "$rest")
        echo -- "$begin$path"
    end
end

complete -c ctrace -f -a '(__ctrace_complete)'
